"""`kessai demo`: the nine contracts of the patent's figures, played to the hour on a clock that stands between moves,
and every cell compared.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from kessai.screen import PLAIN, Common, console, print_json


def demo(*, keep: Annotated[bool, Parameter(negative="")] = False, port: int | None = None, common: Common = PLAIN) -> int:
    """Play the nine contracts of the patent's figures and compare every cell, file and account. Exit status 1 if
    anything differs.

    It has a world of its own (servers, banks, carrier, clock), which is deleted afterwards; a `kessai up` beside it
    is not touched.

    For example:

        kessai demo
        kessai demo --keep      then KESSAI_STATE=... kessai up goes on in that world
        kessai demo --json | jq .failed

    Parameters
    ----------
    keep
        Leave the world for inspection, and say where.
    port
        Port of its API (default: a free one).
    """
    from kessai.demo_play import Demo, play

    began = time.monotonic()
    screen = console(error=common.json)
    with _somewhere(keep=keep) as root:
        run = Demo(root, screen)
        play(run, port)
    seconds = time.monotonic() - began
    failed = run.checks.failed
    if common.json:
        print_json(
            {
                "passed": len(run.checks.done) - len(failed),
                "failed": len(failed),
                "seconds": round(seconds, 1),
                "figure8": run.figure_8,
                "figure9": run.figure_9,
                "kept": str(root) if keep else None,
                "checks": [check.as_dict() for check in run.checks.done],
            }
        )
        return 1 if failed else 0
    for check in failed:
        screen.print(Text(f"  differs   {check.name}", style="bold red"))
        screen.print(Text(f"            expected {check.expected!r}\n            found    {check.found!r}"))
    if keep:
        screen.print(Text(f"Kept in {root}    KESSAI_STATE={root / 'state'} kessai up goes on there"))
    passed = len(run.checks.done) - len(failed)
    line = f"demo: {passed} checks passed, {len(failed)} failed"
    print(f"{line}{seconds:>{max(100 - len(line), 10)}.1f} s", flush=True)
    return 1 if failed else 0


@contextlib.contextmanager
def _somewhere(*, keep: bool) -> Iterator[Path]:
    """A directory for this run alone; gone afterwards unless it is to be kept."""
    from kessai.embedded.engines import remove

    root = Path(tempfile.mkdtemp(prefix="kessai-demo-"))
    root.chmod(0o711)  # as root the servers run as somebody else and must reach their directory
    try:
        yield root
    finally:
        if not keep:
            remove(root / "state")
            shutil.rmtree(root, ignore_errors=True)
