"""Looking after webhooks and mail."""

from __future__ import annotations

from datetime import datetime

from cyclopts import App

from kessai.opened import machine_now, with_store
from kessai.screen import PLAIN, Common, print_json, show
from kessai.trouble import Trouble

app = App(
    name="hooks",
    help="""Look after webhooks and mail: who is told, what is not taken, and telling again.

For example:

    kessai hooks list --failing
    kessai hooks failures
""",
)


@app.command(name="list")
def list_(*, failing: bool = False, limit: int = 200, common: Common = PLAIN) -> None:
    """List webhooks and mail addresses, and how many events wait for each.

    For example:

        kessai hooks list
        kessai hooks list --failing --json

    Parameters
    ----------
    failing
        Only those that take nothing now, or are disabled.
    limit
        At most so many.
    """
    from domain.store.hook_lists import list_hooks

    found = with_store(lambda: list_hooks(failing=failing, limit=limit))
    columns = (
        ("webhook", "hook_id"),
        ("by", "channel"),
        ("owner", "owner"),
        ("to", "address"),
        ("status", "status"),
        ("because", "reason"),
    )
    show(common, found, (*columns, ("waiting", "waiting"), ("failing since", "failing_since")), right=("waiting",), empty="Nobody is told.")


@app.command
def failures(*, limit: int = 200, common: Common = PLAIN) -> None:
    """List what was not taken, the latest first: what is tried again, and what was given up.

    For example:

        kessai hooks failures --limit 20

    Parameters
    ----------
    limit
        At most so many.
    """
    from domain.store.hook_lists import list_failures

    found = with_store(lambda: list_failures(limit=limit))
    columns = (("webhook", "hook_id"), ("owner", "owner"), ("contract", "contract_id"), ("status", "status"), ("tries", "tries"))
    more = (("error", "error"), ("at", "machine_at"), ("next try", "next_try_at"))
    show(common, found, (*columns, *more), right=("tries",), empty="Everything was taken.")


@app.command
def replay(webhook: str, /, *, since: str, common: Common = PLAIN) -> None:
    """Tell a webhook again what happened since an instant, with the same IDs. Its receiver passes over what it has had already.

    For example:

        kessai hooks replay w57899045000000018 --since 2026-11-20T09:00+09:00

    Parameters
    ----------
    webhook
        Its ID, as `kessai hooks list` shows it.
    since
        An instant of the machine's clock, with its offset.
    """
    from domain.contract_id import BadContractId, parse
    from domain.store.hook_lists import replay_since

    try:
        instant = datetime.fromisoformat(since)
        hook_id = parse(webhook.removeprefix("w"))
    except BadContractId as error:
        raise Trouble(f"{webhook} is not the ID of a webhook", do=("kessai hooks list",), code="COMMAND") from error
    except ValueError as error:
        raise Trouble(f"{since} is not an instant", do=("--since 2026-11-20T09:00+09:00",), code="COMMAND") from error
    if instant.tzinfo is None:
        raise Trouble("An instant has an offset", do=(f"--since {since}+09:00",), code="COMMAND")
    logs = with_store(lambda: replay_since(hook_id, instant, machine_now=machine_now()))
    if common.json:
        print_json({"webhook": webhook, "since": instant.isoformat(), "logs": logs})
    else:
        print(f"{webhook} is told again what happened since {instant.isoformat()}")
