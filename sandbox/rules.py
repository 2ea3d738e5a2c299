"""Behaviour as configuration: rules say when a bank (or a carrier) does something else than usual.

A rule is `{"match": {...}, "action": {...}, "times": n}`. All keys of `match` must fit. `times` counts files (for SFTP:
connections; for a carrier that is called: calls) and is unlimited when left out. Later rules win over earlier ones. Some
account numbers are rules of their own (`MAGIC`), so that nothing has to be posted to see a failure. docs/sandbox.md
explains each.
"""

from __future__ import annotations

import fnmatch
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson

from sandbox.carrier_files import is_writable

FILE_MATCHES = frozenset({"kind", "date", "lines", "consignor", "name"})
LINE_MATCHES = frozenset({"account", "amount", "contract"})
SFTP_ACTIONS = frozenset({"sftp_refuse_login", "sftp_cut_after", "sftp_changed_host_key"})
FILE_ACTIONS = SFTP_ACTIONS | {
    "refuse", "receipt_delay", "lose", "silence", "not_executed", "charge", "result_delay", "repeat_result",
    "swap_results", "wrong_total", "unknown_line", "missing_line", "duplicate_line", "failed_only", "garbage",
    "api_answer", "cancel_notice",
}  # fmt: skip
LINE_ACTIONS = frozenset({"code", "wrong_amount", "return_after"})
CARRIER_FILE_ACTIONS = SFTP_ACTIONS | {
    "refuse", "lose", "silence", "result_delay", "repeat_result", "unknown_line", "missing_line", "duplicate_line", "shuffled",
    "torn_line", "truncated", "garbage", "unknown_word", "missing_date",
}  # fmt: skip
_NOT_OF_FILES = SFTP_ACTIONS | {"api_answer"}
CARRIER_ANSWERS = frozenset({"busy", "error_before", "error_after"})


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What rules of a kind of stranger may say."""

    matches: frozenset[str]
    actions: frozenset[str]
    silences: frozenset[str] = frozenset()


BANK = Vocabulary(FILE_MATCHES | LINE_MATCHES, FILE_ACTIONS | LINE_ACTIONS, frozenset({"receipt", "result", "statement", "notice"}))
CARRIER_BY_CALL = Vocabulary(frozenset(), frozenset({"answer", "stop_answer"}))
CARRIER_BY_FILE = Vocabulary(
    frozenset({"kind", "date", "lines", "name", "contract"}), CARRIER_FILE_ACTIONS, frozenset({"result", "status"})
)

MAGIC: Mapping[str, Mapping[str, Any]] = {
    "9990001": {"code": "1"},
    "9990002": {"code": "2"},
    "9990003": {"code": "3"},
    "9990004": {"code": "4"},
    "9990005": {"code": "5"},
    "9990008": {"code": "8"},
    "9990009": {"code": "9"},
    "9990020": {"silence": ["result"]},
    "9990021": {"result_delay": {"days": 1}},
    "9990022": {"repeat_result": {}},
    "9990023": {"wrong_amount": 1},
    "9990024": {"silence": ["receipt"]},
    "9990025": {"repeat_result": {"content": "different"}},
    "9990026": {"refuse": "LIMIT"},
    "9990027": {"receipt_delay": {"hours": 1}},
    "9990100": {"return_after": 1},
    "9990101": {"return_after": 0},
    "9990102": {"return_after": 2},
    "9990103": {"return_after": 3},
}
"""Account numbers (payer of a 91 line, payee of a 21 line) that misbehave at every sandbox bank and branch."""

_MAGIC_PREFIX = "9990"


class BadRule(ValueError):
    """The rule says something that nobody understands."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as it was posted."""

    id: int
    match: Mapping[str, Any] = field(default_factory=dict)
    action: Mapping[str, Any] = field(default_factory=dict)
    times: int | None = None

    @property
    def looks_at_lines(self) -> bool:
        return not LINE_MATCHES.isdisjoint(self.match)

    def fits_file(self, facts: Mapping[str, Any]) -> bool:
        """Are the keys about the whole file as given?"""
        for key in FILE_MATCHES & self.match.keys():
            wanted, found = self.match[key], facts.get(key)
            if key == "name":
                if not fnmatch.fnmatchcase(str(found), str(wanted)):
                    return False
            elif wanted != found:
                return False
        return True

    def fits_line(self, key: str, amount: int, contract: str) -> bool:
        """Are the keys about one line as given? `account` is a number (7) or branch, type and number (11)."""
        account = self.match.get("account")
        return (
            (account is None or key == account or key[4:] == account)
            and self.match.get("amount", amount) == amount
            and contract.startswith(str(self.match.get("contract", "")))
        )


