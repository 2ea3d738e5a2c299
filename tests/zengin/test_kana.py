"""Half-width bank kana: the conversion is a table, and so is its test."""

from __future__ import annotations

import pytest

from zengin.charset import BRANCH_NAME, EDI, JIS, PARTY_NAME, CharClass, UnsupportedCharacterSet, character_set, undefined_byte
from zengin.kana import HALF_WIDTH, TextTooLong, UnconvertibleCharacter, changes, is_clean, named, to_bank_kana, unconvertible

CONVERTED = """
    アイウエオ          ｱｲｳｴｵ
    あいうえお          ｱｲｳｴｵ
    ガギグゲゴ          ｶﾞｷﾞｸﾞｹﾞｺﾞ
    がざだば            ｶﾞｻﾞﾀﾞﾊﾞ
    パピプペポ          ﾊﾟﾋﾟﾌﾟﾍﾟﾎﾟ
    ぱぴぷぺぽ          ﾊﾟﾋﾟﾌﾟﾍﾟﾎﾟ
    ヴゔ                ｳﾞｳﾞ
    ヷ                  ﾜﾞ
    ァィゥェォッャュョヮ ｱｲｳｴｵﾂﾔﾕﾖﾜ
    ぁぃぅぇぉっゃゅょゎ ｱｲｳｴｵﾂﾔﾕﾖﾜ
    ｧｨｩｪｫｯｬｭｮ           ｱｲｳｴｵﾂﾔﾕﾖ
    ヵヶゕゖ            ｶｹｶｹ
    ヰヱゐゑ            ｲｴｲｴ
    ー                  -
    ｰ                   -
    ‐‑‒–—―             ------
    −－                 --
    ・･                 ..
    （カ）              (ｶ)
    ＡＢＣａｂｃ        ABCABC
    abc                 ABC
    ０１２９            0129
    か\u3099は\u309a    ｶﾞﾊﾟ
    カ゛ハ゜            ｶﾞﾊﾟ
    カ）アオゾラショウジ ｶ)ｱｵｿﾞﾗｼﾖｳｼﾞ
    ｶ)ｱｵｿﾞﾗ             ｶ)ｱｵｿﾞﾗ
    ン                  ﾝ
"""


@pytest.mark.parametrize("text, half", [line.split(maxsplit=1) for line in CONVERTED.strip().splitlines()])
def test_text_becomes_bank_kana(text: str, half: str):
    text = text.replace("\\u3099", "\u3099").replace("\\u309a", "\u309a")
    assert to_bank_kana(text) == half.strip()


def test_an_ideographic_space_becomes_a_space():
    assert to_bank_kana("ヤマダ\u3000タロウ") == "ﾔﾏﾀﾞ ﾀﾛｳ"


@pytest.mark.parametrize("text", ["ヲ", "を", "ｦ", "ヺ"])
def test_wo_is_for_edi_only(text: str):
    assert to_bank_kana(text, EDI).startswith("ｦ")
    with pytest.raises(UnconvertibleCharacter):
        to_bank_kana(text, PARTY_NAME)


@pytest.mark.parametrize(
    "text, char_class, char, position",
    [
        ("アオ空", PARTY_NAME, "空", 2),
        ("A&B", PARTY_NAME, "&", 1),
        ("A@B", PARTY_NAME, "@", 1),
        ("ア,イ", PARTY_NAME, ",", 1),
        ("ア,イ", EDI, ",", 1),
        ("ア、イ", EDI, "、", 1),
        ("ア/イ", PARTY_NAME, "/", 1),
        ("「ア」", PARTY_NAME, "「", 0),
        ("ガガ¥", PARTY_NAME, "¥", 2),
        ("ア　イ", BRANCH_NAME, "　", 1),
        ("ア.", BRANCH_NAME, ".", 1),
        ("ア(イ", BRANCH_NAME, "(", 1),
        ("ア\tイ", PARTY_NAME, "\t", 1),
        ("ア\u0000", PARTY_NAME, "\u0000", 1),
        ("é", PARTY_NAME, "é", 0),
        ("㈱アオ", PARTY_NAME, "㈱", 0),
        ("ヽ", PARTY_NAME, "ヽ", 0),
    ],
)
def test_what_has_no_form_is_an_error_with_its_place(text: str, char_class: CharClass, char: str, position: int):
    with pytest.raises(UnconvertibleCharacter) as caught:
        to_bank_kana(text, char_class)
    assert (caught.value.char, caught.value.position, caught.value.char_class) == (char, position, char_class)


