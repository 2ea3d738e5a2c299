"""What banks' files are written in: one class for each format, chosen here and nowhere else.

Which one a file goes out in is a setting of the bank; which one something that came in is read by, its name says (`domain.bank_names`).
"""

from domain.bank_names import Format
from workers.formats.shapes import BankFormat
from workers.formats.zengin_files import ZenginFiles

_FORMATS: dict[Format, BankFormat] = {Format.ZENGIN: ZenginFiles()}


def of(form: Format) -> BankFormat:
    """The reader and writer of a format."""
    return _FORMATS[form]
