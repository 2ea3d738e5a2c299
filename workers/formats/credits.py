"""Reading an incoming-credit notice in Zengin format (振込入金通知, 01)."""

from datetime import date

from domain.bank_names import StatementName
from domain.store.credit_notices import Announcement, CreditNotice
from workers.formats.codec_errors import unreadable
from workers.formats.shapes import Unreadable
from zengin import NOTICE, CharacterSet, NoticeHeader, NoticeLine, NoticeLineB, ZenginReadError, load
from zengin.dates import InvalidZenginDate, resolve_era


def read_credits(data: bytes, named: StatementName, *, tolerant: bool, characters: CharacterSet) -> CreditNotice:
    """The notice in a file. Raises Unreadable; nothing of such a file is taken."""
    try:
        booked_on = named.booked_on()
        blocks = load(data, NOTICE, tolerant=tolerant, characters=characters)
    except ZenginReadError as error:
        raise unreadable("notice", error) from error
    except ValueError as error:
        raise Unreadable("MALFORMED", "the notice's name has no real date") from error
    if len(blocks) != 1:
        raise Unreadable("SEVERAL_BLOCKS", "a notice has one account and one block")
    if not _is_of(blocks[0].header, named):
        raise Unreadable("OTHER_HEADER", "the notice's header names another account than its name")
    return CreditNotice(
        bank_code=named.bank_code,
        branch_code=named.branch_code,
        account_type=int(named.account_type),
        account_number=named.account_number,
        booked_on=booked_on,
        number=named.number,
        lines=[_line(number, line, booked_on) for number, line in enumerate(blocks[0].lines, 1)],
    )


def _is_of(header: NoticeHeader, named: StatementName) -> bool:
    said = (header.bank_code, header.branch_code, header.account_type, header.account_number.zfill(7))
    return said == (named.bank_code, named.branch_code, named.account_type, named.account_number)


def _line(number: int, line: NoticeLine | NoticeLineB, booked_on: date) -> Announcement:
    try:
        day = resolve_era(line.booked_ymd, booked_on)
    except InvalidZenginDate as error:
        raise Unreadable("MALFORMED", f"line {number} of the notice has no real date") from error
    if day != booked_on:
        raise Unreadable("OTHER_DAY", f"line {number} of the notice is of another day than its name says")
    if line.yen == 0:
        raise Unreadable("MALFORMED", f"line {number} of the notice announces nothing")
    return Announcement(number, line.inquiry_number, line.yen, line.cancels, line.edi.strip() or None)
