"""Writing what goes to a bank: pain.008.001.02 (debits 振替) and pain.001.001.03 (credits: payouts 清算, sweeps 資金集中).

One PmtInf a message, as there is one block in a Zengin file. Counts and sums stand before the lines and are compared with them when the
last is written; the same order and lines give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from iso20022.errors import IsoError
from iso20022.parts import CURRENCY, Account, words, write_account, write_agent
from iso20022.reading import NAMESPACE

DEBITS, CREDITS = "pain.008.001.02", "pain.001.001.03"
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Order:
    """What stands above the lines."""

    message_id: str  # MsgId and PmtInfId, at most 35 characters
    created_at: datetime  # aware
    count: int
    total: int
    consignor_code: str  # 委託者コード: who we are to this bank
    on: date  # ReqdColltnDt or ReqdExctnDt
    account: Account  # ours: the money goes there (008) or comes from there (001)


@dataclass(frozen=True, slots=True)
class Line:
    """One debit or credit. `reference` comes back in the answer: EndToEndId, at most 35 characters."""

    account: Account
    amount: int
    reference: str


def write_debits(order: Order, lines: Iterable[Line]) -> Iterator[bytes]:
    """A pain.008 in chunks. Raises IsoError, also when the lines are not what `order` says of them."""
    account = order.account
    head = (
        f"<PmtMtd>DD</PmtMtd>{_totals(order)}<ReqdColltnDt>{order.on}</ReqdColltnDt>"
        f"<Cdtr><Nm>{words(account.holder, 140)}</Nm></Cdtr>{write_account('CdtrAcct', account)}{write_agent('CdtrAgt', account)}"
    )
    return _written(order, "CstmrDrctDbtInitn", DEBITS, head, _counted(order, lines, _debit))


def write_credits(order: Order, lines: Iterable[Line]) -> Iterator[bytes]:
    """A pain.001 in chunks. Raises IsoError, also when the lines are not what `order` says of them."""
    account = order.account
    head = (
        f"<PmtMtd>TRF</PmtMtd>{_totals(order)}<ReqdExctnDt>{order.on}</ReqdExctnDt>"
        f"<Dbtr><Nm>{words(account.holder, 140)}</Nm></Dbtr>{write_account('DbtrAcct', account)}{write_agent('DbtrAgt', account)}"
    )
    return _written(order, "CstmrCdtTrfInitn", CREDITS, head, _counted(order, lines, _credit))


def _debit(line: Line) -> str:
    account = line.account
    return (
        f"<DrctDbtTxInf><PmtId><EndToEndId>{words(line.reference, 35)}</EndToEndId></PmtId>"
        f'<InstdAmt Ccy="{CURRENCY}">{line.amount}</InstdAmt>{write_agent("DbtrAgt", account)}'
        f"<Dbtr><Nm>{words(account.holder, 140)}</Nm></Dbtr>{write_account('DbtrAcct', account)}</DrctDbtTxInf>"
    )


def _credit(line: Line) -> str:
    account = line.account
    return (
        f"<CdtTrfTxInf><PmtId><EndToEndId>{words(line.reference, 35)}</EndToEndId></PmtId>"
        f'<Amt><InstdAmt Ccy="{CURRENCY}">{line.amount}</InstdAmt></Amt>{write_agent("CdtrAgt", account)}'
        f"<Cdtr><Nm>{words(account.holder, 140)}</Nm></Cdtr>{write_account('CdtrAcct', account)}</CdtTrfTxInf>"
    )


def _totals(order: Order) -> str:
    return f"<BtchBookg>true</BtchBookg><NbOfTxs>{order.count}</NbOfTxs><CtrlSum>{order.total}</CtrlSum>"


def _counted(order: Order, lines: Iterable[Line], write: Callable[[Line], str]) -> Iterator[str]:
    count = total = 0
    for line in lines:
        count, total = count + 1, total + line.amount
        yield write(line)
    if (count, total) != (order.count, order.total):
        raise IsoError(f"{count} lines of {total} yen are under a head that says {order.count} and {order.total}")


def _written(order: Order, root: str, message: str, head: str, lines: Iterator[str]) -> Iterator[bytes]:
    message_id = words(order.message_id, 35)
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{NAMESPACE}{message}"><{root}><GrpHdr><MsgId>{message_id}</MsgId>'
        f"<CreDtTm>{order.created_at.isoformat(timespec='seconds')}</CreDtTm><NbOfTxs>{order.count}</NbOfTxs><CtrlSum>{order.total}</CtrlSum>"
        f"<InitgPty><Nm>{words(order.account.holder, 140)}</Nm><Id><OrgId><Othr><Id>{words(order.consignor_code, 35)}</Id></Othr></OrgId></Id>"
        f"</InitgPty></GrpHdr>\n<PmtInf><PmtInfId>{message_id}</PmtInfId>{head}"
    )
    for line in lines:
        text += f"\n{line}"
        if len(text) > _CHUNK:
            yield text.encode()
            text = ""
    yield f"{text}\n</PmtInf></{root}></Document>\n".encode()
