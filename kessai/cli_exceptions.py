"""What a person should look at: the list, and one of it explained."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from kessai.opened import with_store
from kessai.screen import PLAIN, Common, instant, print_json, show, yen
from kessai.trouble import Trouble

app = App(
    name="exceptions",
    help="""List what does not match and needs a person (例外), newest first, and explain one. Nothing in it has touched money.

For example:

    kessai exceptions --bank 9991
    kessai exceptions show 17
""",
)


@app.default
def exceptions(
    *,
    code: str | None = None,
    bank: str | None = None,
    closed: Annotated[bool, Parameter(negative="")] = False,
    limit: int = 200,
    common: Common = PLAIN,
) -> None:
    """List what does not match and needs a person (例外), newest first. Nothing in it has touched money.

    For example:

        kessai exceptions
        kessai exceptions --bank 9991 --json
        kessai exceptions show 17        explains one

    Parameters
    ----------
    code
        Only this kind of finding, e.g. NAME_REUSED.
    bank
        Only what came from this bank.
    closed
        Those that are done with, too.
    limit
        At most so many.
    """
    from domain.store.lists import list_exceptions

    found = with_store(lambda: list_exceptions(code=code, bank=bank, closed=closed, limit=limit))
    columns = (
        ("no", "exception_id"),
        ("since", "at"),
        ("code", "code"),
        ("from", "channel"),
        ("contract", "contract_id"),
        ("batch", "batch_id"),
    )
    show(common, found, (*columns, ("yen", "amount"), ("reason", "reason")), right=("yen",), empty="No exceptions.")


@app.command(name="show")
def show_(number: int, /, *, file: Path | None = None, common: Common = PLAIN) -> None:
    """Explain one exception: what was expected, what came, where in the file, which batch, and what to do next.

    Account numbers are masked here; the file itself, which was kept as it came, has them.

    For example:

        kessai exceptions show 17
        kessai exceptions show 17 --file came.txt

    Parameters
    ----------
    number
        Its number, as `kessai exceptions` shows it.
    file
        Write the bytes that came to this new file (only for you to read).
    """
    from domain.advice import advice_for
    from domain.store.explaining import explain

    async def work() -> dict[str, Any]:
        found = await explain(number)
        if file is not None:
            await _write_bytes(found, file)
        return found

    found = with_store(work)
    advice = advice_for(found["code"])
    if common.json:
        print_json(found | {"means": advice.means, "means_ja": advice.means_ja, "next": advice.do})
        return
    print(f"{found['code']}: {advice.means}")
    print(f"  {advice.means_ja}")
    for name, words in _parts(found):
        print(f"  {name:<9} {words}")
    for place in found["places"]:
        print(f"  {'where':<9} {place['where']}")
        print(f"  {'':<9}   expected {place['expected'] or 'something else'}, came {place['found'] or 'nothing'}" + _whose(place))
    for position, line in enumerate(advice.do):
        print(f"  {'do' if position == 0 else '':<9} {line.format(**_names(found))}")
    if file is not None:
        print(f"{found['reply']['size']:,} bytes are in {file}.")


def _parts(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What there is to say, in order: (word, text)."""
    parts = [("what", found["reason"]), ("since", instant(found["at"]))]
    if found["closed_at"]:
        parts.append(("closed", instant(found["closed_at"])))
    if (reply := found["reply"]) is not None:
        parts.append(
            ("came as", f"{reply['name']} ({reply['kind']}, {reply['size']:,} bytes) from {reply['channel']}, {instant(reply['at'])}")
        )
        parts.append(("kept", f"as reply {reply['reply_id']}, {reply['status']}, SHA-256 {reply['sha256']}"))
    elif found["channel"]:
        parts.append(("from", found["channel"]))
    if (batch := found["batch"]) is not None:
        what = f"{batch['batch_id']} {batch['kind']} of site {batch['site_id']} for {batch['value_on']}: {batch['name'] or 'not sealed'}"
        parts.append(("batch", f"{what}, {batch['line_count']:,} lines, {yen(batch['amount'])} yen, {batch['status']}"))
    if (contract := found["contract"]) is not None:
        parts.append(("contract", f"{contract['site_id']}/{contract['number']} ({contract['contract_id']})"))
    if found["amount"] is not None:
        parts.append(("yen", yen(found["amount"])))
    return parts


def _whose(place: Mapping[str, Any]) -> str:
    return f" (contract {place['contract_id']})" if place.get("contract_id") else ""


def _names(found: Mapping[str, Any]) -> dict[str, str]:
    """What a line of advice may name."""
    batch, reply = found["batch"] or {}, found["reply"] or {}
    kind, _, partner = (found["channel"] or reply.get("channel") or "bank:BANK").partition(":")
    if batch.get("bank_code"):
        kind, partner = "bank", batch["bank_code"]
    return {
        "number": str(found["exception_id"]),
        "batch": batch.get("batch_id", "BATCH"),
        "bank": partner,
        "kind": kind,
        "whom": f"{kind} {partner}",
        "contract": (found["contract"] or {}).get("contract_id", "CONTRACT"),
        "file": reply.get("name", "FILE"),
    }


async def _write_bytes(found: Mapping[str, Any], file: Path) -> None:
    """The kept bytes, part by part, to a file that was not there and that nobody else may read."""
    import os

    from domain.store import replies

    if found["reply"] is None:
        raise Trouble("Nothing came in with this exception, so there is no file", code="NO_FILE")
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Trouble(f"{file} cannot be written: {error.strerror}", why="a file that is there is never overwritten", code="FILE") from None
    with os.fdopen(descriptor, "wb") as out:
        no = 0
        while (piece := await replies.part(found["reply"]["reply_id"], no)) is not None:
            out.write(piece)
            no += 1
