"""Worlds for the tests: small configurations, files as a firm would write them, an API that only listens."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import httpx2

from sandbox.app import make_app
from sandbox.config import read_config
from sandbox.instants import JST
from sandbox.layouts import (
    CREDIT_HEADER,
    CREDIT_LINE,
    CREDIT_TRAILER,
    DEBIT_HEADER,
    DEBIT_LINE,
    DEBIT_TRAILER,
    END,
    STATEMENT_HEADER,
    STATEMENT_LINE,
    STATEMENT_TRAILER,
)
from sandbox.world import World

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef").decode()
OTHER_SECRET = "whsec_" + base64.b64encode(b"fedcba9876543210").decode()
CONSIGNOR = "0000000130"
API = "http://api.invalid"


def configuration(**changes: Any) -> dict[str, Any]:
    """Two banks: 9990 deduplicates and pays sellers, 9991 is plain and has the buyers."""

    def bank(code: str, kind: str, branch: str, accounts: list[tuple[str, int]], site: str) -> dict[str, Any]:
        return {
            "code": code,
            "kana": f"ｷﾞﾝｺｳ {code}",
            "branches": {branch: "ﾎﾝﾃﾝ"},
            "kind": kind,
            "calendar": "EVERY_DAY",
            "consignors": [{"code": CONSIGNOR, "branch": branch, "type": "1", "number": site}],
            "accounts": [
                {"branch": branch, "type": "1", "number": site, "holder": "ｻｲﾄ", "balance": 0},
                *({"branch": branch, "type": "1", "number": n, "holder": "ﾋﾄ", "balance": b} for n, b in accounts),
            ],
            "mandates": [{"consignor": CONSIGNOR, "branch": branch, "type": "1", "number": n} for n, _ in accounts],
        }

    base: dict[str, Any] = {
        "clock": {"now": "2000-09-20T09:00:00+09:00", "ticking": False},
        "api": API,
        "banks": [
            bank("9990", "deduplicating", "001", [("9000001", 0), ("9000003", 50_000)], "9130000"),
            bank("9991", "plain", "101", [("9000002", 10_000), ("9000008", 500_000)], "9130001"),
        ],
        "carriers": [{"id": "sandbox-carrier", "calendar": "EVERY_DAY", "secrets": [SECRET], "hook_secrets": [OTHER_SECRET]}],
        "sites": [{"id": "130", "client_id": "site-130", "client_secret": "s3cret"}, {"id": "320"}],
    }
    return base | changes


@dataclass
class FakeApi:
    """The API as far as strangers see it: it takes hooks, gives tokens, registers contracts; and can be away."""

    hooks: list[dict[str, Any]] = field(default_factory=list)
    registrations: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[tuple[str, str]] = field(default_factory=list)
    away: int = 0
    results: Callable[[dict[str, Any]], dict[str, Any]] = field(
        default=lambda _: {"__typename": "ContractRegistered", "alreadyRegistered": False}
    )

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        if self.away:
            self.away -= 1
            raise httpx2.ConnectError("away", request=request)
        body = request.read()
        if request.url.path.startswith("/hooks/carriers/"):
            self.hooks.append({"headers": dict(request.headers), "raw": body, **json.loads(body)})
            return httpx2.Response(202)
        if request.url.path == "/oauth/token":
            self.tokens.append((request.headers["authorization"], body.decode()))
            return httpx2.Response(200, json={"access_token": f"token-{len(self.tokens)}", "token_type": "Bearer"})
        if request.url.path == "/graphql":
            assert request.headers["authorization"].startswith("Bearer token-")
            sent = json.loads(body)
            assert sent["variables"]["input"]["onProblem"] == "REGISTER_OTHERS"
            contracts = sent["variables"]["input"]["contracts"]
            self.registrations += contracts
            results = [self.results(contract) for contract in contracts]
            outcome = {"__typename": "ContractsRegistered", "results": results}
            return httpx2.Response(200, json={"data": {"registerContracts": outcome}})
        return httpx2.Response(404)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for hook in self.hooks for event in hook["events"]]


class Machine:
    """The machine's clock, moved by the test."""

    def __init__(self) -> None:
        self.seconds = 1_700_000_000.0

    def __call__(self) -> float:
        return self.seconds

    async def pause(self, seconds: float) -> None:
        self.seconds += seconds


class Sandbox:
    """A world with its address, without a process."""

    def __init__(self, directory: Path, config: dict[str, Any]) -> None:
        self.directory = directory
        self.api = FakeApi()
        self.machine = Machine()
        self._client = httpx2.AsyncClient(transport=httpx2.MockTransport(self.api.answer))
        self.world = World(read_config(config, directory), directory, self._client, machine=self.machine, pause=self.machine.pause)
        self.http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=make_app(self.world)), base_url="http://sandbox.invalid")

    async def close(self) -> None:
        if not self._client.is_closed:
            await self.http.aclose()
            await self._client.aclose()
            self.world.close()

    async def clock(self, to: str) -> dict[str, Any]:
        """`09-24 10:00` of the year 2000; everything due is done."""
        answer = await self.http.post("/clock", json={"now": f"2000-{to.replace(' ', 'T')}:00+09:00", "ticking": False})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def settle(self) -> dict[str, Any]:
        """Do what is due now, without moving the clock."""
        answer = await self.http.post("/clock", json={})
        found: dict[str, Any] = answer.json()
        return found

    async def rule(self, bank: str, action: dict[str, Any], **match: Any) -> None:
        answer = await self.http.post(f"/banks/{bank}/rules", json={"match": match, "action": action})
        assert answer.status_code == 201, answer.text

    def upload(self, bank: str, name: str, content: bytes) -> None:
        (self.directory / "banks" / bank / "in" / name).write_bytes(content)

    def out(self, bank: str) -> list[str]:
        return sorted(path.name for path in (self.directory / "banks" / bank / "out").iterdir())

    def read(self, bank: str, name: str) -> bytes:
        return (self.directory / "banks" / bank / "out" / name).read_bytes()

    def receipt(self, bank: str, name: str, number: int | None = None) -> dict[str, Any]:
        middle = "" if number is None else f".{number}"
        found: dict[str, Any] = json.loads(self.read(bank, f"{name}.receipt{middle}.json"))
        return found

    async def send(self, bank: str, name: str, content: bytes) -> dict[str, Any]:
        """Upload, let it be taken, and read the receipt."""
        self.upload(bank, name, content)
        await self.settle()
        return self.receipt(bank, name)

    async def balances(self, bank: str) -> dict[str, int]:
        answer = (await self.http.get("/banks")).json()
        accounts = next(b["accounts"] for b in answer["banks"] if b["code"] == bank)
        for account in accounts:
            assert account["total_in"] - account["total_out"] == account["balance"]
        return {account["number"]: account["balance"] for account in accounts if account["balance"]}

    async def book(self, bank: str, account: str) -> list[tuple[Any, ...]]:
        answer = await self.http.get(f"/banks/{bank}/book", params={"account": account})
        return [(b["on"], b["direction"], b["amount"], b["kind"], b["file"], b["reference"]) for b in answer.json()["bookings"]]


