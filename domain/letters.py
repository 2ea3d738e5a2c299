"""Mail [0038]: what is written about an event, in Japanese and English. Plain text: a subject and a body.

What stands in a letter is what its reader would see on a socket; the templates only put it into sentences.
"""

import re
from collections.abc import Mapping
from typing import Any

LONGEST_ADDRESS = 254  # RFC 5321 section 4.5.3.1.3, less the angle brackets
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")  # whatever could begin another header or line

REASONS = {
    "SHORT_BALANCE": ("資金不足", "insufficient funds"),
    "NO_ACCOUNT": ("取引なし", "no such account"),
    "STOPPED_BY_PAYER": ("預金者の都合による振替停止", "stopped by the account's holder"),
    "NO_MANDATE": ("預金口座振替依頼書なし", "no mandate"),
    "STOPPED_BY_US": ("委託者の都合による振替停止", "stopped by us"),
    "OTHER": ("その他", "another reason"),
}
DISABLED = {
    "GONE": ("受信側が 410 を返しました", "its receiver answered 410 Gone"),
    "FAILING": ("3 日間、一度も受信されませんでした", "nothing was taken for three days"),
}


def address_problem(address: str) -> tuple[str, str] | None:
    """Why this is no mail address that we write to, in English and Japanese; None: it may be one."""
    if len(address) > LONGEST_ADDRESS or not _ADDRESS.fullmatch(address) or ".." in address or address.startswith(".") or ".@" in address:
        return "This is no mail address: name@host.example.", "メールアドレスの形式が正しくありません。"
    return None


def one_line(value: object) -> str:
    """A value that stays where it is put: no line break gets into a subject or a sentence."""
    return _UNSEEN.sub(" ", str(value))[:200]


def letter(language: str, kind: int | None, told: Mapping[str, Any]) -> tuple[str, str]:
    """Subject and text of a letter.

    Args:
        language: `ja` or `en`.
        kind: The number of the event; None: it is about no contract.
        told: What the stored operation answered, or the content of a code or notice.

    Raises:
        KeyError: There is no letter about this.
    """
    japanese = language == "ja"
    if kind is None:
        subject, lines = _code(japanese, told) if "code" in told else _disabled(japanese, told)
    else:
        event = told["data"]["contractStatusChanged"]
        subject, lines = _ABOUT[kind](japanese, event)
        lines = [*lines, "", *_contract(japanese, event["contract"])]
    foot = (
        ["", "--", "決済サーバーからの自動送信です。setNotifications で変更・停止できます。"]
        if japanese
        else ["", "--", "Sent by the settlement server. Change or stop it with setNotifications."]
    )
    return subject, "\n".join([*lines, *foot]) + "\n"


def _name(contract: Mapping[str, Any]) -> str:
    return f"{one_line(contract['site']['name'])} {one_line(contract['number'])}"


def _contract(japanese: bool, contract: Mapping[str, Any]) -> list[str]:  # noqa: FBT001
    amount = f"{contract['amount']:,}"
    if japanese:
        return [f"契約ID: {contract['contractId']}", f"契約番号: {_name(contract)}", f"金額: {amount} 円"]
    return [f"Contract ID: {contract['contractId']}", f"Number: {_name(contract)}", f"Amount: {amount} {contract['currency']}"]


def _shipped(japanese: bool, event: Mapping[str, Any]) -> tuple[str, list[str]]:  # noqa: FBT001
    contract, on = event["contract"], event["happenedOn"]
    tracking = contract["delivery"]["trackingNumber"]
    if japanese:
        lines = [f"{on} に商品が発送されました。" if on else "商品が発送されました。"] + (
            [f"お問い合わせ番号: {one_line(tracking)}"] if tracking else []
        )
        return f"発送済み: {_name(contract)}", lines
    lines = [f"The goods were shipped on {on}." if on else "The goods were shipped."] + (
        [f"Tracking number: {one_line(tracking)}"] if tracking else []
    )
    return f"Shipped: {_name(contract)}", lines


def _failed(japanese: bool, event: Mapping[str, Any]) -> tuple[str, list[str]]:  # noqa: FBT001
    contract, failure = event["contract"], event["contract"]["debit"]["failure"]
    why = REASONS.get(failure["reason"] if failure else "", REASONS["OTHER"])
    if japanese:
        return f"振替不能: {_name(contract)}", [f"口座振替ができませんでした（{why[0]}）。"]
    return f"Debit failed: {_name(contract)}", [f"The buyer's account could not be debited: {why[1]}."]


def _paid(japanese: bool, event: Mapping[str, Any]) -> tuple[str, list[str]]:  # noqa: FBT001
    contract, payout = event["contract"], event["contract"]["payout"] or {}
    amount, on = payout.get("settledAmount"), payout.get("settledOn") or event["happenedOn"]
    if japanese:
        return f"清算完了: {_name(contract)}", [
            f"{on} に {amount:,} 円が清算されました。" if amount is not None else "清算が完了しました。"
        ]
    lines = [f"{amount:,} {contract['currency']} was paid on {on}." if amount is not None else "The seller has been paid."]
    return f"Paid: {_name(contract)}", lines


def _code(japanese: bool, told: Mapping[str, Any]) -> tuple[str, list[str]]:  # noqa: FBT001
    code = one_line(told["code"])
    if japanese:
        return "メールアドレスの確認コード", [
            f"確認コード: {code}",
            "24 時間以内に confirmNotifications に入力してください。",
            "心当たりがなければ破棄してください。",
        ]
    return "Your confirmation code", [
        f"Code: {code}",
        "Give it to confirmNotifications within 24 hours.",
        "If you did not ask for it, ignore this.",
    ]


def _disabled(japanese: bool, told: Mapping[str, Any]) -> tuple[str, list[str]]:  # noqa: FBT001
    why, name = DISABLED[told["reason"]], one_line(told["webhook"])
    if japanese:
        return "Webhook を無効にしました", [
            f"Webhook {name} を無効にしました: {why[0]}。",
            "直したら enableWebhook で再開できます。送れなかった出来事は失われません。",
        ]
    return "A webhook was disabled", [
        f"Webhook {name} was disabled: {why[1]}.",
        "Once it is mended, enableWebhook goes on where it stopped; nothing is lost.",
    ]


_ABOUT = {8: _shipped, 5: _failed, 15: _paid}
