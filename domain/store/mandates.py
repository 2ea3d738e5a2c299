"""Mandates: a buyer's consent to be debited (預金口座振替依頼書), per buyer account and consignor [0018].

A contract is registered only when there is an ACTIVE one, and the check is made again when the debit file is filled;
it is what keeps
a site from debiting strangers. `evidence` says where the signed paper is.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from domain.statuses import Kind
from domain.store import ids, queueing
from domain.store.administration import NotThere, Refused, home_of
from domain.store.connection import Tx, reading, transaction
from domain.store.queueing import Numbers

ACTIVE: Final = 1
STOPPED: Final = 2
MAX_AMOUNT: Final = 9_999_999_999  # ten digits of a debit record
COLUMNS: Final = ("bank_code", "branch_code", "account_type", "account_number", "evidence", "limit", "seller_code")
TYPES: Final = {"1": 1, "2": 2, "ordinary": 1, "current": 2, "普通": 1, "当座": 2}


@dataclass(frozen=True, slots=True)
class Consent:
    """One consent as people bring it."""

    bank_code: str
    branch_code: str
    account_type: int
    account_number: str = field(repr=False)
    evidence: str
    limit: int | None = None  # yen for one debit, buyer-side fee included
    seller_code: str | None = None  # to a seller's own consignor code (direct mode); none = to the site's at this bank


@dataclass(frozen=True, slots=True)
class LineRefusal:
    """A line that was not taken: its number in the input (from 1), the field, and why."""

    line: int
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a set of consents."""

    added: int
    unchanged: int
    refused: tuple[LineRefusal, ...]


