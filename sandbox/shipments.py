"""What a carrier knows of its shipments: taken once, shipped by their plans, told event by event.

How a shipment came (a call, a row of a file) and how an event is told (a notice, a row) is the business of the carrier's
front: `carrier.py` and `csv_carrier.py`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from sandbox.agenda import Agenda, Rank
from sandbox.config import CarrierConfig
from sandbox.instants import instant_on
from sandbox.plans import PLANS, Step

KNOWN = "this shipment is known already"
TOLD_IN_A_FILE = 0
"""Stands in `events.hook` for an event that was told in a file: messages are numbered from 1."""


@dataclass(frozen=True, slots=True)
class Consignment:
    """One shipment as it was instructed. `load`: ship_from, ship_to and goods, as they were read."""

    shipment_id: str
    contract_id: str
    number: str
    plan: str
    load: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the carrier says to one shipment: its tracking number, or (with None) the reason why not."""

    shipment_id: str
    tracking_number: str | None
    reason: str | None


class Shipments:
    """The shipments of one carrier, in the store. Whatever changes something runs within a transaction."""

    def __init__(self, config: CarrierConfig, db: sqlite3.Connection, agenda: Agenda) -> None:
        self._config = config
        self._db = db
        self._agenda = agenda

    def plan_of(self, models: Iterable[str | None]) -> str:
        """The plan of a shipment whose goods are of these models: the first that names one."""
        for model in models:
            name = self._config.models.get(model or "", model)
            if name in PLANS:
                return str(name)
        return "DEFAULT"

    def accept(self, batch_id: str, consignments: Sequence[Consignment], now: datetime) -> list[Verdict]:
        """A verdict on each, in order; what is taken goes onto the agenda. A shipment is taken once, whatever batch it comes in."""
        first = self._db.execute("SELECT coalesce(max(id), 0) + 1 FROM shipments").fetchone()[0]
        ids = orjson.dumps([c.shipment_id for c in consignments]).decode()
        seen = {
            row[0]
            for row in self._db.execute(
                "SELECT s.shipment_id FROM json_each(?) j CROSS JOIN shipments s ON s.carrier = ? AND s.shipment_id = j.value",
                (ids, self._config.id),
            )
        }
        verdicts: list[Verdict] = []
        rows: list[tuple[Any, ...]] = []
        plans: set[str] = set()
        for what in consignments:
            reason = KNOWN if what.shipment_id in seen else PLANS[what.plan].rejected
            status, tracking = "rejected", None
            if reason is None:
                status, tracking = "accepted", str(900_000_000_000 + first + len(rows))
                plans.add(what.plan)
            verdicts.append(Verdict(what.shipment_id, tracking, reason))
            if what.shipment_id not in seen:
                row = (self._config.id, what.shipment_id, batch_id, what.contract_id, what.number, what.plan, status, tracking, reason)
                rows.append((*row, now.date().isoformat(), orjson.dumps(what.load).decode()))
            seen.add(what.shipment_id)
        self._db.executemany(
            "INSERT INTO shipments(carrier, shipment_id, batch_id, contract_id, number, plan, status, tracking_number, reason,"
            " instructed_on, load) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        for plan in sorted(plans):
            self._schedule(batch_id, plan, now)
        return verdicts

    def _schedule(self, batch_id: str, plan_name: str, now: datetime) -> None:
        plan, calendar = PLANS[plan_name], self._config.calendar
        days = self._config.ship_days if plan.ship_days is None else plan.ship_days
        ships_on = calendar.shift(now.date(), days)
        for index, step in enumerate(plan.steps):
            if step.from_instruction:
                on = calendar.shift(now.date(), step.days)
                at = instant_on(on, self._config.ships_at) if step.days else now
            else:
                at = instant_on(calendar.shift(ships_on, step.days), self._config.ships_at)
            payload = {"carrier": self._config.id, "batch_id": batch_id, "plan": plan_name, "step": index}
            self._agenda.add(max(now, at + timedelta(hours=step.hours)), Rank.CARRIER, "carrier", payload)

    def happen(self, batch_id: str, plan_name: str, step_index: int, now: datetime) -> None:
        """One step of a plan, for all shipments of a batch that follow it."""
        step = PLANS[plan_name].steps[step_index]
        which = (self._config.id, batch_id, plan_name)
        if step.repeat:
            self._db.execute(
                "INSERT INTO events(carrier, shipment_id, type, body) SELECT e.carrier, e.shipment_id, e.type, e.body"
                " FROM shipments s JOIN events e ON e.carrier = s.carrier AND e.shipment_id = s.shipment_id"
                " WHERE s.carrier = ? AND s.batch_id = ? AND s.plan = ? AND e.type = ? ORDER BY e.id",
                (*which, step.type),
            )
            return
        shipments = self._db.execute(
            "SELECT shipment_id, tracking_number FROM shipments"
            " WHERE carrier = ? AND batch_id = ? AND plan = ? AND tracking_number IS NOT NULL AND status <> 'cancelled' ORDER BY id",
            which,
        ).fetchall()
        self._tell(shipments, step, now)
        self._db.execute(
            "UPDATE shipments SET status = ?"
            " WHERE carrier = ? AND batch_id = ? AND plan = ? AND tracking_number IS NOT NULL AND status <> 'cancelled'",
            (step.type, *which),
        )

    def cancel(self, shipment_id: str, reason: str, now: datetime) -> str | None:
        """Keeps a shipment that has not left, and tells of it at once; returns how it stands then, or None for one that was never here."""
        row = self._db.execute(
            "SELECT shipment_id, status, plan, tracking_number FROM shipments WHERE carrier = ? AND shipment_id = ?",
            (self._config.id, shipment_id),
        ).fetchone()
        if row is None:
            return None
        if row["status"] != "accepted" or PLANS[row["plan"]].leaves_at_once:
            return str(row["status"])
        self._tell([row], Step("cancelled", sequence=9, reason=reason), now)
        self._db.execute("UPDATE shipments SET status = 'cancelled' WHERE carrier = ? AND shipment_id = ?", (self._config.id, shipment_id))
        return "cancelled"

    def listing(self) -> list[dict[str, Any]]:
        """All of them, oldest first."""
        rows = self._db.execute(
            "SELECT shipment_id, batch_id, contract_id, number, plan, status, tracking_number, reason, instructed_on, load"
            " FROM shipments WHERE carrier = ? ORDER BY id",
            (self._config.id,),
        )
        known = [dict(row) for row in rows]
        return [shipment | orjson.loads(shipment.pop("load")) for shipment in known]

    # -- events ------------------------------------------------------------------------------------------------------

    def _tell(self, shipments: Iterable[sqlite3.Row], step: Step, now: datetime) -> None:
        first = self._db.execute("SELECT coalesce(max(id), 0) + 1 FROM events").fetchone()[0]
        self._db.executemany(
            "INSERT INTO events(id, carrier, shipment_id, type, body) VALUES (?, ?, ?, ?, ?)",
            (
                (number, self._config.id, row["shipment_id"], step.type, self._event(number, row, step, now))
                for number, row in enumerate(shipments, first)
            ),
        )

    def _event(self, number: int, shipment: sqlite3.Row, step: Step, now: datetime) -> str:
        event = {
            "event_id": f"{self._config.event_prefix}-{number:06d}",
            "type": step.type,
            "shipment_id": shipment["shipment_id"],
            "occurred_on": now.date().isoformat(),
            "sequence": step.sequence,
            "tracking_number": shipment["tracking_number"],
            "reason": step.reason,
        }
        if self._config.by_file:  # a notice says the day only, a row may say the hour as well
            event["at"] = f"{now:%H:%M}"
        return orjson.dumps(event).decode()

    def untold(self, most: int) -> list[sqlite3.Row]:
        """Events (`id`, `body`) that no message and no file has told yet, at most so many, oldest first."""
        return self._db.execute(
            "SELECT id, body FROM events WHERE carrier = ? AND hook IS NULL ORDER BY id LIMIT ?", (self._config.id, most)
        ).fetchall()

    def told(self, last: int, hook: int) -> None:
        """Everything up to that event went out in one message, or in a file."""
        self._db.execute("UPDATE events SET hook = ? WHERE carrier = ? AND hook IS NULL AND id <= ?", (hook, self._config.id, last))
