"""Fetching what a bank or a carrier has put into out/: by polling, whole, raw, without deleting or moving anything there (docs/wire.md section 1).

The name is a file's identity and the list is the only thing that is read each time. A file is downloaded when it is new,
when it looks other than before, and once more by each new process while it is recent: a name under which other bytes turn up
must not go unseen (S04), and ten years of files must not be downloaded each minute.
"""

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import cast

from structlog import get_logger
from structlog.contextvars import bound_contextvars

from domain import carrier_files
from domain.bank_names import kind_of
from domain.store import clock, exceptions, inbox, inquiries, leases, sending
from domain.store.connection import reading, transaction
from domain.store.faults import AWAY
from workers.channels.bank import MAX_SIZE, Listed, PickUp
from workers.channels.errors import ChannelError, Unavailable
from workers.channels.http_bank import HttpBank
from workers.services import Services
from workers.working import under_lease

RECENT = timedelta(days=2)
CLOCKS_APART = timedelta(minutes=15)  # how far a bank's clock may be from ours
NAMES_AT_ONCE = 5_000


async def fetch_bank(bank_code: str, *, services: Services, holder: str, now: datetime, machine_now: datetime) -> None:
    """Looks through one bank's out/ and stores what is new. Does nothing while another worker looks.

    One file that cannot be had does not stop the others (S65). How the round went is written down with the count of the
    clock's moves at its beginning, so that everybody can see up to which instant this bank has been heard.
    """
    name = inbox.bank_channel(bank_code)
    if not await leases.take(name, holder, machine_now):
        return
    with bound_contextvars(bank=bank_code):
        try:
            await under_lease(_round(bank_code, services, now), lambda at: leases.take(name, holder, at), services.machine_clock)
        finally:
            await leases.let_go(name, holder)


async def fetch_carrier(carrier_id: str, *, services: Services, holder: str, now: datetime, machine_now: datetime) -> None:
    """The same for a carrier that is given files (docs/wire.md section 6)."""
    name = inbox.carrier_channel(carrier_id)
    if not await leases.take(name, holder, machine_now):
        return
    with bound_contextvars(carrier=carrier_id):
        try:
            await under_lease(_carrier_round(carrier_id, services, now), lambda at: leases.take(name, holder, at), services.machine_clock)
        finally:
            await leases.let_go(name, holder)


async def _round(bank_code: str, services: Services, now: datetime) -> None:
    problem: ChannelError | None = None
    moves = await _moves()
    try:
        address = await sending.address_of(bank_code)
        async with services.banks(address) as bank:
            problem = await _look(inbox.bank_channel(bank_code), bank, kind_of, services, now)
            if isinstance(bank, HttpBank):
                await _inquire(bank_code, bank, services, now)
    except ChannelError as error:
        problem = error
    except Exception as error:  # noqa: BLE001 - a look that ends in no way at all would keep everybody's decisions waiting for it
        problem = _failed(f"bank {bank_code}", error)
    if problem is None:
        await inbox.end_poll(bank_code, services.machine_clock(), moves, None, now)
        return
    get_logger().warning("bank_not_heard", reason=str(problem))
    await inbox.end_poll(bank_code, services.machine_clock(), moves, str(problem), now, code=problem.code, passes=problem.passes)


async def _carrier_round(carrier_id: str, services: Services, now: datetime) -> None:
    problem: ChannelError | None = None
    moves = await _moves()
    try:
        address = await sending.address_of_carrier(carrier_id)
        if not address.takes_files:  # it has become one that is called
            return
        async with services.carriers(address) as carrier:
            problem = await _look(inbox.carrier_channel(carrier_id), cast("PickUp", carrier), carrier_files.kind_of, services, now)
    except ChannelError as error:
        problem = error
    except Exception as error:  # noqa: BLE001 - as above
        problem = _failed(f"carrier {carrier_id}", error)
    if problem is None:
        await inbox.end_carrier_poll(carrier_id, services.machine_clock(), moves, None, now)
        return
    get_logger().warning("carrier_not_heard", reason=str(problem))
    await inbox.end_carrier_poll(carrier_id, services.machine_clock(), moves, str(problem), now, code=problem.code, passes=problem.passes)


