"""From an address in the database to an open channel: the one place that knows which connectors there are."""

import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx2

from domain.store.sending import BankAddress, CarrierAddress
from workers.channels.bank import BankChannel
from workers.channels.carrier import CarrierChannel, HttpCarrier
from workers.channels.directory import DirectoryChannel
from workers.channels.errors import Refused
from workers.channels.http_bank import HttpBank


def _utc_now() -> datetime:
    return datetime.now(UTC)


@contextlib.asynccontextmanager
async def open_bank(
    address: BankAddress, *, machine_clock: Callable[[], datetime] = _utc_now, transport: httpx2.AsyncBaseTransport | None = None
) -> AsyncIterator[BankChannel | HttpBank]:
    """A bank's channel, open as long as the block lasts. Raises Unavailable; Refused for an address that names no connector we have.

    Args:
        address: Of the bank.
        machine_clock: Signs calls.
        transport: Carries them, if not the network does.
    """
    channel: BankChannel | HttpBank
    if address.connector == "directory":
        channel = DirectoryChannel(Path(address.address["path"]), deduplicates=address.deduplicates)
    elif address.connector == "sftp":
        # asyncssh takes a fifth of a second to import, and most installations have no SFTP bank.
        from workers.channels.sftp import open_sftp  # noqa: PLC0415

        channel = await open_sftp(address.address, deduplicates=address.deduplicates)
    elif address.connector == "http":
        url, secret = address.address["url"], address.address["secret"]
        channel = HttpBank(url, secret, machine_clock, deduplicates=address.deduplicates, transport=transport)
    else:
        raise Refused(f"bank {address.bank_code}", f"there is no connector {address.connector!r:.40}")
    try:
        yield channel
    finally:
        await channel.close()


def carriers(machine_clock: Callable[[], datetime]) -> Callable[[CarrierAddress], contextlib.AbstractAsyncContextManager[CarrierChannel]]:
    """A maker of carriers' channels; calls are signed with the machine's clock."""

    @contextlib.asynccontextmanager
    async def open_carrier(address: CarrierAddress) -> AsyncIterator[CarrierChannel]:
        channel = HttpCarrier(address.url, address.secret, machine_clock, deduplicates=address.deduplicates)
        try:
            yield channel
        finally:
            await channel.close()

    return open_carrier
