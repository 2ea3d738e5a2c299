"""A carrier that is called: batches of shipments come as JSON, notices go to our hook (docs/wire.md section 2)."""

from __future__ import annotations

import hashlib
import sqlite3
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from sandbox.agenda import Agenda
from sandbox.config import CarrierConfig
from sandbox.rules import RuleBook
from sandbox.shipments import Consignment, Shipments

MAX_SHIPMENTS = 1000
MAX_EVENTS = 1000


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer over HTTP."""

    status: int
    body: bytes
    retry_after: int | None = None


class Carrier:
    """One carrier of format json: its batches, its shipments, its notices."""

    def __init__(self, config: CarrierConfig, db: sqlite3.Connection, agenda: Agenda) -> None:
        self.config = config
        self._db = db
        self.shipments = Shipments(config, db, agenda)
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
        verdicts = self.shipments.accept(batch["batch_id"], [self._consignment(shipment) for shipment in batch["shipments"]], now)
        results = [
            {
                "shipment_id": v.shipment_id,
                "status": "rejected" if v.tracking_number is None else "accepted",
                "reason": v.reason,
                "tracking_number": v.tracking_number,
            }
            for v in verdicts
        ]
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
        status = self.shipments.cancel(shipment_id, request["reason"], now)
        if status is None:
            return Answer(404, orjson.dumps({"code": "UNKNOWN_SHIPMENT"}))
        stays = status in ("rejected", "cancelled")
        return Answer(200, orjson.dumps({"shipment_id": shipment_id, "status": "stopped" if stays else "too_late"}))

    def _batch(self, batch_id: str) -> Any:
        return self._db.execute("SELECT * FROM carrier_batches WHERE carrier = ? AND batch_id = ?", (self.config.id, batch_id)).fetchone()

    def _consignment(self, shipment: Any) -> Consignment:
        load = {name: shipment[name] for name in ("ship_from", "ship_to", "goods")}
        plan = self.shipments.plan_of(goods.get("model") for goods in shipment["goods"])
        return Consignment(shipment["shipment_id"], shipment["contract_id"], shipment["number"], plan, load)

    # -- what goes out -----------------------------------------------------------------------------------------------

    def pack(self, now: datetime) -> None:
        """Put what is to be told into messages of at most 1,000 events. Runs within a transaction."""
        while True:
            rows = self.shipments.untold(MAX_EVENTS)
            if not rows:
                return
            body = b'{"events":[' + b",".join(row["body"].encode() for row in rows) + b"]}"
            cursor = self._db.execute(
                "INSERT INTO hooks(carrier, message_id, body) VALUES (?, ?, ?)",
                (self.config.id, f"msg_{uuid.uuid4().hex}", body),
            )
            assert cursor.lastrowid is not None
            self.shipments.told(rows[-1]["id"], cursor.lastrowid)


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
