"""The whole world: banks, carriers and sites on one clock, and the walk that lets time pass.

`advance` goes from one instant of the agenda to the next, puts the clock there, does what is due, and answers when that is
done. While the clock ticks, or files come in while it stands, the background loop does the same by itself.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import httpx2
import orjson

from sandbox.agenda import Agenda, Item, Rank
from sandbox.books import Booking, Books
from sandbox.carrier import Answer, Carrier
from sandbox.clock import Clock
from sandbox.config import BankConfig, Config, account_key
from sandbox.csv_carrier import CsvCarrier
from sandbox.execution import Execution
from sandbox.hooks import HookQueue
from sandbox.instants import parse_instant, write_instant
from sandbox.intake import Counter, Reply
from sandbox.publishing import Drop, Publisher
from sandbox.rules import BANK, CARRIER_BY_CALL, CARRIER_BY_FILE, RuleBook, check_rule
from sandbox.sites import Sites
from sandbox.store import Store
from sandbox.taking import Taker

log = logging.getLogger("sandbox")
_T = TypeVar("_T")
_P = ParamSpec("_P")
_LOOK_SECONDS = 0.05
_KEEP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Login:
    """Whose directories a login leads into: `owner` as in the rules (a bank's code, or `carrier:<id>`), and where they are."""

    owner: str
    root: Path


class World:
    """Everything behind the sandbox's address. Units of work run one at a time, off the event loop."""

    def __init__(
        self,
        config: Config,
        directory: Path,
        client: httpx2.AsyncClient,
        *,
        machine: Callable[[], float] = time.time,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o700)
        self.config = config
        self.directory = directory
        self._client = client
        self._machine = machine
        self._store = Store(directory / "sandbox.sqlite")
        db = self._store.db
        self.clock = Clock(self._store, config.start, machine, ticking=config.ticking)
        self._agenda = Agenda(db)
        self._books = Books(db)
        self._rules = RuleBook(db)
        self.drops = {code: Drop(directory / "banks" / code) for code in config.banks}
        self.carrier_drops = {c.id: Drop(directory / "carriers" / c.id) for c in config.carriers.values() if c.by_file}
        self._publisher = Publisher(db, self.drops | self.carrier_drops, (code for code, bank in config.banks.items() if bank.pushes))
        self._execution = Execution(config.banks, self.drops, db, self._agenda, self._publisher)
        self._counters = {
            code: Counter(bank, self.drops[code], self._store, self._agenda, self._publisher) for code, bank in config.banks.items()
        }
        self._called = {c.id: Carrier(c, db, self._agenda) for c in config.carriers.values() if not c.by_file}
        self._given_files = {
            name: CsvCarrier(config.carriers[name], drop, self._store, self._agenda, self._publisher)
            for name, drop in self.carrier_drops.items()
        }
        self._carriers: dict[str, Carrier | CsvCarrier] = {**self._called, **self._given_files}
        self._doors = {code: counter.door for code, counter in self._counters.items()}
        self._doors |= {name: carrier.door for name, carrier in self._given_files.items()}
        self._hooks = HookQueue(db, config.carriers, config.banks)
        self._sites = Sites(config, client, pause)
        self._handlers = self._execution.handlers() | {"carrier": self._carrier_step, "carrier_result": self._carrier_result}
        self._thread = ThreadPoolExecutor(1, "sandbox-books")
        self._walking = asyncio.Lock()
        self._sending = asyncio.Lock()
        self._found()

    def close(self) -> None:
        """Let the unit of work at hand end, and keep the clock."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self.clock.keep()
        self._store.close()

    # -- the opening world -------------------------------------------------------------------------------------------

    def _found(self) -> None:
        """Take the opening world from the configuration: all of it the first time, later only what is new."""
        first = self._store.recall("founded") is None
        with self._store.transaction():
            for bank in self.config.banks.values():
                self._found_bank(bank, first=first)
            if first:
                for site in self.config.sites.values():
                    for entry in site.agenda:
                        self._plan_registration(site.id, entry)
                self._store.remember("founded", write_instant(self.clock.now()))
        for door in self._doors.values():
            door.resume(self.clock.now())
        self._publisher.flush()

    def _found_bank(self, bank: BankConfig, *, first: bool) -> None:
        known = self._books.find(bank.code, [account.key for account in bank.accounts])
        for account in bank.accounts:
            if account.key not in known:
                self._books.open_account(bank.code, account.key, account.holder)
                self._books.set_closed(bank.code, account.key, closed=account.closed)
        self._books.add_consignors(bank.code, bank.consignors)
        opened = self._books.find(bank.code, [account.key for account in bank.accounts])
        deposits = [a for a in bank.accounts if a.key not in known and a.balance]
        self._execution.book(self.clock.now().date(), (Booking(opened[a.key].id, "in", a.balance, "deposit") for a in deposits))
        if first:
            self._books.add_mandates(bank.code, ((c, k, False) for c, k in bank.mandates))
            for rule in bank.rules:
                self._rules.add(bank.code, check_rule(rule))

    # -- time --------------------------------------------------------------------------------------------------------

    async def advance(self, to: datetime | None = None, *, ticking: bool | None = None) -> dict[str, Any]:
        """Let time pass up to `to` (up to now when left out) and do everything due, in order; raises ClockBackwards."""
        async with self._walking:
            target = self.clock.check(to or self.clock.now())
            ticking = self.clock.ticking if ticking is None else ticking
            await self._take_uploads()
            while (at := await self._do(self._agenda.next_at)) is not None and at <= target:
                await self._do(self.clock.set, at, ticking=False)
                await self._play_instant(at)
                await self._take_uploads()
            await self._do(self.clock.set, target, ticking=ticking)
            await self._take_uploads()
            await self._tell()
        return await self.status()

    async def run(self) -> None:
        """The background loop, until it is cancelled."""
        kept_at = self._machine()
        while True:
            await self.look()
            if self.clock.ticking and self._machine() - kept_at >= _KEEP_SECONDS:
                kept_at = self._machine()
                await self._do(self.clock.keep)
            await asyncio.sleep(_LOOK_SECONDS)

    async def look(self) -> None:
        """Take uploads, try notices again, and do what has become due, by the clock as it is."""
        await self._take_uploads()
        await self.retry_hooks()
        if self._walking.locked():
            return
        async with self._walking:
            while (at := await self._do(self._agenda.next_at)) is not None and at <= self.clock.now():
                await self._play_instant(at)

    async def _play_instant(self, at: datetime) -> None:
        """Everything on the agenda at one instant: banks, carriers and their notices, then sites."""
        while (item := await self._do(self._agenda.first, at)) is not None and item.rank < Rank.SITE:
            await self._do(self._play, item)
        await self._tell()
        while (item := await self._do(self._agenda.first, at)) is not None:
            if item.rank < Rank.SITE:
                await self._do(self._play, item)
                continue
            failed = await self._sites.register(item.payload["site"], item.payload["contracts"])
            await self._do(self._registered, item, failed)
        await self._tell()

    def _play(self, item: Item) -> None:
        """One item in one transaction. What breaks is reported, not tried for ever."""
        try:
            with self._store.transaction():
                self._agenda.remove(item)
                self._handlers[item.kind](item.payload, max(item.at, self.clock.now()) if not self.clock.ticking else item.at)
        except Exception as error:
            log.exception("%s failed", item.kind)
            with self._store.transaction():
                self._agenda.remove(item)
                self._fail({"at": write_instant(item.at), "kind": item.kind, "problem": type(error).__name__})
        self._publisher.flush()

    def _carrier_step(self, payload: Any, now: datetime) -> None:
        self._carriers[payload["carrier"]].shipments.happen(payload["batch_id"], payload["plan"], payload["step"], now)

    def _carrier_result(self, payload: Any, now: datetime) -> None:
        self._given_files[payload["carrier"]].publish_result(payload)

    def _registered(self, item: Item, failed: list[dict[str, Any]]) -> None:
        with self._store.transaction():
            self._agenda.remove(item)
            for what in failed:
                self._fail({"at": write_instant(item.at)} | what)

    def _fail(self, what: Mapping[str, Any]) -> None:
        log.warning("not as expected: %s", what.get("problem"))
        self._store.db.execute("INSERT INTO failed_actions(what) VALUES (?)", (orjson.dumps(what).decode(),))

    # -- uploads and notices -----------------------------------------------------------------------------------------

    async def _take_uploads(self) -> None:
        for door in self._doors.values():
            if door.waiting():
                await self._do(self._take, door)

    def _take(self, door: Taker) -> None:
        door.take_all(self.clock.now())

    async def _tell(self) -> None:
        """Pack what the carriers have to tell into files and messages, and try each new message once."""

        def pack() -> list[int]:
            now = self.clock.now()
            with self._store.transaction():
                for carrier in self._carriers.values():
                    carrier.pack(now)
            self._publisher.flush()
            return self._hooks.due(0, never_tried=True)

        await self._send(await self._do(pack))

    async def retry_hooks(self) -> None:
        """Try the notices again whose pause is over, by the machine's clock."""
        due = await self._do(self._hooks.due, self._machine_ms())
        if due:
            await self._send(due)

    async def _send(self, hooks: list[int]) -> None:
        """In order; when one is not taken the rest waits for its own next try."""
        if not hooks:
            return
        async with self._sending:
            for number in hooks:
                hook = await self._do(self._hooks.load, number)
                taken = await self._hooks.send(hook, self._client, self._sites.api(), self._machine)
                if not taken:
                    await self._do(self._hooks.not_taken, hook, self._machine_ms())
                    return
                await self._do(self._hooks.taken, hook)

    def _machine_ms(self) -> int:
        return int(self._machine() * 1000)

    # -- what the address offers -------------------------------------------------------------------------------------

    async def status(self) -> dict[str, Any]:
        """Where the world stands; `idle` when nothing is left to do at this instant."""

        def read() -> dict[str, Any]:
            now, next_at = self.clock.now(), self._agenda.next_at()
            undelivered = self._hooks.undelivered()
            untaken = any(door.waiting() for door in self._doors.values())
            due = next_at is not None and next_at <= now
            failed = self._store.db.execute("SELECT what FROM failed_actions ORDER BY id")
            return {
                "now": write_instant(now),
                "ticking": self.clock.ticking,
                "next": None if next_at is None else write_instant(next_at),
                "idle": not (untaken or undelivered or due or self._walking.locked()),
                "published": self._publisher.counts(self._doors),
                "hooks_undelivered": undelivered,
                "failed_actions": [orjson.loads(row["what"]) for row in failed],
            }

        return await self._do(read)

    async def banks(self) -> list[dict[str, Any]]:
        """Banks with accounts and balances."""

        def read() -> list[dict[str, Any]]:
            return [
                {
                    "code": bank.code,
                    "name": bank.name,
                    "kana": bank.kana,
                    "kind": "deduplicating" if bank.deduplicates else "plain",
                    "accounts": self._books.listing(bank.code),
                }
                for bank in self.config.banks.values()
            ]

        return await self._do(read)

    async def book(self, bank: str, account: str | None, after: int, limit: int) -> list[dict[str, Any]]:
        return await self._do(self._books.book_of, bank, account, after, limit)

    async def add_rule(self, owner: str, rule: Any) -> int:
        """Raises BadRule."""
        carrier = self._carriers.get(owner.removeprefix("carrier:")) if owner.startswith("carrier:") else None
        words = BANK if carrier is None else CARRIER_BY_FILE if carrier.config.by_file else CARRIER_BY_CALL
        return await self._do(self._rules.add, owner, check_rule(rule, words))

    async def empty_rules(self, owner: str) -> None:
        await self._do(self._rules.empty, owner)

    async def use_rule(self, owner: str, action: str, what: str) -> Any:
        """The value of the first rule with that action that is not used up, or None."""
        rule = await self._do(self._rules.first_with, owner, action, what)
        return None if rule is None else rule.action[action]

    async def change_accounts(self, bank: str, many: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Open accounts, deposit into them, close them, make them a consignor's: all or, with ValueError or KeyError, none."""

        def change() -> list[dict[str, Any]]:
            with self._store.transaction():
                deposits = [(self._prepare_account(bank, data), int(data.get("deposit", 0))) for data in many]
                if any(yen < 0 for _, yen in deposits):
                    raise ValueError("a deposit is 0 or more yen")
                ids = {key: account.id for key, account in self._books.find(bank, [key for key, _ in deposits]).items()}
                booked = (Booking(ids[key], "in", yen, "deposit") for key, yen in deposits if yen)
                self._execution.book(self.clock.now().date(), booked)
                found = self._books.find(bank, [key for key, _ in deposits])
            return [{"account": key, "balance": found[key].balance, "closed": found[key].closed} for key, _ in deposits]

        return await self._do(change)

    def _prepare_account(self, bank: str, data: Mapping[str, Any]) -> str:
        key = account_key(data)
        self._books.open_account(bank, key, str(data.get("holder", "")))
        if "closed" in data:
            self._books.set_closed(bank, key, closed=bool(data["closed"]))
        if "consignor" in data:
            self._books.add_consignors(bank, [(str(data["consignor"]), key)])
        return key

    async def add_mandates(self, bank: str, many: Sequence[Mapping[str, Any]]) -> int:
        """Raises ValueError or KeyError before anything is changed."""
        mandates = [(str(m["consignor"]), account_key(m), bool(m.get("stopped", False))) for m in many]

        def add() -> None:
            with self._store.transaction():
                self._books.add_mandates(bank, mandates)

        await self._do(add)
        return len(mandates)

    async def take_batch(self, carrier: str, key: str | None, body: bytes) -> Answer:
        def take() -> Answer:
            with self._store.transaction():
                return self._called[carrier].take(key, body, self.clock.now())

        return await self._do(take)

    async def stop_shipment(self, carrier: str, shipment_id: str, body: bytes) -> Answer:
        """A request that a shipment stays; what follows from it is told at once."""

        def stop() -> Answer:
            with self._store.transaction():
                return self._called[carrier].stop(shipment_id, body, self.clock.now())

        answer = await self._do(stop)
        await self._tell()
        return answer

    async def cancel_shipment(self, carrier: str, shipment_id: str, reason: str) -> str | None:
        """Somebody at the carrier cancels it; see Shipments.cancel. What follows from it is told at once."""

        def cancel() -> str | None:
            with self._store.transaction():
                return self._carriers[carrier].shipments.cancel(shipment_id, reason, self.clock.now())

        status = await self._do(cancel)
        await self._tell()
        return status

    async def first_answer(self, carrier: str, batch_id: str) -> Answer:
        return await self._do(self._called[carrier].first_answer, batch_id)

    async def call_bank(self, bank: str, key: str, body: bytes) -> Reply:
        """A batch that comes to a JSON bank."""
        rule = await self._do(self._rules.first_with, bank, "api_answer", uuid.uuid4().hex)
        answer = rule.action["api_answer"] if rule else None
        if answer == "busy":
            return Reply(503, orjson.dumps({"code": "BUSY", "message": "later"}), retry_after=1)
        failed = Reply(500, orjson.dumps({"code": "INTERNAL", "message": "a rule of the sandbox says so"}))
        if answer == "error_before":
            return failed
        taken = await self._do(self._counters[bank].take_call, key, body, self.clock.now())
        return failed if answer == "error_after" else taken

    async def batch_of_bank(self, bank: str, batch_id: str) -> dict[str, Any] | None:
        return await self._do(self._counters[bank].standing, batch_id)

    async def messages_of_bank(self, bank: str, after: int, limit: int) -> list[dict[str, Any]]:
        """What a JSON bank lists, in order."""

        def read() -> list[dict[str, Any]]:
            found = []
            for row in self._publisher.listed(bank, after, limit):
                status = (self.drops[bank].outbox / row["name"]).stat()
                written = datetime.fromtimestamp(status.st_mtime, UTC).isoformat()
                found.append({"message_id": row["name"], "size": status.st_size, "written_at": written, "cursor": str(row["id"])})
            return found

        return await self._do(read)

    async def message_of_bank(self, bank: str, message_id: str) -> bytes | None:
        def read() -> bytes | None:
            path = self.drops[bank].outbox / message_id
            return path.read_bytes() if path.parent == self.drops[bank].outbox and path.is_file() else None

        return await self._do(read)

    async def shipments(self, carrier: str) -> list[dict[str, Any]]:
        return await self._do(self._carriers[carrier].shipments.listing)

    async def play(self, site: str, entry: Mapping[str, Any]) -> None:
        """Put registrations onto the agenda; raises ValueError or KeyError."""

        def add() -> None:
            with self._store.transaction():
                self._plan_registration(site, entry)

        await self._do(add)

    def logins(self) -> dict[str, Login]:
        """Who has directories, by the name under which he logs in."""
        banks = {code: Login(code, drop.root) for code, drop in self.drops.items()}
        return banks | {name: Login(f"carrier:{name}", drop.root) for name, drop in self.carrier_drops.items()}

    def machine_seconds(self) -> float:
        return self._machine()

    def _plan_registration(self, site: str, entry: Mapping[str, Any]) -> None:
        contracts = entry["contracts"]
        if not isinstance(contracts, list) or not contracts or not all(isinstance(c, dict) for c in contracts):
            raise ValueError("contracts is a list of registrations")
        at = max(parse_instant(entry["at"]), self.clock.now())
        self._agenda.add(at, Rank.SITE, "register", {"site": site, "contracts": contracts})

    async def _do(self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Off the event loop and one at a time: the thread is the books' only one."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(work, *args, **kwargs))