def check_rule(rule: Any, words: Vocabulary = BANK) -> dict[str, Any]:
    """The rule, when every part of it is in the vocabulary; raises BadRule."""
    if not isinstance(rule, dict) or not rule.keys() <= {"match", "action", "times"}:
        raise BadRule('a rule is {"match": {...}, "action": {...}, "times": n}')
    match, action, times = rule.get("match", {}), rule.get("action"), rule.get("times")
    if not isinstance(match, dict) or not isinstance(action, dict) or not action:
        raise BadRule("match and action are objects, and there is an action")
    if times is not None and (type(times) is not int or times < 1):
        raise BadRule("times is a number from 1")
    if strange := (match.keys() - words.matches) | (action.keys() - words.actions):
        raise BadRule(f"unknown: {', '.join(sorted(strange))}")
    if not all(action.get(name, "busy") in CARRIER_ANSWERS for name in ("answer", "stop_answer", "api_answer")):
        raise BadRule(f"an answer is one of {', '.join(sorted(CARRIER_ANSWERS))}")
    if not words.silences.issuperset(action.get("silence", ())):
        raise BadRule(f"silence is a list of {', '.join(sorted(words.silences))}")
    code = action.get("code", "9")
    if not isinstance(code, str) or len(code) != 1 or code not in "123456789":
        raise BadRule("code is one of the digits 1 to 9 as text")
    for name in ("receipt_delay", "result_delay"):
        delay_of(action.get(name))
    for name in ("refuse", "unknown_word"):
        if not is_writable(action.get(name, "x"), 20):
            raise BadRule(f"{name} is a word of 1 to 20 characters of code page 932")
    return {"match": match, "action": action, "times": times}


def delay_of(value: Any) -> timedelta:
    """`{"days": 1, "hours": 2, "minutes": 3}`, plain time; nothing is no delay. Raises BadRule."""
    if value is None:
        return timedelta()
    if not isinstance(value, dict) or not value.keys() <= {"days", "hours", "minutes"}:
        raise BadRule('a delay is {"days": n, "hours": n, "minutes": n}')
    return timedelta(**value)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What the rules make of one file: one action for the file, and those that ask for single lines."""

    action: Mapping[str, Any]
    by_line: Sequence[Rule]

    def is_silent_about(self, what: str) -> bool:
        return what in self.action.get("silence", ())

    def for_line(self, key: str, amount: int, contract: str) -> Mapping[str, Any]:
        """The line actions for one line; empty for nearly all of them, and quick to say so."""
        magic = MAGIC.get(key[4:]) if key.startswith(_MAGIC_PREFIX, 4) else None
        if magic is None and not self.by_line:
            return {}
        merged = dict(magic or {})
        for rule in self.by_line:
            if rule.fits_line(key, amount, contract):
                merged.update(rule.action)
        return merged


class RuleBook:
    """The rules of all banks and carriers, in the store."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def add(self, owner: str, rule: Mapping[str, Any]) -> int:
        """`owner` is a bank code, or `carrier:<id>`."""
        cursor = self._db.execute("INSERT INTO rules(owner, rule) VALUES (?, ?)", (owner, orjson.dumps(rule).decode()))
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def empty(self, owner: str) -> None:
        self._db.execute("DELETE FROM rules WHERE owner = ?", (owner,))

    def of(self, owner: str) -> list[Rule]:
        rows = self._db.execute("SELECT id, rule FROM rules WHERE owner = ? ORDER BY id", (owner,))
        return [Rule(id=row["id"], **orjson.loads(row["rule"])) for row in rows]

    def use(self, rule: Rule, what: str) -> bool:
        """Count the rule as used for `what` (the same again costs nothing); False when it is used up."""
        if rule.times is None:
            return True
        used = {r["what"] for r in self._db.execute("SELECT what FROM rule_uses WHERE rule = ?", (rule.id,))}
        if what not in used and len(used) >= rule.times:
            return False
        self._db.execute("INSERT OR IGNORE INTO rule_uses VALUES (?, ?)", (rule.id, what))
        return True

    def forget_use(self, kind: str, name: str) -> None:
        """A file of that name counts as another one from now on: the first was lost, and its name with it."""
        self._db.execute("UPDATE rule_uses SET what = what || '/' || hex(randomblob(8)) WHERE what = ?", (f"{kind}/{name}",))

    def behaviour(
        self,
        bank: str,
        facts: Mapping[str, Any],
        lines: Callable[[], Iterable[tuple[str, int, str]]] = tuple,
    ) -> Behaviour:
        """What the rules make of a file.

        Args:
            bank: whose rules (a bank, or a carrier that is given files).
            facts: kind, date, lines, consignor and name of the file, as far as it has them.
            lines: gives (account key, amount, contract) of each line, "" and 0 for what a line has not; gone through only where
                a rule asks for lines.
        """
        action: dict[str, Any] = {}
        for number in _magic_among(lines()):
            action.update({k: v for k, v in MAGIC[number].items() if k in FILE_ACTIONS})
        by_line: list[Rule] = []
        for rule in self.of(bank):
            if not rule.fits_file(facts) or rule.action.keys() <= _NOT_OF_FILES:
                continue
            if rule.looks_at_lines and not any(rule.fits_line(*line) for line in lines()):
                continue
            if not self.use(rule, f"{facts['kind']}/{facts['name']}"):
                continue
            action.update({k: v for k, v in rule.action.items() if k not in LINE_ACTIONS})
            if not LINE_ACTIONS.isdisjoint(rule.action):
                by_line.append(rule)
        return Behaviour(action, by_line)

    def first_with(self, owner: str, action: str, what: str) -> Rule | None:
        """The first rule with such an action that is not used up, now used for `what`."""
        for rule in self.of(owner):
            if action in rule.action and self.use(rule, what):
                return rule
        return None


def _magic_among(lines: Iterable[tuple[str, int, str]]) -> Iterator[str]:
    seen = {key[4:] for key, _, _ in lines if key.startswith(_MAGIC_PREFIX, 4)}
    yield from sorted(seen & MAGIC.keys())
