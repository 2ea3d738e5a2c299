"""`kessai export`: settlements as a file, the same that `GET /exports/settlements` sends."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from kessai.opened import machine_now, with_store
from kessai.screen import PLAIN, Common, console, print_json
from kessai.trouble import Trouble

if TYPE_CHECKING:
    from api.exporting import Wanted


def export(
    *,
    first: Annotated[date, Parameter(name="--from")],
    last: Annotated[date, Parameter(name="--to")],
    site: int | None = None,
    by: Literal["debitedOn", "settledOn"] = "debitedOn",
    file_format: Annotated[Literal["csv", "jsonl"], Parameter(name="--format")] = "csv",
    out: Path | None = None,
    common: Common = PLAIN,
) -> None:
    """Write the settlements (清算状況) of some days into a file, or to standard output: what GET /exports/settlements sends.

    One snapshot, row by row. CSV has a byte order mark and CRLF, so that a spreadsheet opens it, and texts that would be
    formulas begin with an apostrophe.

    For example:

        kessai export --from 2000-09-01 --to 2000-09-30 --out september.csv
        kessai export --from 2000-09-01 --to 2000-09-30 --site 130 --by settledOn --format jsonl | head -1

    Parameters
    ----------
    first
        First day, in.
    last
        Last day, in.
    site
        Only of this site.
    by
        Which day: of the debit (振替実行日) or of the settlement (清算完了日).
    file_format
        csv or jsonl.
    out
        Where to; it must not be there yet. Left out: standard output.
    """
    from api.exporting import Wanted

    if last < first:
        raise Trouble("--to is before --from", do=("give the earlier day as --from",), code="COMMAND")
    if out is not None and out.exists():
        raise Trouble(
            f"{out} is there already", why="nothing is written over", do=("name another file", f"or remove {out}"), code="COMMAND"
        )
    wanted = Wanted(site, first, last, by, file_format)
    written = with_store(lambda: _write(wanted, out))
    if out is not None and common.json:
        print_json({"file": str(out), "bytes": written})
    elif out is not None:
        console().print(f"{out}: {written:,} bytes")


async def _write(wanted: Wanted, out: Path | None) -> int:
    from api.context import Caller, Context
    from api.exporting import export as pieces
    from domain.access import Viewer, ViewerKind
    from domain.store import clock
    from domain.store.connection import reading

    machine = machine_now()
    viewer = Viewer(ViewerKind.OPERATOR, 0)
    caller = Caller(client_id="kessai export", name="", site_id=None, firm_id=None, scopes=frozenset(), viewer=viewer)
    written = 0
    async with reading() as tx:
        now = await clock.business_now(tx, machine)
        context = Context(
            caller=caller, request_id="", now=now, machine_now=machine, language="en", cursor_key=b"", batch_items=0, loose_items=0
        )
        target = sys.stdout.buffer if out is None else out.open("xb")
        try:
            async for piece in pieces(tx, context, wanted):
                written += target.write(piece)
        finally:
            if out is None:
                target.flush()
            else:
                target.close()
    return written
