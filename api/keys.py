"""The keys that sign access tokens (ES256): the newest signs, all that are not retired verify."""

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
RELOAD = timedelta(seconds=2)  # at most so often for a key that we have not seen


@dataclass(frozen=True, slots=True)
class Loaded:
    """The keys as they were read. `cursor_key` signs places in the log; it stays with the oldest key."""

    signing: ECKey
    verifying: KeySet
    cursor_key: bytes
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
            if not stored:
                made = ECKey.generate_key("P-256", parameters={"use": "sig", "alg": "ES256"}, auto_kid=True)
                await credentials.first_key(tx, str(made.kid), dict(made.as_dict(private=True)), moment)
                stored = await credentials.keys(tx)
        pairs = [(key, ECKey.import_key(key.private_jwk)) for key in stored]
        good = [key for row, key in pairs if not row.retired]
        oldest = stored[-1].private_jwk["d"].encode()
        return Loaded(good[0], KeySet(list(good)), hmac.digest(oldest, b"kessai log cursors", sha256), moment)
