"""Carriers: they take batches of shipments, ship some days later, and report.

What becomes of a shipment is its *plan*, chosen by the model of its goods: `EXPRESS` ships after two days, `SILENT` never,
and so on (`PLANS`). All other goods ship by the plan DEFAULT.
"""

from __future__ import annotations

import hashlib
import sqlite3
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from sandbox.agenda import Agenda, Rank
from sandbox.config import CarrierConfig
from sandbox.instants import instant_on
from sandbox.rules import RuleBook

MAX_SHIPMENTS = 1000
MAX_EVENTS = 1000


@dataclass(frozen=True, slots=True)
class Step:
    """One notice: `days` after shipping (after the instruction, with `from_instruction`), `hours` after the usual hour."""

    type: str
    days: int = 0
    hours: int = 0
    sequence: int = 1
    from_instruction: bool = False
    repeat: bool = False
    """The same event again, in another message."""
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens to a shipment; `ship_days` of the carrier when None."""

    steps: tuple[Step, ...]
    ship_days: int | None = None
    rejected: str | None = None
    leaves_at_once: bool = False
    """It is on its way as soon as it is instructed, whatever is told: too late to stop."""


_PICKED_UP = Step("picked_up")
PLANS: Mapping[str, Plan] = {
    "DEFAULT": Plan((_PICKED_UP,)),
    "EXPRESS": Plan((_PICKED_UP,), ship_days=2),
    "SILENT": Plan(()),
    "REJECT": Plan((), rejected="not carried by this carrier"),
    "REJECT_LATER": Plan((Step("rejected", days=1, from_instruction=True, reason="damaged before pick-up"),)),
    "CANCELLED": Plan((Step("cancelled", days=1, from_instruction=True, reason="cancelled by the sender"),)),
    "HURRIED": Plan((_PICKED_UP,), leaves_at_once=True),
    "DELIVERS": Plan((_PICKED_UP, Step("delivered", days=1, sequence=2))),
    "NOTICES": Plan(
        (
            Step("accepted", from_instruction=True, hours=1),
            Step("picked_up", sequence=2),
            Step("in_transit", hours=6, sequence=3),
            Step("delivered", days=1, sequence=4),
        )
    ),
    "RETURNED": Plan((_PICKED_UP, Step("returned", days=2, sequence=2, reason="refused by the receiver"))),
    "LOST": Plan((_PICKED_UP, Step("lost", days=2, sequence=2, reason="not found"))),
    "LOST_BEFORE": Plan((Step("lost", days=0, reason="not found"),)),
    "ABSENT": Plan(
        (
            _PICKED_UP,
            Step("attempt_failed", days=1, sequence=2, reason="nobody was there"),
            Step("attempt_failed", days=1, hours=1, repeat=True),
            Step("attempt_failed", days=2, sequence=3, reason="nobody was there"),
            Step("delivered", days=3, sequence=4),
        )
    ),
    "BACKWARDS": Plan(
        (
            Step("delivered", days=1, sequence=4),
            Step("attempt_failed", days=1, hours=1, sequence=3, reason="nobody was there"),
            Step("in_transit", days=1, hours=2, sequence=2),
            Step("picked_up", days=1, hours=3),
        )
    ),
    "TWICE": Plan((_PICKED_UP, Step("picked_up", hours=1, repeat=True))),
    "DISORDER": Plan((Step("in_transit", sequence=2), Step("picked_up", hours=1))),
    "SKIPS": Plan((Step("delivered", days=1, sequence=3),)),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer over HTTP."""

    status: int
    body: bytes
    retry_after: int | None = None


