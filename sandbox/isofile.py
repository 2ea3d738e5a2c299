"""The ISO 20022 gateway of a bank: reads pain.008 and pain.001, writes pain.002, camt.053 and camt.054 (docs/wire.md section 4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from sandbox.bankfile import CREDIT, DEBIT, FileName, Request, ResultShape, Unreadable, debited_totals
from sandbox.config import BankConfig
from sandbox.notice import Announced
from sandbox.records import Instruction, Order, answered, to_records
from sandbox.statement import BY_CREDIT, Heading, Movement

_SPACE = "urn:iso:std:iso:20022:tech:xsd:"
_REQUESTS = {DEBIT: ("pain.008.001.02", "CstmrDrctDbtInitn"), CREDIT: ("pain.001.001.03", "CstmrCdtTrfInitn")}
_REASONS = {1: "AM04", 2: "AC01", 3: "MS02", 4: "MD01", 8: "DS02", 9: "MS03"}
_SUFFIX = ".xml"


class IsoFormat:
    """See sandbox.formats.Format."""

    def take(self, name: str, content: bytes) -> tuple[FileName, Request]:
        """Reads a request as this bank understands it."""
        if not name.endswith(_SUFFIX):
            raise Unreadable("FORMAT", "the name does not end in .xml")
        named = FileName.parse(name.removesuffix(_SUFFIX) + ".txt")
        message, root = _REQUESTS[named.kind]
        parsed, request = to_records(*_Message(content, message, root).read(named.kind))
        if (parsed.consignor, parsed.on) != (named.consignor, named.on):
            raise Unreadable("FORMAT", "consignor or date are not those of the name")
        return named, request

    def answer_name(self, name: str, what: str, number: int) -> str:
        """`<name>.receipt.xml`, then `.receipt.2.xml`."""
        return f"{name}.{what}{'' if number == 1 else f'.{number}'}{_SUFFIX}"

    def statement_name(self, stem: str) -> str:
        """`03_….xml`."""
        return stem + _SUFFIX

    def receipt(self, receipt: Mapping[str, Any]) -> bytes:
        """pain.002 for the whole message."""
        kind = _REQUESTS[receipt["file"][:2]][0] if receipt["file"][:2] in _REQUESTS else "pain"
        why = ""
        if receipt["status"] != "accepted":
            reason = f"<AddtlInf>{escape(str(receipt['reason']))[:105]}</AddtlInf>"
            why = f"<StsRsnInf><Rsn><Prtry>{receipt['code']}</Prtry></Rsn>{reason}</StsRsnInf>"
        return _document(
            "pain.002.001.03",
            f"<CstmrPmtStsRpt><GrpHdr><MsgId>R{receipt['sha256'][:20]}</MsgId><CreDtTm>{receipt['at']}</CreDtTm></GrpHdr>"
            f"<OrgnlGrpInfAndSts><OrgnlMsgId>{escape(receipt['identity'] or 'NOTPROVIDED')}</OrgnlMsgId><OrgnlMsgNmId>{kind}</OrgnlMsgNmId>"
            f"<OrgnlNbOfTxs>{receipt['count']}</OrgnlNbOfTxs><OrgnlCtrlSum>{receipt['amount']}</OrgnlCtrlSum>"
            f"<GrpSts>{'ACTC' if receipt['status'] == 'accepted' else 'RJCT'}</GrpSts>{why}"
            f"<StsRsnInf><AddtlInf>SHA256 {receipt['sha256']}</AddtlInf></StsRsnInf></OrgnlGrpInfAndSts></CstmrPmtStsRpt>",
        )

    def result(self, request: Request, codes: bytes, shape: ResultShape, amounts: Mapping[int, int]) -> bytes:
        """pain.002 with every transaction."""
        if shape.garbage:
            return b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><Document>&a;'
        number, taken = debited_totals(request, codes)
        header = request.header
        ours = header["bank"] + request.account
        on = date.fromisoformat(request.on)
        lines = "\n".join(_transaction(line, ours, on) for line in answered(request, codes, shape, amounts))
        sums = _per_status("ACSC", number, taken + shape.wrong_total)
        sums += _per_status("RJCT", request.count - number, request.amount - taken)
        return _document(
            "pain.002.001.03",
            f"<CstmrPmtStsRpt><GrpHdr><MsgId>E{request.identity}</MsgId><CreDtTm>{request.on}T00:00:00+09:00</CreDtTm><InitgPty><Id><OrgId>"
            f"<Othr><Id>{header['consignor']}</Id></Othr></OrgId></Id></InitgPty></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>{request.identity}"
            "</OrgnlMsgId><OrgnlMsgNmId>pain.008.001.02</OrgnlMsgNmId></OrgnlGrpInfAndSts>"
            f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{request.identity}</OrgnlPmtInfId><OrgnlNbOfTxs>{request.count}</OrgnlNbOfTxs>"
            f"<OrgnlCtrlSum>{request.amount}</OrgnlCtrlSum>{sums}\n{lines}</OrgnlPmtInfAndSts></CstmrPmtStsRpt>",
        )

    def statement(self, heading: Heading, opening: int, movements: Iterable[Movement]) -> bytes:
        """camt.053 of one account and day."""
        moves = list(movements)
        sums = {way: [m.amount for m in moves if m.direction == way] for way in ("in", "out")}
        closing = opening + sum(sums["in"]) - sum(sums["out"])
        made = f"{heading.made_on}T00:00:00+09:00"
        name = f"{heading.number}{heading.day:%Y%m%d}"
        account = f"<Id><Othr><Id>{heading.number}</Id></Othr></Id><Tp><Prtry>{heading.type}</Prtry></Tp><Ccy>JPY</Ccy>"
        entries = "\n".join(_entry(m, heading.day) for m in moves)
        return _document(
            "camt.053.001.02",
            f"<BkToCstmrStmt><GrpHdr><MsgId>S{name}</MsgId><CreDtTm>{made}</CreDtTm></GrpHdr><Stmt><Id>{name}</Id><CreDtTm>{made}</CreDtTm>"
            f"<Acct>{account}{_agent('Svcr', heading.bank + heading.branch)}</Acct>"
            f"{_balance('OPBD', opening, heading.day)}{_balance('CLBD', closing, heading.day)}<TxsSummry>"
            f"<TtlCdtNtries><NbOfNtries>{len(sums['in'])}</NbOfNtries><Sum>{sum(sums['in'])}</Sum></TtlCdtNtries>"
            f"<TtlDbtNtries><NbOfNtries>{len(sums['out'])}</NbOfNtries><Sum>{sum(sums['out'])}</Sum></TtlDbtNtries></TxsSummry>\n"
            f"{entries}</Stmt></BkToCstmrStmt>",
        )

    def notice(self, bank: BankConfig, key: str, holder: str, day: date, announced: Sequence[Announced]) -> bytes:
        """camt.054 of one account and day: credits, and debits that take one back."""
        name = f"{key[4:]}{day:%Y%m%d}"
        made = f"{day}T{bank.notice_at or '00:00:00'}+09:00"
        account = (
            f"<Id><Othr><Id>{key[4:]}</Id></Othr></Id><Tp><Prtry>{key[3]}</Prtry></Tp><Ccy>JPY</Ccy><Ownr><Nm>{escape(holder)}</Nm></Ownr>"
        )
        told, back = ([x for x in announced if x.cancels is taken] for taken in (False, True))
        sums = "".join(
            f"<{tag}><NbOfNtries>{len(some)}</NbOfNtries><Sum>{sum(x.amount for x in some)}</Sum></{tag}>"
            for tag, some in (("TtlCdtNtries", told), ("TtlDbtNtries", back))
        )
        entries = "\n".join(_announced(x, day) for x in announced)
        return _document(
            "camt.054.001.02",
            f"<BkToCstmrDbtCdtNtfctn><GrpHdr><MsgId>N{name}</MsgId><CreDtTm>{made}</CreDtTm></GrpHdr><Ntfctn><Id>{name}</Id>"
            f"<CreDtTm>{made}</CreDtTm><Acct>{account}{_agent('Svcr', bank.code + key[:3])}</Acct><TxsSummry>{sums}</TxsSummry>\n"
            f"{entries}</Ntfctn></BkToCstmrDbtCdtNtfctn>",
        )


def _document(message: str, content: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{_SPACE}{message}">{content}</Document>\n'.encode()


def _agent(tag: str, bank_and_branch: str) -> str:
    return (
        f"<{tag}><FinInstnId><ClrSysMmbId><ClrSysId><Cd>JPZGN</Cd></ClrSysId><MmbId>{bank_and_branch[:4]}</MmbId></ClrSysMmbId></FinInstnId>"
        f"<BrnchId><Id>{bank_and_branch[4:7]}</Id></BrnchId></{tag}>"
    )


def _account(tag: str, account: str) -> str:
    return f"<{tag}><Id><Othr><Id>{account[8:]}</Id></Othr></Id><Tp><Prtry>{account[7]}</Prtry></Tp><Ccy>JPY</Ccy></{tag}>"


def _per_status(status: str, number: int, amount: int) -> str:
    return (
        f"<NbOfTxsPerSts><DtldNbOfTxs>{number}</DtldNbOfTxs><DtldSts>{status}</DtldSts><DtldCtrlSum>{amount}</DtldCtrlSum></NbOfTxsPerSts>"
        if number
        else ""
    )


def _transaction(line: Instruction, ours: str, on: date) -> str:
    why = f"<Rsn><Cd>{_REASONS.get(line.code, 'NARR')}</Cd></Rsn>" if line.code else ""
    return (
        f"<TxInfAndSts><OrgnlEndToEndId>{line.reference}</OrgnlEndToEndId><TxSts>{'RJCT' if line.code else 'ACSC'}</TxSts>"
        f"<StsRsnInf>{why}<AddtlInf>ZENGIN {line.code}</AddtlInf></StsRsnInf>"
        f'<OrgnlTxRef><Amt><InstdAmt Ccy="JPY">{line.amount}</InstdAmt></Amt><ReqdColltnDt>{on}</ReqdColltnDt>'
        f"{_account('DbtrAcct', line.account)}{_agent('DbtrAgt', line.account)}{_agent('CdtrAgt', ours)}{_account('CdtrAcct', ours)}"
        "</OrgnlTxRef></TxInfAndSts>"
    )


def _balance(kind: str, yen: int, day: date) -> str:
    sign = "DBIT" if yen < 0 else "CRDT"
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy="JPY">{abs(yen)}</Amt><CdtDbtInd>{sign}</CdtDbtInd>'
        f"<Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def _entry(movement: Movement, day: date) -> str:
    details = ""
    if movement.edi:
        details = f"<NtryDtls><TxDtls><Refs><EndToEndId>{escape(movement.edi)}</EndToEndId></Refs></TxDtls></NtryDtls>"
    elif movement.identity:
        details = f"<NtryDtls><Btch><MsgId>{escape(movement.identity)}</MsgId></Btch></NtryDtls>"
    text = f"<AddtlNtryInf>{escape(movement.summary)}</AddtlNtryInf>" if movement.summary else ""
    return (
        f'<Ntry><Amt Ccy="JPY">{movement.amount}</Amt><CdtDbtInd>{"CRDT" if movement.direction == "in" else "DBIT"}</CdtDbtInd><Sts>BOOK</Sts>'
        f"<BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt><BkTxCd><Prtry><Cd>{movement.transaction}</Cd><Issr>ZENGIN</Issr></Prtry>"
        f"</BkTxCd>{details}{text}</Ntry>"
    )


def _announced(credit: Announced, day: date) -> str:
    refs = f"<Refs><EndToEndId>{escape(credit.edi)}</EndToEndId></Refs>" if credit.edi else ""
    party = f"<RltdPties><Dbtr><Nm>{escape(credit.party)}</Nm></Dbtr></RltdPties>" if credit.party else ""
    return (
        f'<Ntry><Amt Ccy="JPY">{credit.amount}</Amt><CdtDbtInd>{"DBIT" if credit.cancels else "CRDT"}</CdtDbtInd>'
        f"{'<RvslInd>true</RvslInd>' if credit.cancels else ''}<Sts>BOOK</Sts><BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt>"
        f"<AcctSvcrRef>{credit.number}</AcctSvcrRef><BkTxCd><Prtry><Cd>{BY_CREDIT}</Cd><Issr>ZENGIN</Issr></Prtry></BkTxCd>"
        f"<NtryDtls><TxDtls>{refs}{party}</TxDtls></NtryDtls></Ntry>"
    )


class _Message:
    """A request as this bank reads it: by the paths that it needs."""

    def __init__(self, content: bytes, message: str, root: str) -> None:
        if b"<!" in content or b"<?" in content[5:]:
            raise Unreadable("FORMAT", "a document type or a processing instruction")
        try:
            document = ET.fromstring(content)  # noqa: S314 - nothing can be declared in it: see above
        except (ET.ParseError, ValueError) as error:
            raise Unreadable("FORMAT", f"not XML: {type(error).__name__}") from None
        self._spaces = {"": _SPACE + message}
        body = document.find(root, self._spaces)
        if document.tag != f"{{{_SPACE}{message}}}Document" or body is None:
            raise Unreadable("FORMAT", f"not a {message}")
        self._body = body

    def read(self, kind: str) -> tuple[Order, list[Instruction]]:
        """Head and lines. Raises Unreadable."""
        payments = self._body.findall("PmtInf", self._spaces)
        if len(payments) != 1:
            raise Unreadable("FORMAT", f"{len(payments)} payment blocks")
        payment = payments[0]
        ours, tag, theirs = ("Cdtr", "DrctDbtTxInf", "Dbtr") if kind == DEBIT else ("Dbtr", "CdtTrfTxInf", "Cdtr")
        amount = "InstdAmt" if kind == DEBIT else "Amt/InstdAmt"
        lines = [
            Instruction(
                account=self._account(line, theirs),
                holder=self._text(line, f"{theirs}/Nm"),
                amount=self._yen(line, amount),
                reference=self._text(line, "PmtId/EndToEndId"),
            )
            for line in payment.findall(tag, self._spaces)
        ]
        heads = [(self._body, "GrpHdr/"), (payment, "")]
        counts = {(self._text(of, f"{at}NbOfTxs"), self._text(of, f"{at}CtrlSum")) for of, at in heads}
        if len(counts) != 1:
            raise Unreadable("TOTALS", "the totals of message and payment block are not the same")
        number, total = counts.pop()
        try:
            on = date.fromisoformat(self._text(payment, "ReqdColltnDt" if kind == DEBIT else "ReqdExctnDt"))
            count, sum_of = int(number), int(total)
        except ValueError:
            raise Unreadable("FORMAT", "a date or a total that is none") from None
        order = Order(
            kind=kind,
            identity=self._text(self._body, "GrpHdr/MsgId"),
            consignor=self._text(self._body, "GrpHdr/InitgPty/Id/OrgId/Othr/Id"),
            consignor_name=self._text(payment, f"{ours}/Nm"),
            on=on,
            account=self._account(payment, ours),
            count=count,
            amount=sum_of,
        )
        return order, lines

    def _text(self, element: ET.Element, path: str) -> str:
        found = element.findtext(path, None, self._spaces)
        if not found:
            raise Unreadable("FORMAT", f"{path} is missing")
        return found

    def _yen(self, element: ET.Element, path: str) -> int:
        found = element.find(path, self._spaces)
        if found is None or found.get("Ccy") != "JPY" or not (found.text or "").isdigit():
            raise Unreadable("FORMAT", f"{path} is not in whole yen")
        return int(found.text or "")

    def _account(self, element: ET.Element, who: str) -> str:
        agent, account = f"{who}Agt", f"{who}Acct"
        if self._text(element, f"{agent}/FinInstnId/ClrSysMmbId/ClrSysId/Cd") != "JPZGN":
            raise Unreadable("FORMAT", "an agent outside of JPZGN")
        parts = (
            self._text(element, f"{agent}/FinInstnId/ClrSysMmbId/MmbId"),
            self._text(element, f"{agent}/BrnchId/Id"),
            self._text(element, f"{account}/Tp/Prtry"),
            self._text(element, f"{account}/Id/Othr/Id"),
        )
        if [len(part) for part in parts] != [4, 3, 1, 7]:
            raise Unreadable("FORMAT", f"the account of {who} has not 4, 3, 1 and 7 digits")
        return "".join(parts)
