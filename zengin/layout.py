"""Record layouts as data, and the reader and writer that are compiled from them.

A layout is a list of fields: name, width, kind, Japanese label, note, allowed values. Offsets
are computed, never typed, and the widths must add up to the record length. From the same list
come a pattern that a record must match when read, one that it must match when written (tighter:
only the standard's characters), and the format that writes it. A record that does not match is
looked at field by field to say what is wrong, so the clean record pays for none of that.

Source: Zengin standard record formats (JBA), 91/21/03/01, field types N and C.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Generic, NamedTuple, TypeVar

from zengin.charset import CharClass, undefined_byte
from zengin.findings import MASKED_TEXT, Code, Severity, masked_digits

RECORD_LENGTHS: Final = (120, 200)

SEPARATOR: Final = "\t"
"""Stands between the fields while a line is checked for writing, so that a field that is too
long can never be taken for one too long and a neighbour too short. Legal in no field."""

_DAY: Final = "(?:(?:0[13578]|1[02])(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)(?:0[1-9]|[12][0-9]|30)|02(?:0[1-9]|[12][0-9]))"


class Kind(Enum):
    """What a field holds."""

    DIGITS = "N"  # right-justified digits, kept as text: codes and numbers with leading zeros
    INTEGER = "N integer"  # digits read as a number: yen and counts
    MMDD = "N MMDD"  # month and day
    ERA_DATE = "N YYMMDD"  # Japanese era year, month, day; 000000 is absent
    TEXT = "C"  # left-justified, padded with spaces
    FIXED = "fixed"  # one value
    DUMMY = "dummy"  # filler


class Mask(Enum):
    """How a field's value may appear in messages."""

    NONE = "none"
    DIGITS = "digits"  # account numbers: the last two only
    TEXT = "text"  # names: not at all


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record. ``width`` in bytes."""

    name: str
    width: int
    kind: Kind
    label: str
    note: str = ""
    required: bool = True
    """An optional field may be all zeros (N) or spaces; spaces in N are read as absent."""
    allowed: Mapping[str, str] | None = None
    """Value to meaning, if only some values are defined."""
    refused: tuple[str, ...] = ()
    """Values that are never meant: a bank 0000, an amount of zero."""
    value: str = ""
    """What a fixed field or a filler holds."""
    chars: CharClass | None = None
    mask: Mask = Mask.NONE
    convert: Callable[[str], object] | None = None
    """Makes the typed value of an allowed one, instead of text."""

    @property
    def carries_value(self) -> bool:
        """False for fixed fields and fillers, which records do not show."""
        return self.kind not in (Kind.FIXED, Kind.DUMMY)

    def shown(self, raw: str) -> str:
        """``raw`` as it may appear in a message."""
        if self.mask is Mask.TEXT:
            return MASKED_TEXT
        return masked_digits(raw) if self.mask is Mask.DIGITS else repr(raw)

    @property
    def expectation(self) -> str:
        """What the field must hold, in words."""
        if self.kind in (Kind.FIXED, Kind.DUMMY):
            return repr(self.value) if self.value.strip() else "spaces"
        if self.allowed is not None:
            return ", ".join(self.allowed)
        if self.kind is Kind.TEXT:
            return self.chars.name if self.chars else "text"
        return {Kind.MMDD: "MMDD", Kind.ERA_DATE: "YYMMDD"}.get(self.kind, f"{self.width} digits")

    @property
    def blank(self) -> str:
        """The field left out."""
        if self.kind in (Kind.FIXED, Kind.DUMMY):
            return self.value
        return (" " if self.kind is Kind.TEXT else "0") * self.width

    @property
    def spec(self) -> str:
        """The %-format that writes the value."""
        if self.kind is Kind.INTEGER:
            return f"%0{self.width}d"
        return f"%-{self.width}s" if self.kind is Kind.TEXT else "%s"

    def pattern(self, *, writing: bool) -> str:
        """Regular expression of the field's bytes."""
        width, blank = self.width, f"| {{{self.width}}}"
        if self.kind in (Kind.FIXED, Kind.DUMMY):
            return re.escape(self.value)
        if self.kind is Kind.TEXT:
            core = self._text_pattern(writing=writing)
            return f"(?! {{{width}}}){core}" if self.required else core
        if self.allowed is not None:
            values = "|".join(self.allowed)
            core = f"[{''.join(self.allowed)}]" if width == 1 else f"(?:{values})"
        elif self.kind is Kind.MMDD:
            core = _DAY
        elif self.kind is Kind.ERA_DATE:
            core = f"[0-9]{{2}}{_DAY}"
        else:
            core = f"[0-9]{{{width}}}"
        refused = f"(?!{'|'.join(self.refused)})" if self.refused else ""
        if self.required:
            return refused + core
        return f"{refused}(?:{core}|0{{{width}}}{'' if writing else blank})"

    def _text_pattern(self, *, writing: bool) -> str:
        assert self.chars is not None
        if not writing:
            return f"[{_escaped(self.chars.readable | {' '})}]{{{self.width}}}"
        if self.chars.inner_space:
            return f"[{_escaped(self.chars.writable)}]{{{self.width}}}"
        chars = _escaped(self.chars.writable)  # spaces only as padding, which is there already
        return f"(?![^{SEPARATOR}]{{{self.width + 1}}})[{chars}]*+ *+"

    def fault(self, raw: str, *, writing: bool = False) -> Fault | None:
        """What is wrong with the bytes ``raw``, or None. ``raw`` has the field's width."""
        if re.fullmatch(self.pattern(writing=writing), raw):
            return None
        return self._explained(raw, writing=writing)

    def _explained(self, raw: str, *, writing: bool) -> Fault:
        lenient = Severity.LINE if writing else Severity.WARNING
        if self.kind is Kind.FIXED:
            return Fault(Code.FIXED_VALUE, Severity.LINE, self, repr(raw))
        if self.kind is Kind.DUMMY:
            return Fault(Code.DUMMY, lenient, self, "")
        if self.kind is Kind.TEXT:
            return self._text_fault(raw, writing=writing)
        if self.required and not raw.strip(" "):
            return Fault(Code.REQUIRED, Severity.LINE, self, "")
        if raw in self.refused:
            return Fault(Code.NOT_ALLOWED, lenient, self, self.shown(raw), "another value")
        if self.allowed is not None:
            return Fault(Code.NOT_ALLOWED, Severity.LINE, self, self.shown(raw))
        if self.kind in (Kind.MMDD, Kind.ERA_DATE):
            return Fault(Code.DATE, Severity.LINE, self, self.shown(raw))
        return Fault(Code.NOT_DIGITS, Severity.LINE, self, self.shown(raw))

    def _text_fault(self, raw: str, *, writing: bool) -> Fault:
        assert self.chars is not None
        lenient = Severity.LINE if writing else Severity.WARNING
        if self.required and not raw.strip(" "):
            return Fault(Code.REQUIRED, lenient, self, "")
        legal = self.chars.writable if writing else self.chars.readable | {" "}
        body = raw.rstrip(" ")
        position, char = next((at, char) for at, char in enumerate(body) if char not in legal)
        byte = undefined_byte(char)
        readable = byte is None and char >= " "
        shown = repr(char) if byte is None else f"byte 0x{byte:02X}"
        severity = lenient if readable else Severity.LINE
        return Fault(Code.CHARACTER, severity, self, shown, self.chars.name, position)


