"""A small market for tests of the read side: the sites, banks and firms of the scenario, and contracts put down in any state by SQL."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from importlib.resources import files
from typing import Any

from api.context import Caller, Context, Language
from api.schema import schema
from domain.access import Viewer, ViewerKind
from domain.calendar import JST
from domain.contract_id import home_of, make, seconds_of
from domain.statuses import DeliverWhen, DeliveryTrigger, EventKind, Mode, Release
from domain.store.connection import Tx, transaction
from domain.store.stream import StreamEntry, append, ensure_home

KEY = b"a key of the tests"
SITES = {130: 1, 320: 2}  # site -> home
BANKS = {"A": "9990", "B": "9991", "C": "9990", "D": "9992", "E": "9990", "F": "9993", "G": "9990", "H": "9991"}
SCOPES = frozenset({"contracts:read", "contracts:write", "settlements:read"})
DONE = datetime(2000, 10, 2, 7, 0, tzinfo=JST)


def on(text: str | None) -> date | None:
    """`09-25` of the year 2000."""
    return None if text is None else date.fromisoformat(f"2000-{text}")


def at(text: str) -> datetime:
    """`09-25 10:00` of the year 2000, Tokyo."""
    return datetime.fromisoformat(f"2000-{text}").replace(tzinfo=JST)


async def listed_anew(tx: Tx) -> None:
    """Lists and sums as they must be for states that were put down by SQL: as a migration makes them."""
    await tx.script("delete from contract_date; delete from standing; delete from settlement_sum; delete from sum_place")
    await tx.script((files("domain.store.migrations") / "lists_fill.sql").read_text(encoding="utf-8"))


@dataclass
class Market:
    """The world of one test. `firms` and `parties` are by letter (and site)."""

    machine_now: datetime = field(default_factory=lambda: datetime.now(UTC))
    firms: dict[str, int] = field(default_factory=dict)
    parties: dict[tuple[int, str], int] = field(default_factory=dict)
    numbers: Any = field(default_factory=lambda: itertools.count(1))
    ids: dict[str, int] = field(default_factory=dict)  # "130/4102" -> contract ID

    def fresh(self, home: int) -> int:
        return make(seconds_of(self.machine_now), home, next(self.numbers))

    def context(self, who: str | int, *, now: datetime = DONE, language: Language = "en", scopes: frozenset[str] = SCOPES) -> Context:
        """A request by a firm (letter), a site (number) or the operator ("operator")."""
        site_id = who if isinstance(who, int) else None
        firm_id = self.firms[who] if isinstance(who, str) and who != "operator" else None
        if site_id is not None:
            viewer = Viewer(ViewerKind.SITE, site_id)
        elif firm_id is not None:
            viewer = Viewer(ViewerKind.FIRM, firm_id)
        else:
            viewer = Viewer(ViewerKind.OPERATOR, 1)
        caller = Caller(client_id=f"client-{who}", name="", site_id=site_id, firm_id=firm_id, scopes=scopes, viewer=viewer)
        return Context(
            caller=caller,
            request_id="r",
            now=now,
            machine_now=self.machine_now,
            language=language,
            cursor_key=KEY,
            batch_items=100,
            loose_items=100,
        )

    async def ask(self, who: str | int, query: str, variables: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """The data of an answer that must have no errors."""
        result = await schema.execute(query, variable_values=variables, context_value=self.context(who, **more))
        assert result.errors is None, result.errors
        assert result.data is not None
        return result.data

    async def refusal(self, who: str | int, query: str, variables: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """The extensions of the one error of an answer."""
        result = await schema.execute(query, variable_values=variables, context_value=self.context(who, **more))
        assert result.errors is not None
        assert len(result.errors) == 1
        return {**(result.errors[0].extensions or {}), "message": result.errors[0].message}

    async def build(self) -> Market:
        async with transaction() as tx:
            await tx.run("insert into carrier(carrier_id, name, url, secret, calendar) values ('sbx', '砂場運輸', 'http://x', 's', 1)")
            for code in sorted(set(BANKS.values())):
                await tx.run(
                    "insert into bank(bank_code, name, kana, connector, address, calendar) values ($1, $2, 'X', 'directory', '{}', 1)",
                    code,
                    f"銀行{code}",
                )
            for letter in BANKS:
                self.firms[letter] = self.fresh(0)
                await tx.run(
                    "insert into firm(firm_id, name, created_at) values ($1, $2, $3)", self.firms[letter], f"{letter}社", at("09-20 09:00")
                )
            for site_id, home in SITES.items():
                await ensure_home(tx, home)
                await tx.run(
                    "insert into site(site_id, home, name, carrier_id, calendar) values ($1, $2, $3, 'sbx', 1)",
                    site_id,
                    home,
                    f"市場{site_id}",
                )
                await self._main_account(tx, site_id, home)
                for letter, bank in BANKS.items():
                    await self._party(tx, site_id, home, letter, bank)
        return self

    async def _main_account(self, tx: Tx, site_id: int, home: int) -> None:
        await tx.run(
            "insert into account(home, account_id, site_id, bank_code, branch_code, account_type, account_number, holder, consignor_code, "
            "collecting, main, from_on) values ($1, $2, $3, '9990', '001', 1, $4, 'X', $5, true, true, '1999-01-01')",
            home,
            site_id,
            site_id,
            f"9{site_id:06d}",
            f"{site_id:010d}",
        )

    async def _party(self, tx: Tx, site_id: int, home: int, letter: str, bank: str) -> None:
        party_id = self.parties[site_id, letter] = self.fresh(home)
        await tx.run(
            "insert into party(home, party_id, site_id, code, name, address, firm_id) values ($1, $2, $3, $4, $5, $6, $7)",
            home,
            party_id,
            site_id,
            letter.lower(),
            f"{letter}社",
            f"{letter}の住所",
            self.firms[letter],
        )
        await tx.run(
            "insert into party_account(home, party_account_id, party_id, bank_code, branch_code, account_type, account_number, holder) "
            "values ($1, $2, $2, $3, '101', 1, $4, $5)",
            home,
            party_id,
            bank,
            f"90000{ord(letter):02d}",
            f"{letter}ｼﾔ",
        )

    async def contract(
        self,
        name: str,
        seller: str,
        buyer: str,
        amount: int,
        registered: str = "09-20 10:00",
        *,
        fees: tuple[int, int] = (0, 0),
        planned: tuple[str, str, str, str] = ("09-24", "09-24", "09-27", "09-28"),
        due: str | None = None,
        goods: tuple[dict[str, Any], ...] = ({"name": "デスク", "model": "AP55", "quantity": 1},),
        events: tuple[EventKind, ...] = (EventKind.REGISTERED,),
        **state: Any,
    ) -> int:
        """A contract `site/number`. `state` are columns of its state row; dates may be written `09-25`."""
        site_text, number = name.split("/")
        site_id = int(site_text)
        home, (buyer_fee, seller_fee) = SITES[site_id], fees
        contract_id = self.ids[name] = self.fresh(home)
        buyer_id, seller_id = self.parties[site_id, buyer], self.parties[site_id, seller]
        state = {key: on(value) if key.endswith("_on") and isinstance(value, str) else value for key, value in state.items()}
        days = dict(zip(("debited_on", "delivery_on", "shipped_on", "settled_on"), map(on, planned), strict=True))
        row = {
            "home": home,
            "contract_id": contract_id,
            "site_id": site_id,
            "number": number,
            "buyer_id": buyer_id,
            "seller_id": seller_id,
            "buyer_account_id": buyer_id,
            "seller_account_id": seller_id,
            "amount": amount,
            "buyer_fee": buyer_fee,
            "seller_fee": seller_fee,
            "due_on": on(due),
            "debit_on": on(due) or days["debited_on"],
            "mode": int(Mode.ESCROW),
            "release": int(Release.ON_SHIPMENT),
            "delivery_trigger": int(DeliveryTrigger.AFTER_DEBIT),
            "ship_before_acceptance": False,
            "registered_at": at(registered),
            "carrier_id": "sbx",
            "collecting_id": site_id,
            "main_id": site_id,
            "canonical": b"{}",
            **{f"planned_{key}": value for key, value in days.items()},
        }
        state_row = {
            "home": home,
            "contract_id": contract_id,
            "site_id": site_id,
            "deliver_when": int(DeliverWhen.ON_ACCEPTANCE if due else DeliverWhen.ON_DEBITED),
            "release": int(Release.ON_SHIPMENT),
            "due": due is not None,
            "direct": False,
            "gross": amount + buyer_fee,
            "net": amount - seller_fee,
            "collecting_id": site_id,
            "main_id": site_id,
            "buyer_account_id": buyer_id,
            "seller_account_id": seller_id,
            "carrier_id": "sbx",
            "event_count": len(events),
            **state,
        }
        record = {
            "home": home,
            "contract_id": contract_id,
            "seller_name": f"{seller}社",
            "seller_address": f"{seller}の住所",
            "buyer_name": f"{buyer}社",
            "buyer_address": f"{buyer}の住所",
            "goods": json.dumps(goods, ensure_ascii=False),
        }
        told = [(home, contract_id, no, int(kind), at(registered), None) for no, kind in enumerate(events, 1)]
        async with transaction() as tx:
            await tx.run(
                "insert into contract_number(home, site_id, number, contract_id, content) values ($1, $2, $3, $4, '')",
                home,
                site_id,
                number,
                contract_id,
            )
            for table, values in (("contract", row), ("contract_state", state_row), ("delivery_record", record)):
                await tx.copy_in(table, list(values), [tuple(values.values())])
            await tx.copy_in("event", ("home", "contract_id", "no", "kind", "at", "happened_on"), told)
            entry = StreamEntry(site_id, int(EventKind.REGISTERED), [contract_id], [1])
            await append(tx, home, self.machine_now, [entry])
            await listed_anew(tx)
        assert home_of(contract_id) == home
        return contract_id


class counted:  # noqa: N801  (reads as a word)
    """The statements that run inside the block."""

    def __enter__(self) -> list[str]:
        self.seen: list[str] = []
        self.was = {name: getattr(Tx, name) for name in ("rows", "row", "value", "run")}
        for name, method in self.was.items():

            async def counting(tx: Tx, sql: str, *args: Any, _method: Any = method) -> Any:
                self.seen.append(sql)
                return await _method(tx, sql, *args)

            setattr(Tx, name, counting)
        return self.seen

    def __exit__(self, *_: object) -> None:
        for name, method in self.was.items():
            setattr(Tx, name, method)
