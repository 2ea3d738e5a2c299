"""Parties and the accounts they were named with: made and updated by their site, a whole call at a time (records section 1)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from domain.accounts import BankAccount
from domain.registration import NormalParty
from domain.store import ids
from domain.store.administration import home_of
from domain.store.connection import Tx, transaction

_COLUMNS = "party_account_id, party_id, bank_code, branch_code, account_type, account_number, holder"
AccountRow = tuple[int, str, str, int, str, str]  # party id, bank, branch, type, number, holder


@dataclass(slots=True)
class Known:
    """What the database has of the parties of one call. `fresh` IDs are handed out to what it lacks."""

    party_ids: dict[str, int] = field(default_factory=dict)  # by code
    account_ids: dict[AccountRow, int] = field(default_factory=dict)
    to_write: list[NormalParty] = field(default_factory=list)  # new, or with another name or address
    missing_accounts: int = 0

    @property
    def needs(self) -> int:
        """How many fresh IDs `write` may use."""
        return len(self.to_write) + self.missing_accounts


def account_row(party_id: int, account: BankAccount) -> AccountRow:
    """The key of a party's account: another holder is another row, since rows are never changed."""
    return (party_id, account.bank_code, account.branch_code, int(account.type), account.number, account.holder)


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a party that its site made known.

    Attributes:
        made: There was none with this code.
        changed: Its name, postal code or address was another one.
        new_account: It had not been named with this account.
        claimed: A firm holds it.
    """

    made: bool
    changed: bool
    new_account: bool
    claimed: bool


async def keep(site_id: int, party: NormalParty, *, machine_now: datetime) -> Kept:
    """Makes a site's party, or changes it; contracts that are registered keep what they said. One transaction; safe to repeat.

    Raises `NotThere` for a site that is not there.
    """
    async with transaction() as tx:
        home = await home_of(tx, site_id)
    fresh = await ids.take(home, 2, machine_now)
    accounts = [(party.code, party.account)]
    async with transaction() as tx:
        known = await look_up(tx, home, site_id, {party.code: party}, accounts)
        before = party.code in known.party_ids
        changed, new_account = bool(known.to_write), not known.account_ids
        await write(tx, home, site_id, known, accounts, fresh)
        claimed = await tx.value(
            "select firm_id is not null from party where home = $1 and party_id = $2", home, known.party_ids[party.code]
        )
    return Kept(not before, before and changed, new_account, claimed)


async def look_up(
    tx: Tx, home: int, site_id: int, parties: Mapping[str, NormalParty], accounts: Collection[tuple[str, BankAccount]]
) -> Known:
    """Finds parties by code, and which of the accounts (with their party's code) are there."""
    known = Known()
    rows = await tx.rows(
        "select party_id, code, name, postal_code, address from party where home = $1 and site_id = $2 and code = any($3::text[])",
        home,
        site_id,
        list(parties),
    )
    same: set[str] = set()
    for row in rows:
        known.party_ids[row["code"]] = row["party_id"]
        party = parties[row["code"]]
        if (row["name"], row["postal_code"], row["address"]) == (party.name, party.postal_code, party.address):
            same.add(row["code"])
    known.to_write = [parties[code] for code in sorted(parties) if code not in same]
    wanted = [account_row(known.party_ids[code], account) for code, account in accounts if code in known.party_ids]
    known.account_ids = await _find_accounts(tx, home, wanted)
    known.missing_accounts = len(accounts) - len(known.account_ids)
    return known


async def write(tx: Tx, home: int, site_id: int, known: Known, accounts: Iterable[tuple[str, BankAccount]], fresh: Iterable[int]) -> None:
    """Makes and updates parties, makes accounts; afterwards `known` has all of them.

    In order of code and number, so that calls which share parties wait for each other instead of locking each other out.
    """
    supply = iter(fresh)
    if known.to_write:
        rows = await tx.rows(
            "insert into party(home, site_id, party_id, code, name, postal_code, address) "
            "select $1, $2, x.* from unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[]) x "
            "on conflict (home, site_id, code) do update set name = excluded.name, postal_code = excluded.postal_code, "
            "address = excluded.address returning code, party_id",
            home,
            site_id,
            [next(supply) for _ in known.to_write],
            [party.code for party in known.to_write],
            [party.name for party in known.to_write],
            [party.postal_code for party in known.to_write],
            [party.address for party in known.to_write],
        )
        known.party_ids.update((row["code"], row["party_id"]) for row in rows)
    rows_of_accounts = {account_row(known.party_ids[code], account) for code, account in accounts}
    missing = sorted(rows_of_accounts - known.account_ids.keys())
    if not missing:
        return
    columns = list(zip(*missing, strict=True))
    made = await tx.rows(
        f"insert into party_account(home, {_COLUMNS}) select $1, x.* from unnest($2::bigint[], $3::bigint[], $4::text[], "
        f"$5::text[], $6::smallint[], $7::text[], $8::text[]) x on conflict do nothing returning {_COLUMNS}",
        home,
        [next(supply) for _ in missing],
        *columns,
    )
    known.account_ids.update((tuple(row.values())[1:], row["party_account_id"]) for row in made)
    if len(made) < len(missing):  # another call has made them meanwhile
        known.account_ids.update(await _find_accounts(tx, home, missing))


async def _find_accounts(tx: Tx, home: int, wanted: Sequence[AccountRow]) -> dict[AccountRow, int]:
    if not wanted:
        return {}
    rows = await tx.rows(
        "select a.party_account_id, a.party_id, a.bank_code, a.branch_code, a.account_type, a.account_number, a.holder "
        "from unnest($2::bigint[], $3::text[], $4::text[], $5::smallint[], $6::text[], $7::text[]) "
        "x(party_id, bank_code, branch_code, account_type, account_number, holder) "
        "cross join lateral (select * from party_account a where a.home = $1 and a.party_id = x.party_id and a.bank_code = x.bank_code::char(4) "
        "and a.branch_code = x.branch_code::char(3) and a.account_type = x.account_type "
        "and a.account_number = x.account_number::char(7) and a.holder = x.holder limit 1) a",
        home,
        *zip(*wanted, strict=True),
    )
    return {tuple(row.values())[1:]: row["party_account_id"] for row in rows}
