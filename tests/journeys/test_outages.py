"""Lines to a bank that break at every file of a contract: in the end each file is there once, and the list of exceptions is clear again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from domain.statuses import BatchStatus
from tests.journeys.checks import sound
from tests.journeys.town import Over, Town, contract, town


async def _open(here: Town) -> list[str]:
    return [row["code"] for row in await here.rows("select code from exception where closed_at is null order by exception_id")]


async def _held_up(here: Town) -> list[str]:
    rows = await here.rows("select status, tries, problem from batch where problem is not null order by batch_id")
    return [f"{BatchStatus(row['status']).name} {row['tries']} {row['problem'].partition(': ')[2]}" for row in rows]


async def test_every_file_after_a_broken_line(store: None, tmp_path: Path) -> None:
    """Login refused, then an upload cut half-way, at the debit; another host key at the payout (S04, I09)."""
    async with town(tmp_path, over=Over("sftp")) as here:
        here.services = replace(here.services, machine_clock=lambda: here.machine)  # the pauses end when the test says so
        await here.register(130, contract("L1", buyer=await here.buyer("9110001"), terms={"release": "UNCONDITIONAL"}))
        await here.walk("09-20 10:59")
        await here.rule("9992", {"sftp_refuse_login": True}, times=1)
        await here.rule("9992", {"sftp_cut_after": 200})
        await here.walk("09-20 11:00")
        assert (await _held_up(here), await _open(here)) == (["SEALED 1 does not let us in"], ["LOGIN_REFUSED"])
        await here.later(30)
        (held,) = await _held_up(here)
        assert held.startswith("SENDING 2 upload: ")
        assert here.sandbox.drops["9992"].inbox.joinpath("91_0000000130_20000924_001.txt.tmp").stat().st_size == 200
        await here.http.delete("/banks/9992/rules")
        await here.later(30)
        assert (await _held_up(here), await _open(here)) == ([], [])
        await here.walk("09-27 10:59")
        await here.rule("9991", {"sftp_changed_host_key": True})
        await here.walk("09-27 11:00")
        assert (await _held_up(here), await _open(here)) == (
            ["SEALED 1 shows another host key than the one agreed on"],
            ["HOST_KEY_CHANGED"],
        )
        await here.http.delete("/banks/9991/rules")
        await here.later(30)
        assert (await _held_up(here), await _open(here)) == ([], [])
        await here.walk("10-02 12:00")
        assert await here.stands("130/L1") == "DEBITED SHIPPED PAID"
        assert await here.files() == {"DEBIT": 1, "SWEEP": 1, "PAYOUT": 1, "DELIVERY": 1}
        assert await here.exceptions() == ["LOGIN_REFUSED", "HOST_KEY_CHANGED"]
        await sound(here)
