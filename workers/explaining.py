"""Where a result differs from what was expected: the places that a person is shown beside the reason (`kessai exceptions show`)."""

from collections.abc import Sequence

from domain import contract_id as contract_ids
from domain.accounts import mask
from domain.findings import Place
from domain.store.results import Checked, DifferingLine
from workers.formats.shapes import BankFormat, Difference, ResultHead

HEADER_NAMES = ("consignor_code", "debit_mmdd", "bank_code", "branch_code", "account_number")


def of_header(form: BankFormat, head: ResultHead, ours: ResultHead) -> list[Place]:
    """The fields of a result's header that are not those of the file we sent."""
    found = []
    for name in HEADER_NAMES:
        expected, came = getattr(ours, name), getattr(head, name)
        if expected != came:
            if name == "account_number":
                expected, came = mask(expected), mask(came)
            found.append(form.place(head, Difference(1, "header", name, expected, came)))
    return found


def of_result(form: BankFormat, head: ResultHead, checked: Checked, lines: Sequence[DifferingLine], read: int) -> list[Place]:
    """The lines or the figures of the trailer because of which a result is held. `read`: lines that stand in the file."""
    places = [
        form.place(
            head,
            Difference(line.line_no + 1, "line", line.field, line.expected, line.found, contract_ids.text(line.contract_id)),
        )
        for line in lines
        if line.line_no <= read  # a line that is missing in a file of failed lines has no place in it
    ]
    return places + [
        form.place(head, Difference(read + 2, "trailer", name, f"{expected:,}", f"{found:,}")) for name, expected, found in checked.figures
    ]
