"""The steps that messages name, one actor each.

An actor reads the clocks, calls its step, and never raises: what failed stands in PostgreSQL. `declare()` makes them for a
broker; importing this module connects nothing.
"""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import dramatiq
from structlog import get_logger
from structlog.contextvars import bound_contextvars

from domain.store import clock, inbox, overdue, sending, stops, sums
from domain.store.connection import reading
from domain.store.faults import AWAY, TRY_AGAIN
from workers import applying, fetching, sealing, stopping
from workers import hooks as outgoing_hooks
from workers import reading as replies
from workers import sending as outgoing
from workers.services import Services
from workers.working import LeaseLost


@dataclass(frozen=True, slots=True)
class Job:
    """One message being worked on: its IDs, both clocks read once, and a holder for leases that no other delivery shares."""

    ids: dict[str, Any]
    now: datetime  # business
    machine_now: datetime
    holder: str
    services: Services


Step = Callable[[Job], Awaitable[Any]]


async def _seal_batch(job: Job) -> None:
    await sealing.seal_batch(**job.ids, now=job.now, machine_now=job.machine_now, spool=job.services.spool)


async def _send_batch(job: Job) -> None:
    await outgoing.send_batch(**job.ids, now=job.now, machine_now=job.machine_now, services=job.services, holder=job.holder)


async def _stop_shipment(job: Job) -> None:
    await stopping.stop_shipment(**job.ids, now=job.now, machine_now=job.machine_now, services=job.services, holder=job.holder)


async def _fetch_bank(job: Job) -> None:
    await fetching.fetch_bank(**job.ids, now=job.now, machine_now=job.machine_now, services=job.services, holder=job.holder)


async def _fetch_carrier(job: Job) -> None:
    await fetching.fetch_carrier(**job.ids, services=job.services, holder=job.holder, now=job.now, machine_now=job.machine_now)


async def _read_reply(job: Job) -> None:
    await replies.read_reply(**job.ids, now=job.now, machine_now=job.machine_now)


async def _apply_reply(job: Job) -> None:
    await applying.apply_reply(**job.ids, now=job.now, machine_now=job.machine_now)


async def _carry_fact(job: Job) -> None:
    await applying.carry_fact(**job.ids, now=job.now, machine_now=job.machine_now)


async def _look_through(job: Job) -> None:
    await outgoing_hooks.look_through(**job.ids)


async def _render_hook(job: Job) -> None:
    if job.services.outward is not None:
        await outgoing_hooks.render_hook(**job.ids, outward=job.services.outward, holder=job.holder)


async def _deliver_hooks(job: Job) -> None:
    if job.services.outward is not None:
        job.services.outward.poke()


async def _tidy_hooks(job: Job) -> None:
    await outgoing_hooks.tidy(holder=job.holder, machine_now=job.machine_now)


async def _mark_overdue(job: Job) -> None:
    await overdue.mark_overdue(**job.ids, now=job.now, machine_now=job.machine_now)


async def _fold_sums(job: Job) -> None:
    while await sums.fold(**job.ids, machine_now=job.machine_now):
        pass


# Actor -> (the queue it is usually sent to, its step). A message may come over another queue: carriers' notices are read from `notices`.
ACTORS: dict[str, tuple[str, Step]] = {
    "seal_batch": ("runs", _seal_batch),
    "mark_overdue": ("runs", _mark_overdue),
    "send_batch": ("banks", _send_batch),
    "stop_shipment": ("carriers", _stop_shipment),
    "fetch_bank": ("banks", _fetch_bank),
    "fetch_carrier": ("carriers", _fetch_carrier),
    "read_reply": ("replies", _read_reply),
    "apply_reply": ("replies", _apply_reply),
    "carry_fact": ("replies", _carry_fact),
    "fold_sums": ("runs", _fold_sums),
    "look_through": ("hooks", _look_through),
    "render_hook": ("hooks", _render_hook),
    "deliver_hooks": ("hooks", _deliver_hooks),
    "tidy_hooks": ("hooks", _tidy_hooks),
}


def declare(broker: dramatiq.Broker, services: Services) -> None:
    """Makes an actor of each step, on this broker, with these services."""
    for name, (queue, step) in ACTORS.items():
        dramatiq.actor(broker=broker, actor_name=name, queue_name=queue)(_guarded(name, step, services))


def _guarded(name: str, step: Step, services: Services) -> Callable[..., Awaitable[None]]:
    async def run(**ids: Any) -> None:
        machine_now = services.machine_clock()
        with bound_contextvars(actor=name, **{key.removesuffix("_id"): value for key, value in ids.items()}):
            try:
                async with reading() as tx:
                    now = await clock.business_now(tx, machine_now)
                # A message can be delivered twice; each delivery is another holder.
                await step(Job(ids, now, machine_now, f"{services.holder}/{uuid.uuid4().hex[:12]}", services))
            except LeaseLost as lost:
                get_logger().warning("lease_lost", reason=str(lost))
            except AWAY as error:
                get_logger().warning("database_away", reason=f"{type(error).__name__}: {error}")
            except TRY_AGAIN as error:
                get_logger().info("overtaken", reason=type(error).__name__)
            except Exception as error:  # noqa: BLE001 - the last one who can say what went wrong; the work is found again
                get_logger().exception("step_failed")
                await _rest(ids, type(error).__name__, services)

    return run


async def _rest(ids: dict[str, Any], problem: str, services: Services) -> None:
    """Lets what made a step fail unexpectedly rest a while, twice as long each time: it must not keep the others from work."""
    machine_now = services.machine_clock()
    try:
        async with reading() as tx:
            now = await clock.business_now(tx, machine_now)
        if "reply_id" in ids:
            await inbox.put_off(ids["reply_id"], f"STEP_FAILED: {problem}", now, machine_now)
        elif ids.keys() == {"home", "batch_id"}:
            await sending.put_off_batch(ids["home"], ids["batch_id"], f"STEP_FAILED: {problem}", now, machine_now)
        elif ids.keys() == {"home", "contract_id"}:
            await stops.put_off(ids["home"], ids["contract_id"], f"STEP_FAILED: {problem}", machine_now)
    except AWAY as error:
        get_logger().warning("database_away", reason=f"{type(error).__name__}: {error}")
