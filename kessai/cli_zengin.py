"""Bank files from the command line: what a file is and what is wrong with it, and how a name will be written.

Works on files alone: no database, no settings, no world.
"""

from __future__ import annotations

import json
import sys
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final, Literal

from cyclopts import App, Parameter

from kessai.screen import PLAIN, Common, console, print_json, table, weekday, yen
from kessai.trouble import Trouble
from zengin import (
    BRANCH_NAME,
    DEBIT_REQUEST,
    DEBIT_RESULT,
    DEBIT_RESULT_FAILED_ONLY,
    EBCDIC,
    EDI,
    JIS,
    NOTICE,
    PARTY_NAME,
    PAYOUT,
    STATEMENT,
    BlockTotals,
    CharClass,
    Finding,
    InspectedRecord,
    Inspection,
    NotZengin,
)
from zengin.inspecting import BUSINESS
from zengin.kana import HALF_WIDTH, changes, named, unconvertible
from zengin.records import RESULT_LABELS, DebitTrailer, NoticeTrailer, StatementTrailer
from zengin.totals import DebitShape

app = App(
    name="zengin",
    help="""Look into bank files (全銀), and see how a name will be written.

For example:

    kessai zengin check statement.txt --tolerant
    kessai zengin kana "株式会社あおぞら"
""",
)

TOKYO: Final = timezone(timedelta(hours=9))
PROGRESS_EVERY: Final = 20_000  # records between looks at the clock
PROGRESS_SECONDS: Final = 1.0

Encoding = Literal["auto", "jis", "ebcdic"]
Kind = Literal["auto", "91", "91-request", "91-result", "91-failed-only", "21", "03", "01"]

ENCODINGS: Final = {"auto": None, "jis": JIS, "ebcdic": EBCDIC}
FORMATS: Final[dict[str, Any]] = {
    "91-request": DEBIT_REQUEST,
    "91-result": DEBIT_RESULT,
    "91-failed-only": DEBIT_RESULT_FAILED_ONLY,
    "21": PAYOUT,
    "03": STATEMENT,
    "01": NOTICE,
}
SHAPES: Final = {
    DebitShape.REQUEST: "request 依頼明細",
    DebitShape.RESULT: "result, all lines 結果明細(全件)",
    DebitShape.RESULT_FAILED_ONLY: "result, failed lines only 結果明細(不能分のみ)",
}


@app.command
def check(
    file: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    tolerant: Annotated[bool, Parameter(negative="")] = False,
    encoding: Encoding = "auto",
    kind: Kind = "auto",
    near: date | None = None,
    common: Common = PLAIN,
) -> int:
    """Say what a bank file is, what it adds up to, and everything that is wrong with it.

    Reads 91 (request and result), 21, 03 and 01, of any size. Exit status 0: nothing found. 1: findings, warnings too.
    2: it cannot be read as one of these. Findings mask account numbers and names; --json shows every field of every
    record as it stands, one JSON object a line.

    For example:

        kessai zengin check 91_0000012345_20001210_001.txt.result.txt
        kessai zengin check statement.txt --tolerant
        kessai zengin check host.dat --encoding ebcdic --json | jq .fields
        cat result.txt | kessai zengin check - --kind 91-failed-only

    Parameters
    ----------
    file
        The file; - reads standard input.
    tolerant
        Also take LF, CR, stripped spaces and filled fillers, each with a warning, as banks set to tolerant are read.
    encoding
        JIS X 0201 or EBCDIC (IBM 290); auto looks at the first byte.
    kind
        What it must be; auto looks at the kind code. A 91 then is what its trailer says.
    near
        A day that the file's dates are near to: they have no century. Today, if left out.
    """
    with _opened(file) as source:
        try:
            inspection = Inspection(source, tolerant=tolerant, file_format=FORMATS.get(kind), characters=ENCODINGS[encoding])
        except NotZengin as error:
            raise Trouble(
                "This is no Zengin file that can be read", why=f"{error} / {error.message_ja}", do=_advice(encoding), code="NOT_ZENGIN"
            ) from error
        if kind == "91" and inspection.kind_code != "91":
            raise Trouble(f"This is a file of kind {inspection.kind_code}, not 91", do=("leave --kind out",), code="NOT_ZENGIN")
        day = near or datetime.now(TOKYO).date()
        try:
            (_as_json if common.json else _as_text)(inspection, day)
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                raise
            raise _unreadable(file, error) from error
    return 1 if inspection.errors or inspection.warnings else 0


