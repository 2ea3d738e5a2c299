"""Reading pain.002.001.03: the bank's word on a message (a receipt), and on each of its transactions (a result)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

from iso20022.errors import IsoError
from iso20022.parts import Account, count, day, plain_yen, read_account, yen
from iso20022.reading import Element, records
from iso20022.reasons import DONE, REJECTED, code_of

STATUS = "pain.002.001.03"
_ROOT = "CstmrPmtStsRpt"
_HEAD = f"{_ROOT}/GrpHdr"
_GROUP = f"{_ROOT}/OrgnlGrpInfAndSts"
_PAYMENT = f"{_ROOT}/OrgnlPmtInfAndSts"
_ACCEPTED = frozenset({"ACTC", "ACCP", "ACSP"})
_HASH = re.compile(r"SHA256 ([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class GroupStatus:
    """What the bank says of a whole message."""

    message_id: str  # ours, that it answers
    count: int
    total: int
    accepted: bool
    code: str | None
    reason: str | None
    sha256: bytes | None  # of the bytes it has taken, where it says so (`SHA256 …` in AddtlInf)


@dataclass(frozen=True, slots=True)
class ResultHead:
    """Whose debits are answered. `on` and `account` are those of every single transaction."""

    message_id: str
    consignor_code: str
    on: date
    account: Account


@dataclass(frozen=True, slots=True)
class ResultLine:
    """One transaction: its EndToEndId, the account that was to be debited, and the result code (0 to 9, see `reasons`)."""

    reference: str
    account: Account
    amount: int
    code: int


@dataclass(frozen=True, slots=True)
class ResultTotals:
    """What the message says above its transactions."""

    count: int
    total: int
    done_count: int
    done_total: int
    failed_count: int
    failed_total: int


def read_receipt(chunks: Iterable[bytes]) -> GroupStatus:
    """The status of a whole message. Raises IsoError, also for one that neither accepts nor refuses."""
    found = [element for _, element in records(chunks, STATUS, {_GROUP})]
    if len(found) != 1:
        raise IsoError(f"{len(found)} statuses of a message, where one stands")
    group = found[0]
    status = group.word("GrpSts")
    if status not in _ACCEPTED and status != REJECTED:
        raise IsoError("a status that neither accepts nor refuses", line=group.line)
    why = group.all("StsRsnInf")
    notes = [note.text for reason in why for note in reason.all("AddtlInf")]
    hashes = [bytes.fromhex(match[1]) for note in notes if (match := _HASH.fullmatch(note))]
    codes = [element.text for reason in why for path in ("Rsn/Prtry", "Rsn/Cd") for element in reason.all(path)]
    return GroupStatus(
        message_id=group.word("OrgnlMsgId"),
        count=count(group.one("OrgnlNbOfTxs")),
        total=plain_yen(group.one("OrgnlCtrlSum")),
        accepted=status != REJECTED,
        code=codes[0] if codes else None,
        reason=" ".join(note for note in notes if not _HASH.fullmatch(note)) or None,
        sha256=hashes[0] if hashes else None,
    )


def read_result(chunks: Iterable[bytes]) -> Iterator[ResultLine | tuple[ResultHead, ResultTotals]]:
    """The transactions of a debit message in order, and at the end, once, whose they are and their totals.

    Raises:
        IsoError: Anything that cannot be read, several payment blocks, transactions of several dates or accounts, or none at all. What came
            before was read rightly, and must all the same not be used.
    """
    state = _Result()
    paths = {
        _HEAD,
        _GROUP,
        *(f"{_PAYMENT}/{tag}" for tag in ("OrgnlPmtInfId", "OrgnlNbOfTxs", "OrgnlCtrlSum", "NbOfTxsPerSts", "TxInfAndSts")),
    }
    for path, element in records(chunks, STATUS, paths):
        match path.rpartition("/")[2]:
            case "GrpHdr":
                state.once("consignor", element.word("InitgPty/Id/OrgId/Othr/Id"), element)
            case "OrgnlGrpInfAndSts":
                state.once("message_id", element.word("OrgnlMsgId"), element)
            case "OrgnlPmtInfId":
                state.once("payment", element.text, element)
            case "OrgnlNbOfTxs":
                state.once("count", count(element), element)
            case "OrgnlCtrlSum":
                state.once("total", plain_yen(element), element)
            case "NbOfTxsPerSts":
                status = element.word("DtldSts")
                if status not in (DONE, REJECTED):
                    raise IsoError("a total of a status that does not say whether the money was taken", line=element.line)
                state.once(status, (count(element.one("DtldNbOfTxs")), plain_yen(element.one("DtldCtrlSum"))), element)
            case _:
                yield state.line(element)
    yield state.end()


@dataclass(slots=True)
class _Result:
    said: dict[str, object] = field(default_factory=dict)
    of: tuple[date, Account] | None = None

    def once(self, what: str, value: object, element: Element) -> None:
        if what in self.said:
            raise IsoError(f"a second {element.tag}: our messages have one block", line=element.line)
        self.said[what] = value

    def line(self, element: Element) -> ResultLine:
        original = element.one("OrgnlTxRef")
        of = (day(original, "ReqdColltnDt"), read_account(original.one("CdtrAgt"), original.one("CdtrAcct")))
        if self.of not in (None, of):
            raise IsoError("a transaction of another date or account than the one before", line=element.line)
        self.of = of
        notes = [note.text for note in element.all("StsRsnInf/AddtlInf")]
        try:
            code = code_of(element.word("TxSts"), element.maybe_word("StsRsnInf/Rsn/Cd"), notes)
        except IsoError as error:
            raise IsoError(error.reason, line=element.line) from None
        return ResultLine(
            reference=element.word("OrgnlEndToEndId"),
            account=read_account(original.one("DbtrAgt"), original.one("DbtrAcct")),
            amount=yen(original, "Amt/InstdAmt"),
            code=code,
        )

    def end(self) -> tuple[ResultHead, ResultTotals]:
        missing = {"consignor", "message_id", "payment", "count", "total"} - self.said.keys()
        if missing or self.of is None:
            raise IsoError(f"the result lacks {', '.join(sorted(missing)) or 'its transactions'}")
        if self.said["payment"] != self.said["message_id"]:
            raise IsoError("the payment block is not that of the message")
        head = ResultHead(str(self.said["message_id"]), str(self.said["consignor"]), *self.of)
        done, failed = self.said.get(DONE, (0, 0)), self.said.get(REJECTED, (0, 0))
        assert isinstance(done, tuple)
        assert isinstance(failed, tuple)
        return head, ResultTotals(int(str(self.said["count"])), int(str(self.said["total"])), *done, *failed)