class Carrier:
    """One carrier: its batches, its shipments, its notices."""

    def __init__(self, config: CarrierConfig, db: sqlite3.Connection, agenda: Agenda) -> None:
        self.config = config
        self._db = db
        self._agenda = agenda
        self._rules = RuleBook(db)

    # -- what comes in -----------------------------------------------------------------------------------------------

    def take(self, key: str | None, body: bytes, now: datetime) -> Answer:
        """A batch: taken once under its key, or refused. Runs within a transaction."""
        rule = self._rules.first_with(f"carrier:{self.config.id}", "answer", uuid.uuid4().hex)
        answer = rule.action["answer"] if rule else None
        if answer == "busy":
            return Answer(503, orjson.dumps({"code": "BUSY"}), retry_after=1)
        if answer == "error_before":
            return Answer(500, orjson.dumps({"code": "INTERNAL"}))
        taken = self._take(key, body, now)
        return Answer(500, orjson.dumps({"code": "INTERNAL"})) if answer == "error_after" else taken

    def _take(self, key: str | None, body: bytes, now: datetime) -> Answer:
        digest = hashlib.sha256(body).hexdigest()
        known = self._batch(key or "")
        if known is not None:
            if known["sha256"] != digest:
                return Answer(409, orjson.dumps({"code": "KEY_REUSED"}))
            if self.config.deduplicates:
                return Answer(200, known["answer"])
            return Answer(409, orjson.dumps({"code": "DUPLICATE"}))
        try:
            batch = orjson.loads(body)
        except ValueError:
            batch = None
        errors = _mistakes(batch, key)
        if errors:
            return Answer(422, orjson.dumps({"code": "INVALID", "errors": errors}))
        results = self._accept(batch, now)
        answer = orjson.dumps({"batch_id": batch["batch_id"], "results": results})
        self._db.execute("INSERT INTO carrier_batches VALUES (?, ?, ?, ?)", (self.config.id, batch["batch_id"], digest, answer))
        return Answer(201, answer)

    def first_answer(self, batch_id: str) -> Answer:
        """What was answered when the batch came."""
        known = self._batch(batch_id)
        return Answer(404, orjson.dumps({"code": "NOT_FOUND"})) if known is None else Answer(200, known["answer"])

    def stop(self, shipment_id: str, body: bytes, now: datetime) -> Answer:
        """A request that a shipment stays. Runs within a transaction."""
        rule = self._rules.first_with(f"carrier:{self.config.id}", "stop_answer", uuid.uuid4().hex)
        answer = rule.action["stop_answer"] if rule else None
        if answer == "busy":
            return Answer(503, orjson.dumps({"code": "BUSY"}), retry_after=1)
        if answer == "error_before":
            return Answer(500, orjson.dumps({"code": "INTERNAL"}))
        said = self._stop(shipment_id, body, now)
        return Answer(500, orjson.dumps({"code": "INTERNAL"})) if answer == "error_after" else said

    def _stop(self, shipment_id: str, body: bytes, now: datetime) -> Answer:
        try:
            request = orjson.loads(body)
        except ValueError:
            request = None
        if not isinstance(request, dict) or request.get("shipment_id") != shipment_id or not isinstance(request.get("reason"), str):
            return Answer(
                422, orjson.dumps({"code": "INVALID", "errors": [{"path": "shipment_id", "message": "must be that of the path"}]})
            )
        row = self._db.execute(
            "SELECT shipment_id, status, plan, tracking_number FROM shipments WHERE carrier = ? AND shipment_id = ?",
            (self.config.id, shipment_id),
        ).fetchone()
        if row is None:
            return Answer(404, orjson.dumps({"code": "UNKNOWN_SHIPMENT"}))
        stays = row["status"] in ("rejected", "cancelled")
        if row["status"] == "accepted" and not PLANS[row["plan"]].leaves_at_once:
            number = self._db.execute("SELECT coalesce(max(id), 0) + 1 FROM events").fetchone()[0]
            step = Step("cancelled", sequence=9, reason=request["reason"])
            self._db.execute(
                "INSERT INTO events(id, carrier, shipment_id, type, body) VALUES (?, ?, ?, ?, ?)",
                (number, self.config.id, shipment_id, step.type, self._event(number, row, step, now)),
            )
            self._db.execute(
                "UPDATE shipments SET status = 'cancelled' WHERE carrier = ? AND shipment_id = ?", (self.config.id, shipment_id)
            )
            stays = True
        return Answer(200, orjson.dumps({"shipment_id": shipment_id, "status": "stopped" if stays else "too_late"}))

    def shipments(self) -> list[dict[str, Any]]:
        """What this carrier knows."""
        rows = self._db.execute(
            "SELECT shipment_id, batch_id, contract_id, number, plan, status, tracking_number, reason, instructed_on, load"
            " FROM shipments WHERE carrier = ? ORDER BY id",
            (self.config.id,),
        )
        known = [dict(row) for row in rows]
        return [shipment | orjson.loads(shipment.pop("load")) for shipment in known]

    def _batch(self, batch_id: str) -> Any:
        return self._db.execute("SELECT * FROM carrier_batches WHERE carrier = ? AND batch_id = ?", (self.config.id, batch_id)).fetchone()

    def _accept(self, batch: Any, now: datetime) -> list[dict[str, Any]]:
        first = self._db.execute("SELECT coalesce(max(id), 0) + 1 FROM shipments").fetchone()[0]
        ids = orjson.dumps([s["shipment_id"] for s in batch["shipments"]]).decode()
        seen = {
            row[0]
            for row in self._db.execute(
                "SELECT s.shipment_id FROM json_each(?) j CROSS JOIN shipments s ON s.carrier = ? AND s.shipment_id = j.value",
                (ids, self.config.id),
            )
        }
        results: list[dict[str, Any]] = []
        rows: list[tuple[Any, ...]] = []
        plans: set[str] = set()
        for shipment in batch["shipments"]:
            shipment_id, plan_name = shipment["shipment_id"], self._plan_of(shipment)
            reason = "this shipment is known already" if shipment_id in seen else PLANS[plan_name].rejected
            status, tracking = "rejected", None
            if reason is None:
                status, tracking = "accepted", str(900_000_000_000 + first + len(rows))
                plans.add(plan_name)
            results.append({"shipment_id": shipment_id, "status": status, "reason": reason, "tracking_number": tracking})
            if shipment_id not in seen:
                contract, number = shipment["contract_id"], shipment["number"]
                row = (self.config.id, shipment_id, batch["batch_id"], contract, number, plan_name, status, tracking, reason)
                load = {name: shipment[name] for name in ("ship_from", "ship_to", "goods")}
                rows.append((*row, now.date().isoformat(), orjson.dumps(load).decode()))
            seen.add(shipment_id)
        self._db.executemany(
            "INSERT INTO shipments(carrier, shipment_id, batch_id, contract_id, number, plan, status, tracking_number, reason,"
            " instructed_on, load) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        for plan_name in sorted(plans):
            self._schedule(batch["batch_id"], plan_name, now)
        return results

    def _plan_of(self, shipment: Any) -> str:
        for goods in shipment["goods"]:
            model = goods.get("model")
            name = self.config.models.get(model, model)
            if name in PLANS:
                return str(name)
        return "DEFAULT"

    def _schedule(self, batch_id: str, plan_name: str, now: datetime) -> None:
        plan, calendar = PLANS[plan_name], self.config.calendar
        days = self.config.ship_days if plan.ship_days is None else plan.ship_days
        ships_on = calendar.shift(now.date(), days)
        for index, step in enumerate(plan.steps):
            if step.from_instruction:
                on = calendar.shift(now.date(), step.days)
                at = instant_on(on, self.config.ships_at) if step.days else now
            else:
                at = instant_on(calendar.shift(ships_on, step.days), self.config.ships_at)
            payload = {"carrier": self.config.id, "batch_id": batch_id, "plan": plan_name, "step": index}
            self._agenda.add(max(now, at + timedelta(hours=step.hours)), Rank.CARRIER, "carrier", payload)

    # -- what goes out -----------------------------------------------------------------------------------------------

    def happen(self, batch_id: str, plan_name: str, step_index: int, now: datetime) -> None:
        """One step of a plan, for all shipments of a batch that follow it. Runs within a transaction."""
        step = PLANS[plan_name].steps[step_index]
        which = (self.config.id, batch_id, plan_name)
        if step.repeat:
            self._db.execute(
                "INSERT INTO events(carrier, shipment_id, type, body) SELECT e.carrier, e.shipment_id, e.type, e.body"
                " FROM shipments s JOIN events e ON e.carrier = s.carrier AND e.shipment_id = s.shipment_id"
                " WHERE s.carrier = ? AND s.batch_id = ? AND s.plan = ? AND e.type = ? ORDER BY e.id",
                (*which, step.type),
            )
            return
        first = self._db.execute("SELECT coalesce(max(id), 0) + 1 FROM events").fetchone()[0]
        shipments = self._db.execute(
            "SELECT shipment_id, tracking_number FROM shipments"
            " WHERE carrier = ? AND batch_id = ? AND plan = ? AND tracking_number IS NOT NULL AND status <> 'cancelled' ORDER BY id",
            which,
        ).fetchall()
        self._db.executemany(
            "INSERT INTO events(id, carrier, shipment_id, type, body) VALUES (?, ?, ?, ?, ?)",
            (
                (number, self.config.id, row["shipment_id"], step.type, self._event(number, row, step, now))
                for number, row in enumerate(shipments, first)
            ),
        )
        self._db.execute(
            "UPDATE shipments SET status = ?"
            " WHERE carrier = ? AND batch_id = ? AND plan = ? AND tracking_number IS NOT NULL AND status <> 'cancelled'",
            (step.type, *which),
        )

    def _event(self, number: int, shipment: sqlite3.Row, step: Step, now: datetime) -> str:
        return orjson.dumps(
            {
                "event_id": f"{self.config.event_prefix}-{number:06d}",
                "type": step.type,
                "shipment_id": shipment["shipment_id"],
                "occurred_on": now.date().isoformat(),
                "sequence": step.sequence,
                "tracking_number": shipment["tracking_number"],
                "reason": step.reason,
            }
        ).decode()

    def pack(self) -> None:
        """Put what is to be told into messages of at most 1,000 events. Runs within a transaction."""
        while True:
            rows = self._db.execute(
                "SELECT id, body FROM events WHERE carrier = ? AND hook IS NULL ORDER BY id LIMIT ?",
                (self.config.id, MAX_EVENTS),
            ).fetchall()
            if not rows:
                return
            body = b'{"events":[' + b",".join(row["body"].encode() for row in rows) + b"]}"
            cursor = self._db.execute(
                "INSERT INTO hooks(carrier, message_id, body) VALUES (?, ?, ?)",
                (self.config.id, f"msg_{uuid.uuid4().hex}", body),
            )
            self._db.execute(
                "UPDATE events SET hook = ? WHERE carrier = ? AND hook IS NULL AND id <= ?",
                (cursor.lastrowid, self.config.id, rows[-1]["id"]),
            )


def _mistakes(batch: Any, key: str | None) -> list[dict[str, str]]:
    """All that is wrong with a batch, by place."""
    if not isinstance(batch, dict):
        return [{"path": "", "message": "not a JSON object"}]
    errors: list[dict[str, str]] = []
    if not isinstance(batch.get("batch_id"), str) or batch["batch_id"] != key:
        errors.append({"path": "batch_id", "message": "must be text and equal to the Idempotency-Key"})
    shipments = batch.get("shipments")
    if not isinstance(shipments, list) or not 1 <= len(shipments) <= MAX_SHIPMENTS:
        return [*errors, {"path": "shipments", "message": f"must be a list of 1 to {MAX_SHIPMENTS}"}]
    for index, shipment in enumerate(shipments):
        errors.extend({"path": f"shipments[{index}].{field}", "message": text} for field, text in _shipment_mistakes(shipment))
    return errors


def _shipment_mistakes(shipment: Any) -> list[tuple[str, str]]:
    if not isinstance(shipment, dict):
        return [("", "not a JSON object")]
    mistakes = [(field, "must be text") for field in ("shipment_id", "contract_id", "number") if not isinstance(shipment.get(field), str)]
    for field in ("ship_from", "ship_to"):
        party = shipment.get(field)
        if not isinstance(party, dict) or not party.get("name") or not party.get("address"):
            mistakes.append((field, "must have a name and an address"))
    goods = shipment.get("goods")
    if not isinstance(goods, list) or not goods or not all(isinstance(g, dict) and g.get("name") for g in goods):
        mistakes.append(("goods", "must be a list of goods with names"))
    return mistakes
