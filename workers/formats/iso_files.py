"""ISO 20022 messages as files: pain.008 and pain.001 out, pain.002 and camt.053 in (docs/wire.md section 4)."""

from collections.abc import Iterable, Iterator
from datetime import date

import iso20022
from domain.bank_names import StatementName
from domain.findings import Place
from domain.statuses import Kind
from domain.store.batches import Batch
from domain.store.credit_notices import Announcement, CreditNotice
from domain.store.outgoing import FileLine, OurAccount
from domain.store.receipts import Receipt
from domain.store.results import ResultLine, ResultTotals
from domain.store.statements import Statement, StatementLine
from iso20022 import IsoError
from workers.formats.shapes import STAGED_AT_ONCE, Difference, Flush, ResultHead, Unreadable, place_by_name, reference, referenced, words


class IsoFiles:
    """See BankFormat."""

    def write(self, batch: Batch, account: OurAccount, lines: Iterator[FileLine]) -> Iterator[bytes]:
        """See BankFormat."""
        assert batch.closed_at is not None, "a batch is closed before it is written"
        order = iso20022.Order(
            message_id=f"{batch.batch_id:018d}",
            created_at=batch.closed_at,  # and not the time of writing: the same lines give the same bytes
            count=batch.line_count,
            total=batch.amount,
            consignor_code=account.consignor_code,
            on=batch.value_on,
            account=iso20022.Account(
                account.bank_code, account.branch_code, str(account.account_type), account.account_number, account.holder
            ),
        )
        rows = (
            iso20022.Line(
                iso20022.Account(x.bank_code, x.branch_code, x.account_type, x.account_number, x.holder), x.amount, reference(batch.kind, x)
            )
            for x in lines
        )
        return iso20022.write_debits(order, rows) if batch.kind is Kind.DEBIT else iso20022.write_credits(order, rows)

    def receipt(self, data: bytes, request: str) -> Receipt:
        """See BankFormat."""
        try:
            found = iso20022.read_receipt([data])
        except IsoError as error:
            raise Unreadable("MALFORMED", f"the receipt cannot be read: {error}") from error
        return Receipt(
            file=request,
            sha256=found.sha256,
            count=found.count,
            amount=found.total,
            accepted=found.accepted,
            code=words(found.code, 40),
            reason=words(found.reason, 200),
            batch_id=found.message_id,
        )

    def result(self, chunks: Iterator[bytes], flush: Flush) -> tuple[ResultHead, ResultTotals]:
        """See BankFormat."""
        pending: list[ResultLine] = []
        end: tuple[iso20022.ResultHead, iso20022.ResultTotals] | None = None
        line_no = 0
        try:
            for item in iso20022.read_result(chunks):
                if not isinstance(item, iso20022.ResultLine):
                    end = item
                    continue
                line_no += 1
                pending.append(ResultLine(line_no, *referenced(item.reference), item.account.key, item.amount, item.code))
                if len(pending) == STAGED_AT_ONCE:
                    flush(pending)
                    pending = []
        except IsoError as error:
            raise Unreadable("MALFORMED", f"the result cannot be read: {error}") from error
        except ValueError as error:
            raise Unreadable("MALFORMED", f"transaction {line_no} of the result has a reference that is {error}") from error
        flush(pending)
        assert end is not None, "read_result ends with its head and totals"
        head, totals = end
        return ResultHead(
            head.consignor_code, f"{head.on:%m%d}", head.account.bank, head.account.branch, head.account.number, head.message_id
        ), ResultTotals(totals.count, totals.total, totals.done_count, totals.done_total, totals.failed_count, totals.failed_total)

    def place(self, head: ResultHead, difference: Difference) -> Place:
        """See BankFormat."""
        return place_by_name(difference)

    def statement(self, data: bytes, named: StatementName) -> Statement:
        """See BankFormat."""
        try:
            booked_on = named.booked_on()
            found = iso20022.read_statement([data])
        except IsoError as error:
            raise Unreadable("MALFORMED", f"the statement cannot be read: {error}") from error
        except ValueError as error:
            raise Unreadable("MALFORMED", "the statement's name has no real date") from error
        _check_account(found.account, named)
        _check_day(found.entries, booked_on, "statement")
        return Statement(
            bank_code=named.bank_code,
            branch_code=named.branch_code,
            account_type=int(named.account_type),
            account_number=named.account_number,
            booked_on=booked_on,
            number=named.number,
            opening=found.opening,
            closing=found.closing,
            lines=[
                StatementLine(no, x.incoming, x.category, x.amount, words(x.reference, 35), words(x.message_id or x.text, 140))
                for no, x in enumerate(found.entries, 1)
            ],
        )

    def credits(self, data: bytes, named: StatementName) -> CreditNotice:
        """See BankFormat."""
        try:
            booked_on = named.booked_on()
            found = iso20022.read_notice([data])
        except IsoError as error:
            raise Unreadable("MALFORMED", f"the notice cannot be read: {error}") from error
        except ValueError as error:
            raise Unreadable("MALFORMED", "the notice's name has no real date") from error
        _check_account(found.account, named)
        _check_day(found.entries, booked_on, "notice")
        return CreditNotice(
            bank_code=named.bank_code,
            branch_code=named.branch_code,
            account_type=int(named.account_type),
            account_number=named.account_number,
            booked_on=booked_on,
            number=named.number,
            lines=[
                Announcement(no, words(x.bank_reference or str(no), 35) or "", x.amount, not x.incoming, words(x.reference, 35))
                for no, x in enumerate(found.entries, 1)
                if x.incoming or x.reversal  # other debits are the statement's to tell
            ],
        )


def _check_day(entries: Iterable[iso20022.Entry], booked_on: date, what: str) -> None:
    for no, entry in enumerate(entries, 1):
        if entry.booked_on != booked_on:
            raise Unreadable("OTHER_DAY", f"entry {no} of the {what} is of another day than its name says")


def _check_account(account: iso20022.Account, named: StatementName) -> None:
    if account.key != f"{named.bank_code}{named.branch_code}{named.account_type}{named.account_number}":
        raise Unreadable("OTHER_HEADER", "the message is of another account than its name says")
