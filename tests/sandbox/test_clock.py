"""The clock, the order of things, and a second start."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.instants import write_instant
from tests.sandbox.conftest import Maker
from tests.sandbox.worlds import Sandbox, at, configuration, debit_file, debit_name, result_codes, statement_name

NAME = debit_name("09-24")
CONTENT = debit_file("09-24", [("9000008", 12_000)])


async def test_status_of_a_new_world(sandbox: Sandbox):
    assert (await sandbox.http.get("/status")).json() == {
        "now": "2000-09-20T09:00:00+09:00",
        "ticking": False,
        "next": None,
        "idle": True,
        "published": {"9990": 0, "9991": 0},
        "hooks_undelivered": 0,
        "failed_actions": [],
    }


async def test_the_clock_never_goes_back(sandbox: Sandbox):
    await sandbox.clock("09-21 00:00")
    answer = await sandbox.http.post("/clock", json={"now": "2000-09-20T23:59:59+09:00"})
    assert (answer.status_code, answer.json()["code"]) == (409, "CLOCK_BACKWARDS")
    assert (await sandbox.clock("09-21 00:00"))["now"] == "2000-09-21T00:00:00+09:00"


@pytest.mark.parametrize("body", [b"x", b"[]", b'{"now": "tomorrow"}', b'{"now": "2000-09-21T00:00:00"}', b'{"ticking": 1}'])
async def test_a_clock_that_cannot_be_set(sandbox: Sandbox, body: bytes):
    assert (await sandbox.http.post("/clock", content=body)).status_code == 422


async def test_it_stands_or_ticks_with_the_machine(sandbox: Sandbox):
    sandbox.machine.seconds += 3600
    assert (await sandbox.settle())["now"] == "2000-09-20T09:00:00+09:00"
    await sandbox.http.post("/clock", json={"ticking": True})
    sandbox.machine.seconds += 90
    status = (await sandbox.http.get("/status")).json()
    assert (status["now"], status["ticking"]) == ("2000-09-20T09:01:30+09:00", True)
    # Two clocks never tick as one: a little behind is now, more is backwards.
    near = await sandbox.http.post("/clock", json={"now": "2000-09-20T09:01:29+09:00", "ticking": True})
    assert near.json()["now"] == "2000-09-20T09:01:30+09:00"
    assert (await sandbox.http.post("/clock", json={"now": "2000-09-20T09:01:20+09:00"})).status_code == 409
    sandbox.machine.seconds -= 500  # the machine's clock is set back: ours waits
    assert (await sandbox.http.get("/status")).json()["now"] == "2000-09-20T09:01:30+09:00"


async def test_it_acts_by_itself_while_it_ticks(sandbox: Sandbox):
    await sandbox.send("9991", NAME, CONTENT)
    await sandbox.clock("09-24 14:59")
    await sandbox.http.post("/clock", json={"ticking": True})
    await sandbox.world.look()
    assert "9130001" not in await sandbox.balances("9991")
    sandbox.machine.seconds += 61
    await sandbox.world.look()
    assert (await sandbox.balances("9991"))["9130001"] == 12_000


async def test_each_thing_happens_at_its_own_instant(sandbox: Sandbox):
    """One long step is the same as many short ones."""
    await sandbox.send("9991", NAME, CONTENT)
    await sandbox.clock("12-01 00:00")
    assert (await sandbox.book("9991", "10119130001"))[0][0] == "2000-09-24"
    made_on = sandbox.read("9991", statement_name("9991", "10119130001", "09-24"))[4:10]
    assert made_on == b"120925"


async def test_banks_then_carriers_then_sites(make_sandbox: Maker):
    """At one instant a site registers after the result is out and the notice is told."""
    seen: list[Any] = []

    config = configuration()
    config["sites"][0]["agenda"] = [{"at": "2000-09-25T10:00:00+09:00", "contracts": [{"number": "1"}]}]
    config["carriers"][0]["ships_at"] = "10:00"
    config["carriers"][0]["ship_days"] = 0
    sandbox = await make_sandbox(config)

    def results(contract: dict[str, Any]) -> dict[str, Any]:
        seen.extend([f"{NAME}.result.txt" in sandbox.out("9991"), len(sandbox.api.hooks), contract["number"]])
        return {"__typename": "ContractRegistered", "alreadyRegistered": False}

    sandbox.api.results = results
    await sandbox.send("9991", NAME, CONTENT)
    await sandbox.clock("09-25 09:00")
    from tests.sandbox.test_carrier import batch, post, shipment

    await post(sandbox, batch(shipment(1)))
    await sandbox.clock("09-25 10:00")
    assert seen == [True, 1, "1"]


async def test_a_second_start_finds_yesterday(make_sandbox: Maker):
    config = configuration()
    config["sites"][0]["agenda"] = [{"at": "2000-09-21T10:00:00+09:00", "contracts": [{"number": "1"}]}]
    first = await make_sandbox(config)
    await first.send("9991", NAME, CONTENT)
    await first.rule("9991", {"code": "3"})
    await first.clock("09-22 10:00")
    assert len(first.api.registrations) == 1
    await first.close()

    second = await make_sandbox(config)
    status = (await second.http.get("/status")).json()
    assert (status["now"], status["next"]) == ("2000-09-22T10:00:00+09:00", "2000-09-24T15:00:00+09:00")
    assert status["published"] == {"9990": 0, "9991": 1}
    assert await second.balances("9991") == {"9000002": 10_000, "9000008": 500_000}  # nobody is given his money twice
    await second.clock("09-25 10:00")
    assert result_codes(second.read("9991", f"{NAME}.result.txt")) == "3"
    assert second.api.registrations == []


async def test_new_accounts_of_the_configuration_are_opened_at_a_later_start(make_sandbox: Maker):
    await (await make_sandbox()).close()
    config = configuration()
    config["banks"][0]["accounts"].append({"branch": "001", "type": "1", "number": "9000055", "holder": "ｱﾗﾀ", "balance": 7})
    assert (await (await make_sandbox(config)).balances("9990"))["9000055"] == 7


async def test_a_ticking_clock_goes_on_from_where_it_was_kept(make_sandbox: Maker):
    first = await make_sandbox()
    await first.http.post("/clock", json={"ticking": True})
    first.machine.seconds += 60
    await first.close()
    second = await make_sandbox()
    second.machine.seconds += 5
    status = (await second.http.get("/status")).json()
    assert (status["now"], status["ticking"]) == ("2000-09-20T09:01:05+09:00", True)


async def test_a_file_taken_before_a_crash_is_answered_after_it(make_sandbox: Maker):
    first = await make_sandbox()
    work = first.directory / "banks" / "9991" / "work"
    await first.close()
    (work / f"{'0' * 32}~{NAME}").write_bytes(CONTENT)
    second = await make_sandbox()
    assert second.receipt("9991", NAME)["status"] == "accepted"
    assert list(work.iterdir()) == []


async def test_a_crash_between_the_books_and_the_directories(make_sandbox: Maker):
    """The books have the file; its move and its receipt were still to be done. Nothing is answered twice."""
    first = await make_sandbox()
    await first.send("9991", NAME, CONTENT)
    db, root = first.world._store.db, first.directory / "banks" / "9991"
    token = db.execute("SELECT token FROM takings").fetchone()[0]
    publication = db.execute("SELECT id FROM publications").fetchone()[0]
    (root / "taken" / NAME).rename(root / "work" / token)
    (root / "out" / f"{NAME}.receipt.json").rename(root / "work" / f"out-{publication}")
    db.execute("UPDATE publications SET published = 0")
    await first.close()
    second = await make_sandbox()
    assert second.receipt("9991", NAME)["status"] == "accepted"
    assert second.out("9991") == [f"{NAME}.receipt.json"]
    await second.clock("09-25 10:00")
    assert (await second.balances("9991"))["9130001"] == 12_000


async def test_what_breaks_is_told_and_not_tried_for_ever(sandbox: Sandbox):
    await sandbox.send("9991", NAME, CONTENT)
    (sandbox.directory / "banks" / "9991" / "taken" / NAME).unlink()
    status = await sandbox.clock("09-25 10:00")
    assert status["idle"]
    assert status["failed_actions"] == [{"at": "2000-09-24T15:00:00+09:00", "kind": "execute", "problem": "FileNotFoundError"}]


def test_instants_are_written_in_japan_time():
    assert write_instant(at("09-20 09:00")) == "2000-09-20T09:00:00+09:00"
    assert write_instant(at("09-20 09:00") + timedelta(microseconds=5)) == "2000-09-20T09:00:00.000005+09:00"


async def test_nobody_else_may_read_the_directory(make_sandbox: Maker, tmp_path: Path):
    await make_sandbox(name="private")
    assert (tmp_path / "private").stat().st_mode & 0o077 == 0
