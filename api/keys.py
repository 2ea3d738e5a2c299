"""The keys that sign access tokens (ES256): the newest that may sign does, all that are not retired verify.

A new key is shown to the world before it signs (`signs_from`), so that nobody meets a token whose key he cannot find; the key before it is
retired when its last token has expired. A new one is made by a person (`kessai key rotate`).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from joserfc.jwk import ECKey, KeySet

from domain.store import credentials
from domain.store.connection import transaction

KEEP = timedelta(seconds=60)  # a new key signs after at most this
ANNOUNCED = timedelta(minutes=5)  # so long a new key is shown before it signs
OUTLIVE = timedelta(minutes=15)  # longer than any access token lives
RELOAD = timedelta(seconds=2)  # at most so often for a key that we have not seen


@dataclass(frozen=True, slots=True)
class Loaded:
    """The keys as they were read. `cursor_key` signs places in the log, `form_key` forms; they stay with the oldest key."""

    signing: ECKey
    verifying: KeySet
    cursor_key: bytes
    form_key: bytes
    read_at: datetime

    def public(self) -> dict[str, Any]:
        """The JWK set that anybody may have (RFC 7517)."""
        return dict(self.verifying.as_dict(private=False))


class Keys:
    """The signing keys of this installation, made at the first start and kept in the database."""

    def __init__(self, machine_clock: Callable[[], datetime]) -> None:
        self._clock = machine_clock
        self._loaded: Loaded | None = None

    async def current(self, kid: str | None = None) -> Loaded:
        """The keys; read again from time to time, and when a token names one that we have not seen."""
        loaded, moment = self._loaded, self._clock()
        if loaded is not None:
            known = kid is None or any(key.kid == kid for key in loaded.verifying.keys)
            if moment - loaded.read_at < (KEEP if known else RELOAD):
                return loaded
        self._loaded = await self._read(moment)
        return self._loaded

    async def _read(self, moment: datetime) -> Loaded:
        async with transaction() as tx:
            stored = await credentials.keys(tx)
            if not any(key.signs(moment) for key in stored):
                made = new_key()
                if stored:  # all have been retired: another one signs at once
                    await credentials.add_key(
                        tx, str(made.kid), private_half(made), signs_from=moment, others_until=moment, machine_now=moment
                    )
                else:
                    await credentials.first_key(tx, str(made.kid), private_half(made), moment)
                stored = await credentials.keys(tx)
        good = {row.kid: ECKey.import_key(row.private_jwk) for row in stored if row.verifies(moment)}
        signing = next(good[row.kid] for row in stored if row.signs(moment))
        oldest = stored[-1].private_jwk["d"].encode()
        cursor_key, form_key = (hmac.digest(oldest, purpose, sha256) for purpose in (b"kessai log cursors", b"kessai forms"))
        return Loaded(signing, KeySet(list(good.values())), cursor_key, form_key, moment)


def new_key() -> ECKey:
    """A fresh key for ES256."""
    return ECKey.generate_key("P-256", parameters={"use": "sig", "alg": "ES256"}, auto_kid=True)


def private_half(key: ECKey) -> dict[str, Any]:
    """How a key is kept."""
    return dict(key.as_dict(private=True))


async def rotate(machine_now: datetime) -> tuple[str, datetime]:
    """Makes the next key; answers its ID and when it begins to sign. The keys before it end when their last token has."""
    made, signs_from = new_key(), machine_now + ANNOUNCED
    async with transaction() as tx:
        await credentials.add_key(
            tx,
            str(made.kid),
            private_half(made),
            signs_from=signs_from,
            others_until=signs_from + KEEP + OUTLIVE,
            machine_now=machine_now,
        )
    return str(made.kid), signs_from