def _escaped(chars: Iterable[str]) -> str:
    return re.escape("".join(sorted(chars)))


class Fault(NamedTuple):
    """A finding that does not know its record yet. ``position`` counts within the field.

    ``Severity.WARNING`` means that a tolerant reader may read on; a strict one holds the line.
    """

    code: Code
    severity: Severity
    field: Field
    found: str
    expected: str | None = None
    position: int = 0


R_co = TypeVar("R_co", covariant=True)


class Layout(Generic[R_co]):
    """A record type: its fields, and what is compiled from them.

    ``record`` is the named tuple that holds its values; both must have the same fields in the
    same order.
    """

    def __init__(
        self,
        name: str,
        label: str,
        fields: Sequence[Field],
        record: type[R_co],
    ) -> None:
        named_tuple: Any = record
        self.name = name
        self.label = label
        self.record = record
        self.fields = tuple(fields)
        self.width = sum(field.width for field in self.fields)
        if self.width not in RECORD_LENGTHS:
            raise ValueError(f"{name}: widths add up to {self.width}, not to {RECORD_LENGTHS}")
        self.values = tuple(field for field in self.fields if field.carries_value)
        if named_tuple._fields != tuple(field.name for field in self.values):
            raise ValueError(f"{name}: the record's fields are not the layout's")
        for field in self.fields:
            if not field.carries_value and len(field.value) != field.width:
                raise ValueError(f"{name}.{field.name}: value and width differ")
        self.offsets: dict[str, int] = {}
        offset = 0
        for field in self.fields:
            if field.kind is not Kind.DUMMY:
                if field.name in self.offsets:
                    raise ValueError(f"{name}.{field.name} stands twice")
                self.offsets[field.name] = offset
            offset += field.width
        self._reading = re.compile("".join(_read_group(field) for field in self.fields))
        self._build: Callable[..., R_co] = _builder(record, self.values)
        self._writing = LineFormat(self, [field.name for field in self.values])

    def field(self, name: str) -> Field:
        """The field of that name; raises ``KeyError``."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)

    def offset(self, name: str) -> int:
        """Offset of a field from 0; 0 for a name that the layout does not have."""
        return self.offsets.get(name, 0)

    def parse(self, text: str) -> R_co | None:
        """The record in ``text``, or None if anything about it is wrong."""
        match = self._reading.fullmatch(text)
        if match is None:
            return None
        return self._build(*match.groups())

    def raw(self, text: str) -> dict[str, str]:
        """The values of ``text`` as they stand, unchecked."""
        return {field.name: text[(at := self.offsets[field.name]) : at + field.width] for field in self.values}

    def faults(self, text: str) -> list[tuple[int, Fault]]:
        """Everything wrong in ``text`` with its offset in the record."""
        found, offset = [], 0
        for field in self.fields:
            fault = field.fault(text[offset : offset + field.width])
            if fault is not None:
                found.append((offset + fault.position, fault))
            offset += field.width
        return found

    def build(self, text: str) -> R_co:
        """The record in ``text`` although ``faults`` gave warnings."""
        return self._build(*self.raw(text).values())

    @property
    def line_format(self) -> LineFormat:
        """The format that writes every value of a record."""
        return self._writing


def _read_group(field: Field) -> str:
    pattern = field.pattern(writing=False)
    return f"({pattern})" if field.carries_value else f"(?:{pattern})"


def _builder(record: type, fields: Sequence[Field]) -> Callable[..., Any]:
    """A function from the checked texts of ``fields`` to the record.

    It is generated, as ``namedtuple`` generates its constructor: one call per record instead of
    one per field makes reading twice as fast. Its source holds nothing but positions.
    """
    names = [f"v{index}" for index in range(len(fields))]
    scope: dict[str, Any] = {"new": tuple.__new__, "record": record}
    values = []
    for name, field in zip(names, fields, strict=True):
        # Spaces in an optional number are absent, which is zeros.
        present = name if field.required else f"{name}.replace(' ', '0')"
        if field.convert is not None:
            scope[f"convert_{name}"] = field.convert
            values.append(f"convert_{name}({present})")
        elif field.kind is Kind.INTEGER:
            values.append(f"int({present})")
        elif field.kind is Kind.TEXT:
            values.append(f"{name}.rstrip(' ')")
        else:
            values.append(present)
    tail = "," if values else ""
    source = f"lambda {', '.join(names)}: new(record, ({', '.join(values)}{tail}))"
    build: Callable[..., Any] = eval(source, scope)  # noqa: S307 - positions only, see above
    return build


class LineFormat:
    """Writes records of a layout from tuples that hold only the named values, in layout order.

    The other fields are left out, or hold what ``constants`` says.
    """

    def __init__(
        self,
        layout: Layout[Any],
        names: Sequence[str],
        constants: Mapping[str, str] | None = None,
    ) -> None:
        wanted, constant = set(names), constants or {}
        self.layout = layout
        self.fields = tuple(field for field in layout.fields if field.name in wanted)
        if [field.name for field in self.fields] != list(names):
            raise ValueError(f"{layout.name}: {names} is not in the order of the layout")
        self.template = SEPARATOR.join(
            field.spec if field.name in wanted else constant.get(field.name, field.blank) for field in layout.fields
        )
        pattern = SEPARATOR.join(field.pattern(writing=True) for field in layout.fields)
        self.matches = re.compile(pattern).fullmatch
        self._integers = tuple(index for index, field in enumerate(self.fields) if field.kind is Kind.INTEGER)

    def faults(self, values: tuple[Any, ...]) -> list[Fault]:
        """Everything that forbids writing ``values``."""
        if len(values) != len(self.fields):
            raise TypeError(f"{self.layout.name}: {len(self.fields)} values, not {len(values)}")
        found = []
        for field, value in zip(self.fields, values, strict=True):
            if field.kind is Kind.INTEGER and type(value) is not int:
                found.append(Fault(Code.TYPE, Severity.LINE, field, type(value).__name__, "int"))
                continue
            raw = field.spec % value
            if len(raw) != field.width:
                found.append(Fault(Code.WIDTH, Severity.LINE, field, str(len(raw)), str(field.width)))
            elif (fault := field.fault(raw, writing=True)) is not None:
                found.append(fault)
        return found

    def line(self, values: tuple[Any, ...]) -> str | None:
        """The record with separators between its fields, or None if it may not be written."""
        if any(type(values[index]) is not int for index in self._integers):
            return None
        text = self.template % values
        return text if self.matches(text) else None