def _failed(where: str, error: Exception) -> ChannelError:
    """A look that ended as nobody has foreseen: an address that is none, say. If it was our database, the next statement says so again."""
    get_logger().warning("look_failed", where=where, exc_info=None if isinstance(error, AWAY) else error)
    return ChannelError(where, f"the look failed unexpectedly: {type(error).__name__}")


async def _moves() -> int:
    async with reading() as tx:
        return (await clock.state(tx)).moves


async def _look(channel: str, there: PickUp, kind_of: Callable[[str], str], services: Services, now: datetime) -> ChannelError | None:
    """One look; answers the first problem with a single file."""
    problem: ChannelError | None = None
    for file in await _news(channel, await there.list_out(), services):
        try:
            if file.size > MAX_SIZE:
                await _too_large(channel, file, now)
            else:
                reply_id = await inbox.store(channel, file.name, kind_of(file.name), _whole(there, file), now, services.machine_clock())
                if reply_id is not None:
                    get_logger().info("file_fetched", name=file.name, size=file.size, reply=reply_id)
        except ChannelError as error:
            problem = problem or error
        else:
            services.seen.remember(channel, file)
    return problem


async def _inquire(bank_code: str, bank: HttpBank, services: Services, now: datetime) -> None:
    """Asks after batches that nobody can tell of, and fetches what the bank has said of them; nothing is sent again (I09)."""
    for batch in await inquiries.unknown_at(bank_code, services.machine_clock()):
        messages = await bank.messages_of(batch.name)
        if messages is None:
            await inquiries.not_there(batch, now)
            continue
        for name in messages:
            if await inquiries.is_new(bank_code, name):
                await inbox.store(inbox.bank_channel(bank_code), name, kind_of(name), bank.read(name), now, services.machine_clock())


async def _news(channel: str, files: list[Listed], services: Services) -> list[Listed]:
    """Which of these are worth a download, in the order in which they were written. What is not is remembered, and costs nothing next time."""
    # Of two answers to one file the first stands; a second one has the longer name (`.result.2.txt`).
    fresh = sorted(services.seen.news(channel, files), key=lambda file: (file.modified, len(file.name), file.name))
    machine_now = services.machine_clock()
    wanted = []
    for start in range(0, len(fresh), NAMES_AT_ONCE):
        some = fresh[start : start + NAMES_AT_ONCE]
        async with reading() as tx:
            known = await inbox.known(tx, channel, [file.name for file in some])
        for file in some:
            stored = known.get(file.name)
            if stored is None or file.size not in stored.sizes or _may_have_changed(file, stored.machine_at, machine_now):
                wanted.append(file)
            else:
                services.seen.remember(channel, file)
    return wanted


def _may_have_changed(file: Listed, stored_at: datetime, machine_now: datetime) -> bool:
    """Same name, same size. Touched after we stored it, or so lately that the bank's clock may deceive us: look at the bytes again."""
    modified = datetime.fromtimestamp(file.modified, machine_now.tzinfo)
    return modified > stored_at + CLOCKS_APART or modified > machine_now - RECENT


async def _whole(bank: PickUp, file: Listed) -> AsyncIterator[bytes]:
    """The file's bytes. Raises Unavailable at the end if they are not as many as the list said: a download that was cut is no file."""
    size = 0
    async for chunk in bank.read(file.name):
        size += len(chunk)
        yield chunk
    if size != file.size:
        raise Unavailable(file.name, f"{size} bytes came, the list says {file.size}")


async def _too_large(channel: str, file: Listed, now: datetime) -> None:
    async with transaction() as tx:
        await exceptions.record(
            tx,
            code="FILE_TOO_LARGE",
            reference=f"FILE_TOO_LARGE:{channel}:{file.name}:{file.size}",
            reason=f"{file.name} has {file.size} bytes; more than {MAX_SIZE} are not read",
            now=now,
            channel=channel,
        )
