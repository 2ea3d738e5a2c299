"""What banks' files are written in: one class for each format, chosen here and nowhere else.

Which one a file goes out in is a setting of the bank; which one something that came in is read by, its name says (`domain.bank_names`).
"""

from collections.abc import Callable

from domain.bank_names import Format
from domain.deadlines import BankRules
from workers.formats.iso_files import IsoFiles
from workers.formats.json_calls import JsonCalls
from workers.formats.shapes import BankFormat
from workers.formats.zengin_files import ZenginFiles

_FORMATS: dict[Format, Callable[[BankRules], BankFormat]] = {
    Format.ZENGIN: ZenginFiles,
    Format.ISO20022: lambda _: IsoFiles(),
    Format.JSON: lambda _: JsonCalls(),
}


def of(form: Format, bank: BankRules) -> BankFormat:
    """The reader and writer of a format, as this bank's settings have it."""
    return _FORMATS[form](bank)
