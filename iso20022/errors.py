"""What is wrong with a message, and where."""


class IsoError(ValueError):
    """The message cannot be used. The text names the line and the element, and repeats no content: it may be an account number."""

    def __init__(self, reason: str, *, line: int | None = None) -> None:
        super().__init__(reason if line is None else f"line {line}: {reason}")
        self.reason, self.line = reason, line
