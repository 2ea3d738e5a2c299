"""Makes our side of the sandbox's world in a database, and the file of secrets that goes with it.

Made twice it changes nothing: yesterday's world is found again, with the same programs and secrets.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from domain.statuses import CalendarKind
from domain.store import administration, bank_changes, carrier_changes, mandates
from domain.store.administration import Account, Bank, Carrier, Party, Site
from kessai import world_data as world
from kessai.credentials import Client, Credentials, write_private


@dataclass(frozen=True, slots=True)
class Sftp:
    """Where the sandbox's SFTP server is, and with which key each bank's user signs in."""

    host: str
    port: int
    known_host: str
    key_files: Mapping[str, str]  # bank code -> file


def carrier_secret(path: Path) -> str:
    """The secret we share with the sandbox carrier (Standard Webhooks); made once and kept."""
    if not path.exists():
        write_private(path, "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode())
    return path.read_text(encoding="utf-8").strip()


async def make_world(
    *, banks_root: Path, carriers_root: Path, sandbox_url: str, secret: str, now: datetime, machine_now: datetime, sftp: Sftp | None = None
) -> None:
    """Makes or completes banks, carriers, sites, accounts, consents, parties and firms in the opened database."""
    known_banks = {row["bank_code"] for row in await administration.list_banks()}
    for bank in world.BANKS:
        wanted = _bank(bank, banks_root, sftp)
        if bank.code not in known_banks:
            await administration.create_bank(wanted)
            continue
        # What a person has set since stays; only the place of the sandbox's server may be another one today.
        where = {"connector": wanted.connector} | {f"address.{part}": value for part, value in wanted.address.items()}
        await bank_changes.change_bank(bank.code, where, now=now, machine_now=machine_now)
    await _carriers(carriers_root, sandbox_url, secret, now)
    for site_id, home in world.SITES.items():
        await administration.create_site(
            Site(site_id, home, world.SITE_NAMES[site_id], world.CARRIER_ID, calendar=int(CalendarKind.EVERY_DAY))
        )
        for place, bank in enumerate(world.BANKS):
            await administration.create_account(
                Account(
                    site_id,
                    bank.code,
                    bank.branch,
                    1,
                    world.site_account(site_id, place),
                    world.SITE_HOLDER[site_id],
                    world.consignor_code(site_id),
                    collecting=True,
                    main=bank.main,
                ),
                machine_now=machine_now,
            )
        consents = [
            mandates.Consent(firm.bank_code, firm.branch, 1, firm.number, f"sandbox/{firm.code}") for firm in world.FIRMS if firm.buys
        ]
        await mandates.add_mandates(site_id, consents, now=now, machine_now=machine_now)
    for firm in world.FIRMS:
        known = await administration.firms_named(firm.name)
        firm_id = known[0] if known else await administration.create_firm(firm.name, now=now, machine_now=machine_now)
        for site_id in world.SITES:
            await administration.create_party(Party(site_id, firm.code, firm.name, firm.address), machine_now=machine_now)
            await administration.claim_party(firm_id, site_id, firm.code)


async def _carriers(root: Path, sandbox_url: str, secret: str, now: datetime) -> None:
    """One that is called, and one that is given files, which nobody uses yet."""
    every_day = int(CalendarKind.EVERY_DAY)
    called = Carrier(world.CARRIER_ID, world.CARRIER_NAME, f"{sandbox_url}/carriers/{world.CARRIER_ID}", secret, calendar=every_day)
    files = Carrier(
        world.CSV_CARRIER_ID,
        world.CSV_CARRIER_NAME,
        calendar=every_day,
        connector="directory",
        address={"path": str(root / world.CSV_CARRIER_ID)},
    )
    known = {row["carrier_id"]: row for row in await administration.list_carriers()}
    for wanted, where in ((called, {"url": called.url, "secret": called.secret}), (files, files.address)):
        row = known.get(wanted.carrier_id)
        if row is None:
            await administration.create_carrier(wanted)
        elif row["connector"] == wanted.connector:
            # What a person has set since stays, another way to it too; only the sandbox's place may be another one today.
            await carrier_changes.change_carrier(wanted.carrier_id, {f"address.{part}": value for part, value in where.items()}, now=now)


def _bank(bank: world.BankOfTheWorld, banks_root: Path, sftp: Sftp | None) -> Bank:
    address: dict[str, Any] = {"path": str(banks_root / bank.code)}
    if sftp is not None:
        address = {
            "host": sftp.host,
            "port": sftp.port,
            "user": bank.code,
            "key_file": sftp.key_files[bank.code],
            "known_host": sftp.known_host,
        }
    return Bank(
        bank.code,
        bank.name,
        bank.kana,
        "directory" if sftp is None else "sftp",
        address,
        deduplicates=bank.deduplicates,
        calendar=int(CalendarKind.EVERY_DAY),
        result_time=bank.result_time,
    )


async def make_clients(known: Credentials | None, *, api: str, machine_now: datetime) -> Credentials:
    """A program for each site and each firm: those of the file where they still work, else new ones."""
    sites: dict[str, Client] = {}
    for site_id in world.SITES:
        sites[str(site_id)] = await _client(
            known.sites.get(str(site_id)) if known else None, f"site {site_id}", machine_now, site_id=site_id
        )
    parties: dict[str, Client] = {}
    for firm in world.FIRMS:
        firm_id = (await administration.firms_named(firm.name))[0]
        parties[firm.name] = await _client(
            known.parties.get(firm.name) if known else None, f"{firm.name} own system", machine_now, firm_id=firm_id
        )
    return Credentials(api, sites, parties)


async def _client(
    known: Client | None, name: str, machine_now: datetime, *, site_id: int | None = None, firm_id: int | None = None
) -> Client:
    if known is not None and await administration.client_works(known.client_id, known.client_secret):
        return known
    return Client(*await administration.create_client(name, site_id=site_id, firm_id=firm_id, machine_now=machine_now))
