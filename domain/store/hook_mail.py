"""Mail addresses [0038]: asked for, confirmed by a code that was mailed there, and then told like a webhook."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.contract_id import home_of
from domain.hooks import HookStatus
from domain.store import hook_routing, hooks
from domain.store.connection import Tx
from domain.store.hooks import COLUMNS, Hook, Owner, hook_of

CODE_LIVES = timedelta(hours=24)
CODE_TRIES = 5
CODE_AGAIN = timedelta(minutes=1)  # between two codes to one address


class TooSoon(Exception):
    """A code was mailed a moment ago."""


async def find(tx: Tx, home: int, owner: Owner, *, lock: bool = False) -> Hook | None:
    """The address of a user, or of a program; None: it has none."""
    row = await tx.row(
        f"select {COLUMNS} from hook where home = $1 and channel = 1 and site_id is not distinct from $2 and firm_id is not distinct from $3 "
        f"and user_id is not distinct from $4 and client_id is not distinct from $5{' for update' if lock else ''}",
        home,
        owner.site_id,
        owner.firm_id,
        owner.user_id,
        owner.client_id,
    )
    return None if row is None else hook_of(row)


def code_hash(hook_id: int, code: str) -> bytes:
    """How a code is kept: it lives for a day and is tried five times, so that a fast hash will do."""
    return hashlib.sha256(f"{hook_id} {code}".encode()).digest()


async def set_address(
    tx: Tx,
    home: int,
    numbers: Sequence[int],
    owner: Owner,
    address: str,
    language: str,
    kinds: Sequence[int],
    code: str,
    machine_now: datetime,
) -> Hook:
    """Stores what one wants to be mailed about. Another address must be confirmed: a code goes there. `numbers`: two fresh ones.

    Raises TooSoon.
    """
    old = await find(tx, home, owner, lock=True)
    if old is not None and old.address == address and old.status is HookStatus.ACTIVE:
        await tx.run(
            "update hook set language = $3, kinds = $4::smallint[] where home = $1 and hook_id = $2",
            home,
            old.hook_id,
            language,
            list(kinds),
        )
        fresh = await hooks.by_id(tx, home, old.hook_id)
        assert fresh is not None
        return fresh
    if old is not None:
        asked_at = await tx.value("select code_until from hook where home = $1 and hook_id = $2", home, old.hook_id)
        if asked_at is not None and machine_now < asked_at - CODE_LIVES + CODE_AGAIN:
            raise TooSoon
        await hooks.delete(tx, old)
    hook_id, letter_id = numbers
    row = await tx.row(
        "insert into hook(home, hook_id, channel, site_id, firm_id, client_id, user_id, address, language, kinds, status, code_hash, code_until, "
        "machine_at) values ($1, $2, 1, $3, $4, $5, $6, $7, $8, $9::smallint[], 2, $10, $11, $12) "
        f"returning {COLUMNS}",
        home,
        hook_id,
        owner.site_id,
        owner.firm_id,
        owner.client_id,
        owner.user_id,
        address,
        language,
        list(kinds),
        code_hash(hook_id, code),
        machine_now + CODE_LIVES,
        machine_now,
    )
    assert row is not None
    hook = hook_of(row)
    await hook_routing.add_letter(tx, hook, letter_id, f"code-{letter_id}", json.dumps({"code": code}), machine_now)
    return hook


async def confirm(tx: Tx, hook: Hook, code: str, homes: Sequence[int], machine_now: datetime) -> bool:
    """Takes the code that was mailed; from now on letters go there. False: it is not the code, or too late, or too often tried."""
    row = await tx.row(
        "select code_hash, code_until, code_tries from hook where home = $1 and hook_id = $2 for update", hook.home, hook.hook_id
    )
    if row is None or row["code_hash"] is None or machine_now >= row["code_until"] or row["code_tries"] >= CODE_TRIES:
        return False
    if not hmac.compare_digest(bytes(row["code_hash"]), code_hash(hook.hook_id, code)):
        await tx.run("update hook set code_tries = code_tries + 1 where home = $1 and hook_id = $2", hook.home, hook.hook_id)
        return False
    await tx.run(
        "update hook set status = 0, code_hash = null, code_until = null where home = $1 and hook_id = $2", hook.home, hook.hook_id
    )
    # The letter with the code has done what it was for; its text is forgotten.
    await tx.run("update hook_delivery set body = null where home = $1 and hook_id = $2 and status <> 0", hook.home, hook.hook_id)
    await hooks.begin_at(tx, hook.home, hook.hook_id, await hooks.lock_logs(tx, homes))
    assert home_of(hook.hook_id) == hook.home
    return True