def _advice(encoding: str) -> tuple[str, ...]:
    return ("name the encoding: --encoding jis | ebcdic",) if encoding == "auto" else ("leave --encoding out",)


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        opened = Path(file).open("rb")  # noqa: SIM115 - closed below; only opening may fail here
    except (OSError, ValueError) as error:
        raise _unreadable(file, error) from error
    with opened:
        yield opened


def _unreadable(file: str, error: Exception) -> Trouble:
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return Trouble(f"Cannot read {file!r}", why=why, code="FILE")


def _records(inspection: Inspection) -> Iterator[InspectedRecord]:
    """The records, with a line on standard error that tells how far it is, if somebody looks at it."""
    looks = sys.stderr.isatty()
    said, last = False, time.monotonic()
    for record in inspection:
        yield record
        if looks and inspection.records % PROGRESS_EVERY == 0 and time.monotonic() - last > PROGRESS_SECONDS:
            said, last = True, time.monotonic()
            print(f"\r{inspection.records:,} records, {inspection.bytes / 1e6:,.0f} MB ", end="", file=sys.stderr, flush=True)
    if said:
        print("\r\033[K", end="", file=sys.stderr, flush=True)


# -- for programs -----------------------------------------------------------------------------------------------------


def _as_json(inspection: Inspection, near: date) -> None:
    business, business_ja = BUSINESS[inspection.kind_code]
    _line(
        {
            "file": {
                "kind_code": inspection.kind_code,
                "business": business,
                "business_ja": business_ja,
                "code_kind": inspection.characters.code_kind,
                "encoding": inspection.characters.name,
                "record_length": inspection.record_length,
            }
        }
    )
    for record in _records(inspection):
        _line(_record(record, near))
    _line(
        {
            "totals": {
                "framing": _framing(inspection),
                "records": inspection.records,
                "bytes": inspection.bytes,
                "errors": inspection.errors,
                "warnings": inspection.warnings,
                "block_count": inspection.block_count,
                "blocks": [_block(block) for block in inspection.blocks],
            }
        }
    )


def _line(value: dict[str, Any]) -> None:
    print(json.dumps(value, ensure_ascii=False))


def _record(record: InspectedRecord, near: date) -> dict[str, Any]:
    shown: dict[str, Any] = {"record": record.record, "byte": record.byte, "role": record.role, "fields": record.values}
    dates = record.dates(near)
    if dates:
        shown["dates"] = {name: day.isoformat() for name, day in dates.items()}
    if record.undecodable:
        shown["undecodable"] = {name: raw.hex() for name, raw in record.undecodable.items()}
    if record.layout is None and record.raw:
        shown["raw"] = record.raw.hex()
    shown["findings"] = [_finding(finding) for finding in record.findings]
    return shown


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code.value,
        "severity": finding.severity.value,
        "record": finding.record,
        "byte": finding.byte,
        "column": finding.column,
        "field": finding.field,
        "label": finding.label,
        "expected": finding.expected,
        "found": finding.found,
        "message": finding.message,
        "message_ja": finding.message_ja,
    }


def _block(block: BlockTotals) -> dict[str, Any]:
    shown: dict[str, Any] = {"lines": block.lines, "amount": block.amount}
    if block.shape is not None:
        shown["shape"] = block.shape.value
    if block.by_result:
        shown["by_result"] = {
            code: {"count": count, "amount": block.amount_by_result[code]} for code, count in sorted(block.by_result.items())
        }
    if isinstance(block.trailer, (StatementTrailer, NoticeTrailer)):
        shown["credits"] = {"count": block.credit_count, "amount": block.credit_amount}
        shown["debits" if isinstance(block.trailer, StatementTrailer) else "cancelled"] = {
            "count": block.debit_count,
            "amount": block.debit_amount,
        }
    shown["trailer"] = None if block.trailer is None else block.trailer._asdict()
    return shown


