"""Asking a carrier to stop a shipment (配送中止依頼): asked until it answers, which may be done any number of times."""

from datetime import datetime
from typing import cast

from structlog import get_logger

from domain.statuses import StopAnswer
from domain.store import stops
from workers.channels.carrier import CarrierChannel
from workers.channels.errors import ChannelError, Unavailable
from workers.services import Services


async def stop_shipment(home: int, contract_id: int, *, services: Services, holder: str, now: datetime, machine_now: datetime) -> None:
    """Asks for one stored request. Does nothing if it is answered, rests, or another worker has it.

    Args:
        home: The contract's home.
        contract_id: The contract.
        services: Channels.
        holder: Unique to this piece of work.
        now: Business time, read once; when the answer came.
        machine_now: Machine time at the start, for lease and back-off.
    """
    request = await stops.take(home, contract_id, holder, machine_now)
    if request is None:
        return
    log = get_logger().bind(carrier=request.to.carrier_id, contract=contract_id)
    if request.to.takes_files:
        await stops.answered(request, StopAnswer.NOT_OFFERED, now)
        log.info("stop_answered", answer=StopAnswer.NOT_OFFERED.name)
        return
    try:
        async with services.carriers(request.to) as carrier:
            answer = await cast("CarrierChannel", carrier).stop(request.shipment_id, request.reason)
    except ChannelError as error:
        log.warning("stop_put_off", reason=str(error))
        wait = error.retry_after if isinstance(error, Unavailable) and error.retry_after is not None else 0
        await stops.put_off(home, contract_id, str(error), machine_now, at_least_seconds=wait)
        return
    await stops.answered(request, answer, now)
    log.info("stop_answered", answer=answer.name)
