"""What the Zengin codec says of a file that must not be used, in the words of the exceptions list."""

from domain.findings import Place
from workers.formats.shapes import Unreadable
from zengin import Code, ZenginReadError


def unreadable(what: str, error: ZenginReadError) -> Unreadable:
    """The codec's findings, with their places. A result code that no bank has (5, 6, 7 ...) is told apart: the bank means something by it."""
    first = error.findings[0]
    code = (
        "UNKNOWN_CODE" if first.field == "result_code" and first.code is Code.NOT_ALLOWED and first.found.strip("'") != "0" else "MALFORMED"
    )
    places = [Place(x.record, x.byte, x.column, x.field, x.label, x.expected, x.found) for x in error.findings]
    return Unreadable(code, f"the {what} cannot be read: {error}"[:500], places)