# -- for people -------------------------------------------------------------------------------------------------------


def _as_text(inspection: Inspection, near: date) -> None:
    for record in _records(inspection):
        for finding in record.findings:
            print(f"{finding.severity.value:<8}{finding}\n{'':<8}{finding.message_ja}")
    business, business_ja = BUSINESS[inspection.kind_code]
    facts = [
        f"{inspection.kind_code} {business} {business_ja}",
        inspection.characters.name,
        f"records of {inspection.record_length} bytes, {_framing(inspection)}",
        f"{inspection.records:,} records, {inspection.bytes:,} bytes",
    ]
    print("; ".join(facts))
    if inspection.block_count > len(inspection.blocks):
        print(f"the last {len(inspection.blocks):,} of {inspection.block_count:,} blocks:")
    for number, block in enumerate(inspection.blocks, inspection.block_count - len(inspection.blocks) + 1):
        print(f"block {number}: {_header(block, near)}")
        for words in _totals(block):
            print(f"  {words}")
    print(_verdict(inspection))


def _framing(inspection: Inspection) -> str:
    framing = inspection.framing
    return "" if framing is None else framing.name.lower().replace("_", " ")


def _header(block: BlockTotals, near: date) -> str:
    if block.header is None:
        return ""
    values = block.header.values
    dates = block.header.dates(near)
    days = sorted({day for name, day in dates.items() if not name.startswith("created")})
    said = [
        str(values.get("consignor_code") or values.get("payer_code") or ""),
        str(values.get("consignor_name") or values.get("payer_name") or ""),
        f"bank {values.get('collection_bank_code') or values.get('payer_bank_code') or values.get('bank_code') or '?'}",
        " to ".join(f"{day} ({weekday(day)})" for day in days),
    ]
    return "  ".join(part for part in said if part)


def _totals(block: BlockTotals) -> Iterator[str]:
    shape = f"{SHAPES[block.shape]}: " if block.shape else ""
    yield f"{shape}{_lines(block.lines, block.amount)}"
    trailer = block.trailer
    if block.shape in (DebitShape.RESULT, DebitShape.RESULT_FAILED_ONLY):
        for code, count in sorted(block.by_result.items()):
            yield f"  {code} {RESULT_LABELS.get(code, 'not defined 未定義')}: {_lines(count, block.amount_by_result[code])}"
    if block.shape is DebitShape.RESULT_FAILED_ONLY and isinstance(trailer, DebitTrailer):
        yield f"  not in the file, debited as the trailer says: {_lines(trailer.debited_count, trailer.debited_amount)}"
    if isinstance(trailer, StatementTrailer):
        opening = block.header.values.get("opening_balance") if block.header else None
        yield f"in 入金 {block.credit_count:,}, {yen(block.credit_amount)} yen; out 出金 {block.debit_count:,}, {yen(block.debit_amount)} yen"
        yield f"balance {yen(opening) if isinstance(opening, int) else '?'} to {yen(trailer.closing_balance)} yen"
    if isinstance(trailer, NoticeTrailer):
        yield f"credits 振込 {block.credit_count:,}, {yen(block.credit_amount)} yen; cancelled 取消 {block.debit_count:,}, {yen(block.debit_amount)} yen"
    if trailer is None:
        yield "no trailer that can be read"


def _lines(count: int, amount: int) -> str:
    return f"{count:,} {'line' if count == 1 else 'lines'}, {yen(amount)} yen"


def _verdict(inspection: Inspection) -> str:
    if not inspection.errors and not inspection.warnings:
        return "nothing found 異常なし"
    counts = [(inspection.errors, "error"), (inspection.warnings, "warning")]
    return ", ".join(f"{count:,} {word}{'' if count == 1 else 's'}" for count, word in counts if count)


