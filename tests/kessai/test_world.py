"""The sandbox's world on our side: made twice it is the same world, with the same secrets, and strangers know the same codes."""

import json
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from api.passwords import HASHER
from domain.store import people
from domain.store.carrier_changes import change_carrier
from domain.store.connection import reading
from kessai import world, world_data
from kessai.credentials import Client, Credentials, Login
from kessai.world_people import with_people
from sandbox.scenario import scenario

SECRET = "whsec_" + "QUJD" * 12
MACHINE = datetime(2026, 11, 22, 12, tzinfo=UTC)
TABLES = ("bank", "carrier", "site", "account", "mandate", "party", "firm")


async def make(root: Path, secret: str = SECRET) -> None:
    await world.make_world(
        banks_root=root,
        carriers_root=root,
        sandbox_url="http://127.0.0.1:1",
        secret=secret,
        now=world_data.START,
        machine_now=MACHINE,
    )


async def rows() -> dict[str, list[Any]]:
    async with reading() as tx:
        return {table: sorted(repr(dict(row)) for row in await tx.rows(f"select * from {table}")) for table in TABLES}


async def test_a_world_made_twice_is_the_same(store: None, tmp_path: Path):
    await make(tmp_path)
    first = await rows()
    assert {table: len(found) for table, found in first.items()} == {
        "bank": 4, "carrier": 2, "site": 2, "account": 8, "mandate": 8, "party": 16, "firm": 8,
    }  # fmt: skip
    await make(tmp_path)
    assert await rows() == first


async def test_what_a_person_has_set_about_a_carrier_stays(store: None, tmp_path: Path):
    """A new secret of the sandbox's goes in; another way to a carrier is left alone."""
    await make(tmp_path)
    called, files = world_data.CARRIER_ID, world_data.CSV_CARRIER_ID
    await change_carrier(called, {"ship_days": 2}, now=world_data.START)
    other = {"connector": "http", "address.url": "http://127.0.0.1:2", "address.secret": SECRET}
    await change_carrier(files, {"word.配達済": "delivered"} | other, now=world_data.START)
    await make(tmp_path, "whsec_" + "QUFB" * 12)
    async with reading() as tx:
        found = {row["carrier_id"]: row for row in await tx.rows("select * from carrier")}
    assert (found[called]["ship_days"], found[called]["secret"]) == (2, "whsec_" + "QUFB" * 12)
    assert (found[files]["url"], json.loads(found[files]["status_words"])) == ("http://127.0.0.1:2", {"配達済": "delivered"})


async def test_programs_stay_while_they_work(store: None, tmp_path: Path):
    await make(tmp_path)
    made = await world.make_clients(None, api="http://127.0.0.1:8000", machine_now=MACHINE)
    assert set(made.sites) == {"130", "320"}
    assert set(made.parties) == {f"{letter}社" for letter in "ABCDEFGH"}
    assert await world.make_clients(made, api="http://127.0.0.1:8000", machine_now=MACHINE) == made
    lost = Credentials(made.api, made.sites, {**made.parties, "B社": Client("firm-0", "wrong")})
    again = await world.make_clients(lost, api=made.api, machine_now=MACHINE)
    assert again.sites == made.sites
    assert again.parties["B社"] != lost.parties["B社"]


async def test_people_have_the_well_known_password_on_loopback_only(store: None, tmp_path: Path):
    await make(tmp_path)
    programs = await world.make_clients(None, api="http://127.0.0.1:8000", machine_now=MACHINE)
    made = await with_people(programs, None, loopback=True, machine_now=MACHINE)
    assert made.people["B社"] == Login("b-sha", "kessai-demo")
    assert [login.username for login in made.operators] == ["operator"]
    made.write(tmp_path / "sandbox.json")
    assert Credentials.read(tmp_path / "sandbox.json") == made
    assert "kessai-demo" not in repr(made)
    assert await with_people(programs, made, loopback=True, machine_now=MACHINE) == made
    seen = await with_people(programs, made, loopback=False, machine_now=MACHINE)
    assert seen.frontend == made.frontend
    async with reading() as tx:
        for login in (*seen.people.values(), *seen.operators):
            person = await people.by_name(tx, login.username)
            assert person is not None
            assert login.password != "kessai-demo"
            assert HASHER.verify(str(person.password_hash), login.password)
    assert await with_people(programs, seen, loopback=False, machine_now=MACHINE) == seen


def test_the_file_of_secrets_is_its_owners_alone(tmp_path: Path):
    path = tmp_path / "sandbox.json"
    path.write_text("{}")
    path.chmod(0o644)
    credentials = Credentials("http://127.0.0.1:8000", {"130": Client("a", "s")}, {"B社": Client("b", "t")}, "http://127.0.0.1:9/clock")
    credentials.write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Credentials.read(path) == credentials
    assert json.loads(path.read_text(encoding="utf-8"))["sites"]["130"] == {"client_id": "a", "client_secret": "s"}
    assert "'s'" not in repr(credentials)
    assert Credentials.read(tmp_path / "none") is None
    path.write_text('{"api": 1}')
    assert Credentials.read(path) is None


def test_the_carriers_secret_is_made_once(tmp_path: Path):
    made = world.carrier_secret(tmp_path / "secret")
    assert made.startswith("whsec_")
    assert world.carrier_secret(tmp_path / "secret") == made
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_both_sides_know_the_same_codes():
    """What banks and server would have agreed upon in reality stands on both sides, written twice."""
    strangers = {bank["code"]: bank for bank in scenario()["banks"]}
    assert [(bank.code, bank.name, bank.kana) for bank in world_data.BANKS] == [
        (bank["code"], bank["name"], bank["kana"]) for bank in strangers.values()
    ]
    for place, bank in enumerate(world_data.BANKS):
        theirs = strangers[bank.code]
        assert bank.deduplicates == (theirs["kind"] == "deduplicating")
        assert {(entry["code"], entry["branch"], entry["number"]) for entry in theirs["consignors"]} == {
            (world_data.consignor_code(site), bank.branch, world_data.site_account(site, place)) for site in world_data.SITES
        }
        accounts = {(entry["branch"], entry["number"], entry["holder"]) for entry in theirs["accounts"]}
        assert {(firm.branch, firm.number, firm.kana) for firm in world_data.FIRMS if firm.bank_code == bank.code} <= accounts
        assert {(entry["consignor"], entry["number"]) for entry in theirs["mandates"]} == {
            (world_data.consignor_code(site), firm.number)
            for site in world_data.SITES
            for firm in world_data.FIRMS
            if firm.bank_code == bank.code and firm.buys
        }
    carriers = {carrier["id"]: carrier for carrier in scenario()["carriers"]}
    assert list(carriers) == [world_data.CARRIER_ID, world_data.CSV_CARRIER_ID]
    assert (carriers[world_data.CSV_CARRIER_ID]["format"], "secrets" in carriers[world_data.CSV_CARRIER_ID]) == ("csv", False)