def debit_name(on: str, number: int = 1, consignor: str = CONSIGNOR) -> str:
    return f"91_{consignor}_2000{on.replace('-', '')}_{number:03d}.txt"


def credit_name(on: str, number: int = 1) -> str:
    return f"21_{CONSIGNOR}_2000{on.replace('-', '')}_{number:03d}.txt"


def customer(number: int, attempt: int = 1) -> str:
    return f"{57312000001000000 + number:018d}{attempt:02d}"


def debit_file(on: str, lines: Iterable[tuple[str, int]], bank: str = "9991", account: str = "10119130001", **header: Any) -> bytes:
    """A 91 file; lines are (payer account number, yen), their contracts numbered from 1."""
    rows = list(lines)
    values = {
        "consignor": CONSIGNOR,
        "consignor_name": "ｻｲﾄ",
        "month_day": on.replace("-", ""),
        "bank": bank,
        "branch": account[:3],
        "type": account[3],
        "account": account[4:],
    }
    records = [DEBIT_HEADER.pack(values | header)]
    for number, (payer, amount) in enumerate(rows, 1):
        records.append(
            DEBIT_LINE.pack(
                {
                    "bank": bank,
                    "branch": account[:3],
                    "type": "1",
                    "account": payer,
                    "holder": "ﾋﾄ",
                    "amount": amount,
                    "new_code": "1",
                    "customer_number": customer(number),
                }
            )
        )
    records += [DEBIT_TRAILER.pack({"count": len(rows), "amount": sum(a for _, a in rows)}), END.pack({})]
    return b"".join(record + b"\r\n" for record in records)


def credit_file(on: str, lines: Iterable[tuple[str, str, str, int, str]], bank: str = "9991", account: str = "10119130001") -> bytes:
    """A 21 file; lines are (bank, branch, account number, yen, EDI)."""
    rows = list(lines)
    values = {
        "consignor": CONSIGNOR,
        "consignor_name": "ｻｲﾄ",
        "month_day": on.replace("-", ""),
        "bank": bank,
        "branch": account[:3],
        "type": account[3],
        "account": account[4:],
    }
    records = [CREDIT_HEADER.pack(values)]
    for payee_bank, branch, number, amount, edi in rows:
        records.append(
            CREDIT_LINE.pack(
                {
                    "bank": payee_bank,
                    "branch": branch,
                    "type": "1",
                    "account": number,
                    "holder": "ｳｹﾄﾘﾆﾝ",
                    "amount": amount,
                    "new_code": "0",
                    "edi": edi,
                    "urgency": "7",
                    "edi_mark": "Y",
                }
            )
        )
    records += [CREDIT_TRAILER.pack({"count": len(rows), "amount": sum(row[3] for row in rows)}), END.pack({})]
    return b"".join(record + b"\r\n" for record in records)


def result_codes(content: bytes) -> str:
    return "".join(chr(record[111]) for record in content.split(b"\r\n") if record[:1] == b"2")


def totals(content: bytes) -> tuple[int, int, int, int]:
    """Debited count and yen, failed count and yen of a result file."""
    trailer = DEBIT_TRAILER.unpack(content.split(b"\r\n")[-3])
    return tuple(int(trailer[n]) for n in ("debited_count", "debited_amount", "failed_count", "failed_amount"))  # type: ignore[return-value]


def statement(content: bytes) -> tuple[int, list[tuple[str, ...]], int]:
    """Opening balance, lines (direction, 取引区分, yen, party, summary, EDI), closing balance."""
    header, *lines, trailer, _, _ = content.split(b"\r\n")
    opening = STATEMENT_HEADER.unpack(header)
    closing = STATEMENT_TRAILER.unpack(trailer)
    found = [STATEMENT_LINE.unpack(line) for line in lines]
    columns = ("direction", "transaction", "amount", "party", "summary", "edi")
    rows = [tuple(v[c].lstrip("0") if c == "amount" else v[c] for c in columns) for v in found]
    return int(opening["opening"]), rows, int(closing["closing"])


def statement_name(bank: str, key: str, on: str) -> str:
    return f"03_{bank}{key}_2000{on.replace('-', '')}_001.txt"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2000-{text.replace(' ', 'T')}:00").replace(tzinfo=JST)


def day(text: str) -> date:
    return date.fromisoformat(f"2000-{text}")