# -- names ------------------------------------------------------------------------------------------------------------

CLASSES: Final[dict[str, tuple[CharClass, tuple[tuple[str, int], ...]]]] = {
    "party": (PARTY_NAME, (("payer or payee 預金者名・受取人名", 30), ("consignor 委託者名", 40))),
    "branch": (BRANCH_NAME, (("bank or branch 銀行名・支店名", 15),)),
    "edi": (EDI, (("EDI information EDI情報", 20),)),
}


@app.command
def kana(text: str, /, *, field: Literal["party", "branch", "edi"] = "party", common: Common = PLAIN) -> int:
    """Show how a name will be written into a bank file, for each class of fields, and what is changed on the way.

    Nothing is ever cut, dropped or guessed: a character without a form is named, with its place. Exit status 0: it can
    be written into the field asked for. 1: it cannot.

    For example:

        kessai zengin kana "カ）アオゾラショウジ"
        kessai zengin kana "株式会社あおぞら"
        kessai zengin kana "「A／B」" --field edi --json

    Parameters
    ----------
    text
        The name, in kana of any kind.
    field
        The class that decides the exit status: a party's name, a bank's or branch's name, EDI information.
    """
    found = {name: _written(text, char_class, widths) for name, (char_class, widths) in CLASSES.items()}
    changed = changes(text)
    status = 0 if any(width["fits"] for width in found[field]["fields"]) else 1
    if common.json:
        print_json(_safe({"text": text, "classes": found, "changes": [change._asdict() for change in changed]}))
        return status
    rows = [
        [f"{label} ({width['width']})" if place == 0 or len(shown["fields"]) > 1 else "", _answer(shown, width), shown["bytes"] or ""]
        for shown in found.values()
        for place, width in enumerate(shown["fields"])
        for label in [width["label"]]
    ]
    console().print(table(["field (bytes)", "written as", "bytes"], rows, right=("bytes",)))
    for (position, char), names in _refused(found).items():
        print(f"position {position + 1}: {named(char)} cannot be written 使用できない文字: {', '.join(names)}")
    by_rule: dict[str, list[str]] = {}
    for change in changed:
        by_rule.setdefault(f"{change.why} {change.why_ja}", []).append(f"{_shown(change.char)} → {_shown(change.half)}")
    for rule, pairs in by_rule.items():
        print(f"{rule}: {', '.join(dict.fromkeys(pairs))}")
    return status


def _written(text: str, char_class: CharClass, widths: tuple[tuple[str, int], ...]) -> dict[str, Any]:
    refused = unconvertible(text, char_class)
    half = None if refused else text.translate(HALF_WIDTH)
    return {
        "name": char_class.name,
        "name_ja": char_class.name_ja,
        "written": half,
        "bytes": None if half is None else len(half),
        "fields": [{"label": label, "width": width, "fits": half is not None and 0 < len(half) <= width} for label, width in widths],
        "refused": [{"position": position, "char": char, "named": named(char)} for position, char in refused],
    }


def _refused(found: dict[str, dict[str, Any]]) -> dict[tuple[int, str], list[str]]:
    """Place and character to the classes that do not have it."""
    classes: dict[tuple[int, str], list[str]] = {}
    for shown in found.values():
        for refused in shown["refused"]:
            classes.setdefault((refused["position"], refused["char"]), []).append(shown["name"])
    return dict(sorted(classes.items()))


def _shown(text: str) -> str:
    return text if text.isprintable() and not text.isspace() and not unicodedata.combining(text[0]) else f"U+{ord(text[0]):04X}"


def _answer(shown: dict[str, Any], width: dict[str, Any]) -> str:
    if shown["written"] is None:
        return "refused 不可"
    if not shown["written"]:
        return "empty 空"
    return str(shown["written"]) + ("" if width["fits"] else "  too long 長すぎます")


def _safe(value: Any) -> Any:
    """The value with lone surrogates, which no encoding has, as their numbers."""
    if isinstance(value, dict):
        return {key: _safe(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_safe(inner) for inner in value]
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
