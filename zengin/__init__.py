"""Reading and writing Zengin (全銀) bank files with nothing but the standard library.

Account debit (91), bulk credit (21), account statement (03), incoming-credit notice (01)::

    from zengin import DEBIT_RESULT, read, write_debit_request

    data = b"".join(write_debit_request(header, lines))
    for record in read(open(path, "rb"), DEBIT_RESULT):
        ...

Layouts are tables (``zengin.layouts``); readers and writers are compiled from them. Kana
normalisation is in ``zengin.kana``, looking at a file of any kind in ``zengin.inspecting``, dates without a century in ``zengin.dates``, results with
the failed lines only in ``zengin.outcome``.

Source: Zengin standard record formats (JBA), 91/21/03/01.
"""

from zengin.charset import (
    BRANCH_NAME,
    EBCDIC,
    EDI,
    FREE_TEXT,
    JIS,
    PARTY_NAME,
    CharacterSet,
    CharClass,
    UnsupportedCharacterSet,
    character_set,
    detect_characters,
)
from zengin.findings import Code, Finding, Severity, ZenginError, ZenginReadError, ZenginWriteError
from zengin.formats import DEBIT, DEBIT_REQUEST, DEBIT_RESULT, DEBIT_RESULT_FAILED_ONLY, NOTICE, PAYOUT, STATEMENT, FileFormat
from zengin.framing import Framing
from zengin.inspecting import BlockTotals, InspectedRecord, Inspection, NotZengin
from zengin.kana import TextTooLong, UnconvertibleCharacter, is_clean, to_bank_kana
from zengin.outcome import OutcomeMismatch, complete_failed_only, line_differences
from zengin.reader import Block, HeldLine, Reader, check, load, read
from zengin.records import (
    DebitHeader,
    DebitLine,
    DebitTrailer,
    EndRecord,
    NoticeHeader,
    NoticeLine,
    NoticeLineB,
    NoticeTrailer,
    PayoutHeader,
    PayoutLine,
    PayoutLineWithCodes,
    PayoutTrailer,
    ResultCode,
    StatementEnd,
    StatementHeader,
    StatementLine,
    StatementTrailer,
)
from zengin.writer import (
    Chunk,
    DebitRow,
    PayoutRow,
    encode_debit_rows,
    encode_payout_rows,
    write_debit_request,
    write_debit_result,
    write_debit_rows,
    write_notice,
    write_payout,
    write_payout_rows,
    write_statement,
)

__all__ = [
    "BRANCH_NAME",
    "DEBIT",
    "DEBIT_REQUEST",
    "DEBIT_RESULT",
    "DEBIT_RESULT_FAILED_ONLY",
    "EBCDIC",
    "EDI",
    "FREE_TEXT",
    "JIS",
    "NOTICE",
    "PARTY_NAME",
    "PAYOUT",
    "STATEMENT",
    "Block",
    "BlockTotals",
    "CharClass",
    "CharacterSet",
    "Chunk",
    "Code",
    "DebitHeader",
    "DebitLine",
    "DebitRow",
    "DebitTrailer",
    "EndRecord",
    "FileFormat",
    "Finding",
    "Framing",
    "HeldLine",
    "InspectedRecord",
    "Inspection",
    "NotZengin",
    "NoticeHeader",
    "NoticeLine",
    "NoticeLineB",
    "NoticeTrailer",
    "OutcomeMismatch",
    "PayoutHeader",
    "PayoutLine",
    "PayoutLineWithCodes",
    "PayoutRow",
    "PayoutTrailer",
    "Reader",
    "ResultCode",
    "Severity",
    "StatementEnd",
    "StatementHeader",
    "StatementLine",
    "StatementTrailer",
    "TextTooLong",
    "UnconvertibleCharacter",
    "UnsupportedCharacterSet",
    "ZenginError",
    "ZenginReadError",
    "ZenginWriteError",
    "character_set",
    "check",
    "complete_failed_only",
    "detect_characters",
    "encode_debit_rows",
    "encode_payout_rows",
    "is_clean",
    "line_differences",
    "load",
    "read",
    "to_bank_kana",
    "write_debit_request",
    "write_debit_result",
    "write_debit_rows",
    "write_notice",
    "write_payout",
    "write_payout_rows",
    "write_statement",
]
