"""Trouble that somebody can mend: what happened, why, what to do, and a code to look up.

An error in the terminal has these four parts and no traceback. The command line prints any `Trouble` the same way.
"""

from typing import ClassVar


class Trouble(Exception):
    """Something the person at the terminal can do something about.

    `what` is one sentence without a full stop, `why` one clause or empty, `do` a list of commands or acts, `code` an
    upper
    case word that the documentation explains. Secrets must be masked by whoever raises it.
    """

    exit_status: ClassVar[int] = 2  # 2 = yours to mend; 1 = it broke; 3 = refused by a rule

    def __init__(self, what: str, *, why: str = "", do: tuple[str, ...] = (), code: str) -> None:
        """Keep the four parts; `str()` gives them as one line."""
        super().__init__(what)
        self.what = what
        self.why = why
        self.do = do
        self.code = code

    def __str__(self) -> str:
        """One line with everything, for logs and for tools that print exceptions."""
        parts = [self.what]
        if self.why:
            parts.append(f"why: {self.why}")
        if self.do:
            parts.append("do: " + "; ".join(self.do))
        return f"{'. '.join(parts)} [{self.code}]"

    def as_dict(self) -> dict[str, object]:
        """The same for `--json`."""
        return {"what": self.what, "why": self.why, "do": list(self.do), "code": self.code}
