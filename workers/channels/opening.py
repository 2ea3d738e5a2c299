"""From an address in the database to an open channel: the one place that knows which connectors there are."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

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
    if address.connector == "http":
        url, secret = address.address["url"], address.address["secret"]
        channel = HttpBank(url, secret, machine_clock, deduplicates=address.deduplicates, transport=transport)
    else:
        channel = await _open_files(f"bank {address.bank_code}", address.connector, address.address, deduplicates=address.deduplicates)
    try:
        yield channel
    finally:
        await channel.close()


async def _open_files(whose: str, connector: str, address: Mapping[str, Any], *, deduplicates: bool) -> BankChannel:
    """A pair of directories, here or behind SFTP."""
    if connector == "directory":
        return DirectoryChannel(Path(address["path"]), deduplicates=deduplicates)
    if connector == "sftp":
        # asyncssh takes a fifth of a second to import, and most installations have no SFTP bank.
        from workers.channels.sftp import open_sftp  # noqa: PLC0415

        return await open_sftp(address, deduplicates=deduplicates)
    raise Refused(whose, f"there is no connector {connector!r:.40}")


def carriers(
    machine_clock: Callable[[], datetime], *, transport: httpx2.AsyncBaseTransport | None = None
) -> Callable[[CarrierAddress], contextlib.AbstractAsyncContextManager[CarrierChannel | BankChannel]]:
    """A maker of carriers' channels: of calls, signed with the machine's clock (`transport` carries them, if not the network does), or of files."""

    @contextlib.asynccontextmanager
    async def open_carrier(address: CarrierAddress) -> AsyncIterator[CarrierChannel | BankChannel]:
        channel: CarrierChannel | BankChannel
        if address.takes_files:
            whose = f"carrier {address.carrier_id}"
            channel = await _open_files(whose, address.connector, address.address, deduplicates=address.deduplicates)
        else:
            url, secret = address.address["url"], address.address["secret"]
            channel = HttpCarrier(url, secret, machine_clock, deduplicates=address.deduplicates, transport=transport)
        try:
            yield channel
        finally:
            await channel.close()

    return open_carrier