def read_csv(text: str) -> tuple[list[tuple[int, Consent]], list[LineRefusal]]:
    """Consents out of a CSV with a heading line (names as in `COLUMNS`, the last two may be missing), each with its
    line number.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    heading = [name.strip() for name in reader.fieldnames or ()]
    if missing := [name for name in COLUMNS[:5] if name not in heading]:
        raise Refused("CSV_HEADING", f"the first line must name the columns; missing: {', '.join(missing)}")
    if unknown := [name for name in heading if name not in COLUMNS]:
        raise Refused("CSV_HEADING", f"no such column: {', '.join(unknown)}. There are {', '.join(COLUMNS)}")
    reader.fieldnames = heading
    good: list[tuple[int, Consent]] = []
    refused: list[LineRefusal] = []
    for row in reader:
        line = reader.line_num
        values = {name: (row.get(name) or "").strip() for name in COLUMNS}
        if not any(values.values()):
            continue
        if row.get(None):  # what stands after the last column has the key None
            refused.append(LineRefusal(line, "", f"more than {len(heading)} columns"))
            continue
        kind = TYPES.get(values["account_type"].lower())
        limit = values["limit"].replace(",", "")
        if kind is None:
            refused.append(LineRefusal(line, "account_type", "1 (ordinary) or 2 (current): nothing else can be debited"))
        elif limit and not (limit.isascii() and limit.isdecimal()):
            refused.append(LineRefusal(line, "limit", "yen as digits, or empty"))
        else:
            good.append(
                (
                    line,
                    Consent(
                        values["bank_code"],
                        values["branch_code"],
                        kind,
                        values["account_number"],
                        values["evidence"],
                        int(limit) if limit else None,
                        values["seller_code"] or None,
                    ),
                )
            )
    return good, refused


async def add_mandates(
    site_id: int, consents: Sequence[Consent] | Iterable[tuple[int, Consent]], *, now: datetime, machine_now: datetime
) -> Taken:
    """Records consents to a site's consignors. The good ones are kept, each bad one says why; a stopped one begins
    anew.

    `consents` may carry the line numbers of a file; else they are counted from 1. Raises `NotThere` for an unknown
    site.
    """
    numbered = [item if isinstance(item, tuple) else (place, item) for place, item in enumerate(consents, 1)]
    async with reading() as tx:
        home = await home_of(tx, site_id)
        ours = await _our_accounts(tx, home, site_id, now)
    refused: list[LineRefusal] = []
    rows: dict[tuple[Any, ...], tuple[Consent, int]] = {}
    for line, consent in numbered:
        wrong = _fault(consent)
        account_id = ours.get((consent.bank_code, consent.seller_code))
        if wrong is None and account_id is None:
            who = (
                f"seller {consent.seller_code} has no consignor account"
                if consent.seller_code
                else f"site {site_id} has no collecting account"
            )
            wrong = ("seller_code" if consent.seller_code else "bank_code", f"{who} at bank {consent.bank_code}")
        if wrong is not None:
            refused.append(LineRefusal(line, *wrong))
        elif account_id is not None:
            rows[account_id, consent.bank_code, consent.branch_code, consent.account_type, consent.account_number] = (
                consent,
                account_id,
            )
    if not rows:
        return Taken(0, 0, tuple(refused))
    numbers = await ids.take(home, len(rows), machine_now)
    values = list(rows.values())
    async with transaction() as tx:
        touched = await tx.run(
            "insert into mandate as m (home, mandate_id, account_id, bank_code, branch_code, account_type, "
            "account_number, status, "
            "limit_amount, evidence, since_at) "
            "select $1, x.mandate_id, x.account_id, x.bank, x.branch, x.type, x.number, $2, x.limit_amount, "
            "x.evidence, $3 "
            "from unnest($4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::smallint[], $9::text[], "
            "$10::bigint[], $11::text[]) "
            "as x(mandate_id, account_id, bank, branch, type, number, limit_amount, evidence) "
            "on conflict (home, account_id, bank_code, branch_code, account_type, account_number) do update set "
            "status = excluded.status, "
            "limit_amount = excluded.limit_amount, evidence = excluded.evidence, since_at = excluded.since_at, "
            "stopped_at = null, "
            "stopped_because = null where (m.status, m.limit_amount, m.evidence) "
            "is distinct from (excluded.status, excluded.limit_amount, excluded.evidence)",
            home,
            ACTIVE,
            now,
            numbers,
            [account_id for _, account_id in values],
            [consent.bank_code for consent, _ in values],
            [consent.branch_code for consent, _ in values],
            [consent.account_type for consent, _ in values],
            [consent.account_number for consent, _ in values],
            [consent.limit for consent, _ in values],
            [consent.evidence for consent, _ in values],
        )
    await _resume(home, now, machine_now)
    return Taken(touched, len(numbered) - len(refused) - touched, tuple(refused))


async def _resume(home: int, now: datetime, machine_now: datetime) -> None:
    """Debits that were parked because their consent was gone go on, now that it is there: with the next file, not before a due date."""
    waiting = (
        "from parked p join contract_state s on s.home = p.home and s.contract_id = p.contract_id "
        "join mandate m on m.home = s.home and m.mandate_id = s.mandate_id and m.status = $3 "
        "and (m.limit_amount is null or s.gross <= m.limit_amount) where p.home = $1 and p.kind = $2 and p.reason = 'NO_MANDATE'"
    )
    async with reading() as tx:
        groups = await tx.value(
            "select count(*) from (select distinct s.collecting_id, c.debit_on "
            + waiting.replace(" where", " join contract c on c.home = s.home and c.contract_id = s.contract_id where")
            + ") g",
            home,
            int(Kind.DEBIT),
            ACTIVE,
        )
    if not groups:
        return
    fresh = await Numbers.take(home, machine_now, int(groups) + 1)
    async with transaction() as tx:
        rows = await tx.rows(
            f"with w as (select p.contract_id, s.site_id, s.collecting_id {waiting} for update of p), "
            "gone as (delete from parked p using w where p.home = $1 and p.contract_id = w.contract_id and p.kind = $2) "
            "select w.*, case when c.due_on is null then null else c.debit_on end as not_before from w "
            "join contract c on c.home = $1 and c.contract_id = w.contract_id order by w.contract_id",
            home,
            int(Kind.DEBIT),
            ACTIVE,
        )
        for not_before in sorted({row["not_before"] for row in rows}, key=lambda day: day or date.min):
            members = [(r["contract_id"], r["site_id"], r["collecting_id"]) for r in rows if r["not_before"] == not_before]
            await queueing.debit_again(tx, home, members, now, fresh, not_before=not_before)
        await tx.run(
            "update exception set closed_at = $3 where home = $1 and code = 'NO_MANDATE' and contract_id = any($2::bigint[]) and closed_at is null",
            home,
            [row["contract_id"] for row in rows],
            now,
        )


def _fault(consent: Consent) -> tuple[str, str] | None:
    for name, width in (("bank_code", 4), ("branch_code", 3), ("account_number", 7)):
        value = getattr(consent, name)
        if len(value) != width or not (value.isascii() and value.isdecimal()):
            return name, f"{width} digits"
    if consent.account_type not in (1, 2):
        return "account_type", "1 (ordinary) or 2 (current): nothing else can be debited"
    if consent.bank_code == "9900":
        return "bank_code", "debits from Japan Post Bank (9900) are not possible yet"
    if consent.limit is not None and not 1 <= consent.limit <= MAX_AMOUNT:
        return "limit", f"1 to {MAX_AMOUNT:,} yen, or empty"
    if not consent.evidence:
        return "evidence", "say where the signed consent is"
    return None


async def _our_accounts(tx: Tx, home: int, site_id: int, now: datetime) -> dict[tuple[str, str | None], int]:
    """Who may debit at each bank: the site's collecting account, and the sellers' own."""
    rows = await tx.rows(
        "select a.account_id, a.bank_code, p.code from account a left join party p on p.home = a.home and "
        "p.party_id = a.party_id "
        "where a.home = $1 and a.site_id = $2 and (a.collecting or a.party_id is not null) "
        "and (a.until_on is null or a.until_on >= ($3::timestamptz at time zone 'Asia/Tokyo')::date)",
        home,
        site_id,
        now,
    )
    return {(row["bank_code"], row["code"]): row["account_id"] for row in rows}


async def stop_mandates(
    site_id: int,
    bank_code: str,
    branch_code: str,
    account_type: int,
    account_number: str,
    *,
    because: str,
    now: datetime,
) -> int:
    """Stops the consents of a buyer's account to a site's consignors; answers how many. Debits that are sealed still
    run.
    """
    async with transaction() as tx:
        home = await home_of(tx, site_id)
        found = await tx.run(
            "update mandate m set status = $7, stopped_at = case when status = $8 then $9 else stopped_at end, "
            "stopped_because = case when status = $8 then $10 else stopped_because end from account a "
            "where m.home = $1 and a.home = m.home and a.account_id = m.account_id and a.site_id = $2 "
            "and m.bank_code = $3 and m.branch_code = $4 and m.account_type = $5 and m.account_number = $6",
            home,
            site_id,
            bank_code,
            branch_code,
            account_type,
            account_number,
            STOPPED,
            ACTIVE,
            now,
            because,
        )
    if not found:
        raise NotThere("mandate", "of this account for this site")
    return found


async def list_mandates(*, site_id: int | None = None, status: int | None = None, limit: int = 200) -> list[dict[str, Any]]:
    """Consents, newest first; account numbers masked."""
    async with reading() as tx:
        rows = await tx.rows(
            "select a.site_id, m.bank_code, m.branch_code, m.account_type, m.account_number, p.code as seller_code, "
            "m.status, m.limit_amount, m.evidence, m.since_at, m.stopped_at, m.stopped_because "
            "from mandate m join account a on a.home = m.home and a.account_id = m.account_id "
            "left join party p on p.home = a.home and p.party_id = a.party_id "
            "where ($1::integer is null or a.site_id = $1) and ($2::smallint is null or m.status = $2) "
            "order by m.mandate_id desc limit $3",
            site_id,
            status,
            limit,
        )
    return [
        dict(row)
        | {
            "account_number": "*****" + row["account_number"][-2:],
            "status": "ACTIVE" if row["status"] == ACTIVE else "STOPPED",
        }
        for row in rows
    ]