@pytest.mark.parametrize("text, half", [("¥100", "\\100"), ("￥", "\\"), ("「A／B」", "｢A/B｣"), ("\\", "\\")])
def test_edi_has_more_signs(text: str, half: str):
    assert to_bank_kana(text, EDI) == half


def test_a_long_text_is_refused_not_cut():
    assert to_bank_kana("ア" * 30, width=30) == "ｱ" * 30
    with pytest.raises(TextTooLong) as caught:
        to_bank_kana("ア" * 29 + "ガ", width=30)  # a voiced kana takes two bytes
    assert (caught.value.length, caught.value.width) == (31, 30)


@pytest.mark.parametrize(
    "text, clean",
    [("ｶ)ｱｵｿﾞﾗ", True), ("", True), ("ABC 1-2.", True), ("abc", False), ("ｧ", False), ("ｰ", False), ("ア", False)],
)
def test_clean_text_is_what_conversion_leaves_alone(text: str, clean: bool):
    assert is_clean(text, PARTY_NAME) is clean
    assert (to_bank_kana(text) == text) is clean


def test_every_kana_of_the_standard_has_its_byte():
    kana = "".join(map(chr, range(0xFF61, 0xFFA0)))
    assert JIS.encode(kana) == bytes(range(0xA1, 0xE0))
    assert JIS.decode(bytes(range(0xA1, 0xE0))) == kana


def test_the_table_is_ascii_and_kana_and_nothing_else():
    text = JIS.decode(bytes(range(256)))
    assert text[0x20:0x7F] == "".join(map(chr, range(0x20, 0x7F)))
    undefined = [byte for byte in range(256) if undefined_byte(text[byte]) is not None]
    assert undefined == [*range(0x7F, 0xA1), *range(0xE0, 0x100)]
    assert [undefined_byte(text[byte]) for byte in undefined] == undefined


def test_the_yen_sign_shares_its_byte_with_the_backslash():
    assert JIS.encode("¥") == JIS.encode("\\") == b"\x5c"


@pytest.mark.parametrize("text", ["ア", "～", "é", "\u2014", "空"])
def test_two_byte_characters_cannot_be_encoded(text: str):
    with pytest.raises(UnicodeEncodeError):
        JIS.encode(text)


def test_a_code_kind_that_nobody_has():
    assert character_set("0") is JIS
    with pytest.raises(UnsupportedCharacterSet, match=r"code kind '7' .* 1 \(EBCDIC"):
        character_set("7")


@pytest.mark.parametrize(
    "text, rule",
    [
        ("ァ", "small kana become large"),
        ("ぁ", "hiragana; small kana become large"),
        ("ガ", "a voiced kana is two characters"),
        ("ぱ", "hiragana; a voiced kana is two characters"),
        ("ヱ", "old kana become today's"),
        ("―", "every dash becomes -"),
        ("･", "the middle dot becomes a full stop"),
        ("ア", "full width becomes half width"),
        ("Ａ", "full width becomes half width"),
        ("「", "the sign's half-width form"),
        ("a", "letters become upper case"),
    ],
)
def test_every_change_has_its_rule(text: str, rule: str):
    (change,) = changes(f"ｱ{text}")
    assert (change.position, change.char, change.why) == (1, text, rule)
    assert change.half == to_bank_kana(text, EDI)
    assert not change.why_ja.isascii()


def test_every_character_of_the_table_has_a_rule_that_fits():
    for code, half in HALF_WIDTH.items():
        assert [change.half for change in changes(chr(code))] == ([half] if half != chr(code) else [])


def test_all_that_has_no_form_is_named():
    assert unconvertible("ｱ空,🍣", PARTY_NAME) == [(1, "空"), (2, ","), (3, "🍣")]
    assert named("空") == "空 (U+7A7A CJK UNIFIED IDEOGRAPH-7A7A)"
    assert named("\u202e") == "(U+202E RIGHT-TO-LEFT OVERRIDE)"
    assert named("\x00") == "(U+0000 without a name)"
    assert named("\u0301") == "(U+0301 COMBINING ACUTE ACCENT)"
