"""Refusals as values: a code, a sentence in each language, and the place in the input."""

from dataclasses import dataclass
from enum import Enum


class ProblemCode(Enum):
    """Why an input was refused. An open set: clients must expect codes that are not yet here."""

    INPUT_INVALID = "INPUT_INVALID"  # a value that cannot be meant
    REQUIRED = "REQUIRED"  # left out, or empty
    CONTENT_DIFFERS = "CONTENT_DIFFERS"  # the number is taken by a contract with other content (S37)
    TERMS_DEADLOCK = "TERMS_DEADLOCK"  # terms that can never be fulfilled together (S47, S48)
    NO_MANDATE = "NO_MANDATE"  # the buyer has not consented to debits by this consignor
    NOT_ROUTABLE = "NOT_ROUTABLE"  # the site has no account at the buyer's bank (S15), or no carrier for these goods
    DIRECT_NOT_POSSIBLE = "DIRECT_NOT_POSSIBLE"  # no way from this buyer to this seller inside one bank (S52)
    UNSUPPORTED_CHARACTER = "UNSUPPORTED_CHARACTER"  # cannot be written in the banks' or the carrier's character set
    DATE_NOT_POSSIBLE = "DATE_NOT_POSSIBLE"  # past, after the deadline, on a holiday, or beyond the calendar (S22)
    AMOUNT_TOO_LARGE = "AMOUNT_TOO_LARGE"  # more than the ten digits of a debit record
    TOO_LATE = "TOO_LATE"  # the batch is sealed
    PARTY_CLAIMED = "PARTY_CLAIMED"  # a firm holds the party (records, section 1)
    NEEDS_ANOTHER_PERSON = "NEEDS_ANOTHER_PERSON"  # asked by one, approved by another (I18)
    NOT_POSSIBLE_HERE = "NOT_POSSIBLE_HERE"  # this server is not set up for it
    NOT_FOUND = "NOT_FOUND"  # does not exist, or is not yours: the same answer (I17)
    ADDRESS_NOT_ALLOWED = "ADDRESS_NOT_ALLOWED"  # we do not call there (domain.hook_address)
    DOCUMENT_NOT_POSSIBLE = "DOCUMENT_NOT_POSSIBLE"  # not one subscription that could be stored
    TOO_MANY = "TOO_MANY"  # as many as there may be
    DISABLED = "DISABLED"  # a webhook that is not served
    CODE_WRONG = "CODE_WRONG"  # not what was mailed
    NOT_CONFIGURED = "NOT_CONFIGURED"  # this server sends no mail


@dataclass(frozen=True, slots=True)
class InputProblem:
    """One mistake. Messages name the place and the way out, never an account number or a name."""

    code: ProblemCode
    message_en: str
    message_ja: str
    path: tuple[str, ...] = ()
