"""Account numbers never appear whole in what the sandbox logs or prints about itself."""

from __future__ import annotations

import re

_STATEMENT_NAME = re.compile(r"^03_(\d{7})(\d)(\d{5})(\d{2})_")


def masked(number: str) -> str:
    """`9130001` becomes `*****01`."""
    return "*" * max(len(number) - 2, 0) + number[-2:]


def masked_name(name: str) -> str:
    """The name of a statement carries its account; other names carry none."""
    return _STATEMENT_NAME.sub(lambda m: f"03_{m[1]}{m[2]}*****{m[4]}_", name)
