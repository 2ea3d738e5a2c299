"""A small market to register in: site 130 (and 320), banks of the scenario, mandates for the buyers. Account numbers are invented."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from api.registrar import to_kana
from domain.calendar import JST
from domain.registration import NormalContract, normalise
from domain.statuses import CalendarKind
from domain.store import administration as admin
from domain.store import mandates, registering, site_rules
from domain.store.connection import transaction
from domain.store.registering import OnProblem, Outcome

NOW = datetime(2000, 9, 20, 10, 0, tzinfo=JST)
MACHINE = datetime(2026, 11, 2, 3, 4, 5, tzinfo=UTC)
BANKS = ("9990", "9991", "9992")
SECRET = "whsec_" + "c2VjcmV0LW9mLXRoZS1jYXJyaWVyLW9mLXRlc3Rz"
BUYERS = 20  # with a mandate at bank 9991


def party(code: str, bank: str, number: str, **more: Any) -> dict[str, Any]:
    account = {"bankCode": bank, "branchCode": "101", "type": "ORDINARY", "number": number, "holder": f"{code.upper()}ｼﾔ"}
    return {"code": code, "name": f"{code}社", "address": "港区青山", "account": account, **more}


def contract(number: str, /, buyer: int | dict[str, Any] = 1, **more: Any) -> dict[str, Any]:
    """A registration as a site sends it; buyers 1 to 20 have mandates."""
    return {
        "number": number,
        "amount": 30_000,
        "seller": party("s", "9990", "9000001"),
        "buyer": party(f"b{buyer}", "9991", f"91{buyer:05d}") if isinstance(buyer, int) else buyer,
        "goods": [{"name": "デスク", "model": "AP55", "quantity": 1}],
        **more,
    }


def normal(raw: dict[str, Any]) -> NormalContract:
    found = normalise(raw, to_kana)
    assert isinstance(found, NormalContract), found
    return found


@dataclass
class Trading:
    """The world of one test."""

    now: datetime = NOW
    machine_now: datetime = MACHINE
    clients: dict[str, tuple[str, str]] = field(default_factory=dict)

    async def build(self) -> Trading:
        async with transaction() as tx:
            await tx.run("insert into business_clock(id, standing_at, sandbox) values (1, $1, true)", self.now)
        every_day = int(CalendarKind.EVERY_DAY)
        for code in BANKS:
            await admin.create_bank(admin.Bank(code, f"銀行{code}", "ｷﾞﾝｺｳ", "directory", {"path": "/none"}, calendar=every_day))
        await admin.create_carrier(admin.Carrier("sbx", "砂場運輸", "http://127.0.0.1:9", SECRET, calendar=every_day))
        for site_id, home in ((130, 1), (320, 2)):
            await admin.create_site(admin.Site(site_id, home, f"市場{site_id}", "sbx", calendar=every_day))
            for code in BANKS:
                await self.account(site_id, code, f"9{site_id:03d}{code[1:]}", collecting=True, main=code == "9990")
            await mandates.add_mandates(
                site_id,
                [mandates.Consent("9991", "101", 1, f"91{buyer:05d}", "書面1") for buyer in range(1, BUYERS + 1)],
                now=self.now,
                machine_now=self.machine_now,
            )
        site_rules.forget()
        return self

    async def account(self, site_id: int, bank: str, number: str, **more: Any) -> int:
        consignor = f"{9 if 'seller_code' in more else 0}{site_id:09d}"  # a direct seller has a consignor code of his own
        account = admin.Account(site_id, bank, "101", 1, number, "ｼｼﾞﾖｳ", consignor, from_on=date(1999, 1, 1), **more)
        return await admin.create_account(account, machine_now=self.machine_now)

    async def register(self, *raws: dict[str, Any], site: int = 130, on_problem: OnProblem = OnProblem.REGISTER_OTHERS) -> list[Outcome]:
        return await registering.register(
            site, [normal(raw) for raw in raws], on_problem=on_problem, now=self.now, machine_now=self.machine_now
        )
