"""Webhooks and what became of what they were told, as the API shows them."""

# Strawberry's field decorators give Any; what they decorate is checked all the same.
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

import datetime as dt
from typing import Annotated, TypeAlias

import strawberry

from api.context import Context
from api.paging import given, page_size
from api.results import InputProblem, Problem, mistakes, problem_of
from api.scalars import Cursor, Json, bad_input
from api.types.enums import EventKind, describe
from api.types.shapes import Node, PageInfo
from domain.contract_id import text
from domain.hooks import DispatchStatus, HookReason, HookStatus
from domain.problems import InputProblem as Finding
from domain.problems import ProblemCode
from domain.statuses import EventKind as Kind
from domain.store import hook_log
from domain.store.connection import reading as snapshot
from domain.store.hooks import Hook

Info = strawberry.Info[Context, None]

describe(
    HookStatus,
    "Whether a webhook is served.",
    {"ACTIVE": "It is told what happens.", "DISABLED": "It is told nothing until it is enabled again."},
    name="WebhookStatus",
)
describe(
    HookReason,
    "Why a webhook is disabled. An open set.",
    {
        "BY_OWNER": "By `disableWebhook`.",
        "GONE": "The receiver answered 410 Gone.",
        "FAILING": "Nothing was taken for three days.",
        "OWNER_STOPPED": "The client or user who made it was stopped, or has lost the right to what it tells.",
        "LOG_GONE": "What it still had to be told is not in the log any more: read a snapshot, then enable it from now on.",
    },
    name="WebhookDisabledReason",
)
describe(
    DispatchStatus,
    "How far one event has come on its way to a receiver.",
    {
        "WAITING": "It waits for its first or next try, or behind an earlier event of its contract.",
        "DELIVERED": "The receiver answered 2xx.",
        "GIVEN_UP": "Ten tries in three days, and none was taken.",
        "DROPPED": "Not sent: you have lost the right to it, or a replay tells it again.",
    },
    name="WebhookDeliveryStatus",
)


@strawberry.type(description="One try to deliver.")
class WebhookAttempt:
    at: dt.datetime = strawberry.field(description="When it was begun, by the machine's clock.")
    status_code: int | None = strawberry.field(description="The HTTP status of the answer. Null: there was none.")
    milliseconds: int = strawberry.field(description="How long it took.")
    error: str | None = strawberry.field(description="Why it did not succeed, at most 500 characters. Null: it did.")


@strawberry.type(description="One event on its way to a webhook's receiver.")
class WebhookDelivery:
    id: strawberry.ID = strawberry.field(description="Opaque; of this delivery alone.")
    webhook_id: str = strawberry.field(description="The header `webhook-id`: the same at every try, and when it is told again by a replay.")
    status: DispatchStatus = strawberry.field(description="How far it has come.")
    kind: EventKind | None = strawberry.field(description="What happened. Null: a sample.")
    contract_id: str | None = strawberry.field(description="The contract ID (契約ID), 18 digits. Null: a sample.")
    cursor: Cursor | None = strawberry.field(description="The event's place in the log, for `replayWebhook`. Null: a sample.")
    created_at: dt.datetime = strawberry.field(description="When it was put down to be sent, by the machine's clock.")
    done_at: dt.datetime | None = strawberry.field(description="When it was taken, given up or dropped. Null: it still waits.")
    next_try_at: dt.datetime | None = strawberry.field(description="When it is tried next, at the earliest. Null: never again.")
    attempts: list[WebhookAttempt] = strawberry.field(description="All tries, oldest first.")
    body_sha256: str = strawberry.field(description="SHA-256 of the body, in 64 hexadecimal digits.")
    body: str | None = strawberry.field(
        description="The body as it is sent. Null: it was forgotten after a week, or is not yours any more."
    )
    note: str | None = strawberry.field(description="Why it was given up or dropped. Null: it was not.")


@strawberry.type(description="A delivery in a webhook's log.")
class WebhookDeliveryEdge:
    node: WebhookDelivery = strawberry.field(description="The delivery.")
    cursor: str = strawberry.field(description="Its place in this log, for `after`.")


@strawberry.type(description="A page of a webhook's log, the latest first. Deliveries are kept for a month.")
class WebhookDeliveryConnection:
    edges: list[WebhookDeliveryEdge] = strawberry.field(description="The deliveries of the page.")
    page_info: PageInfo = strawberry.field(description="Where the page stands in the log.")


@strawberry.type(description="A stored subscription whose events are posted to an address of yours.")
class Webhook(Node):
    url: str = strawberry.field(description="Where events are posted to.")
    document: str = strawberry.field(description="The stored subscription.")
    variables: Json = strawberry.field(description="Its variables.")
    status: HookStatus = strawberry.field(description="Whether it is served.")
    disabled_because: HookReason | None = strawberry.field(description="Why it is disabled. Null: it is not.")
    registered_at: dt.datetime = strawberry.field(description="When it was registered, by the machine's clock.")
    failing_since: dt.datetime | None = strawberry.field(description="Since when nothing has been taken. Null: the last try was.")
    hook: strawberry.Private[Hook]

    @strawberry.field(description="What it was told and what became of it, the latest first.")
    async def deliveries(
        self,
        info: Info,
        first: Annotated[
            int | None, strawberry.argument(description="The first so many rows, up to 200; 50 when left out.")
        ] = strawberry.UNSET,
        after: Annotated[str | None, strawberry.argument(description="Only rows after this cursor of the same log.")] = strawberry.UNSET,
        status: Annotated[
            DispatchStatus | None, strawberry.argument(description="Only those that stand so. Null: all.")
        ] = strawberry.UNSET,
    ) -> WebhookDeliveryConnection:
        """One page, with all tries, in two queries."""
        size, wanted = page_size(given(first)), given(status)
        async with snapshot() as tx:
            found = await hook_log.page(tx, self.hook, size + 1, before=_place(given(after)), status=wanted)
        rows = found[:size]
        return WebhookDeliveryConnection(
            edges=[WebhookDeliveryEdge(node=delivery_of(row), cursor=f"d{row.delivery_id}") for row in rows],
            page_info=PageInfo(
                has_next_page=len(found) > size,
                has_previous_page=given(after) is not None,
                start_cursor=f"d{rows[0].delivery_id}" if rows else None,
                end_cursor=f"d{rows[-1].delivery_id}" if rows else None,
            ),
        )


def _place(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    digits = cursor[1:]
    if cursor[:1] != "d" or not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
        raise bad_input("This cursor does not belong to the log of a webhook.")
    return int(digits)


def webhook_of(hook: Hook) -> Webhook:
    """A webhook, as its owner sees it: without its secret."""
    return Webhook(
        id=strawberry.ID(f"w{hook.hook_id}"),
        url=hook.address,
        document=hook.document or "",
        variables=Json(dict(hook.variables)),
        status=hook.status,
        disabled_because=hook.reason,
        registered_at=hook.machine_at,
        failing_since=hook.failing_since,
        hook=hook,
    )


def delivery_of(row: hook_log.Logged) -> WebhookDelivery:
    """A delivery with its tries."""
    return WebhookDelivery(
        id=strawberry.ID(f"d{row.delivery_id}"),
        webhook_id=row.message_id,
        status=row.status,
        kind=None if row.event_kind is None else Kind(row.event_kind),
        contract_id=None if row.contract_id is None else text(row.contract_id),
        cursor=None if row.cursor is None else Cursor(row.cursor),
        created_at=row.machine_at,
        done_at=row.done_at,
        next_try_at=row.next_try_at,
        attempts=[
            WebhookAttempt(at=one.at, status_code=one.status_code, milliseconds=one.milliseconds, error=one.error) for one in row.attempts
        ],
        body_sha256=row.sha256.hex(),
        body=row.body,
        note=row.note,
    )


# ── results ──────────────────────────────────────────────────────────────────────────────────────────────────────────
@strawberry.type(description="Nothing was changed, and why: every mistake at once.")
class WebhookRefused(Problem):
    problems: list[InputProblem] = strawberry.field(description="All mistakes.")


@strawberry.type(description="The webhook is registered, and told whatever happens from now on.")
class WebhookRegistered:
    webhook: Webhook = strawberry.field(description="The webhook.")
    secret: str = strawberry.field(description="What signs its calls (`whsec_` and base64). Shown this once; keep it.")


@strawberry.type(description="The webhook is as was asked for.")
class WebhookChanged:
    webhook: Webhook = strawberry.field(description="The webhook as it is now.")


@strawberry.type(description="The webhook has another secret.")
class WebhookSecretRotated:
    webhook: Webhook = strawberry.field(description="The webhook.")
    secret: str = strawberry.field(description="What signs its calls from now on. Shown this once; keep it.")
    previous_until: dt.datetime = strawberry.field(description="Until then the secret before it signs, too.")


@strawberry.type(description="The webhook is gone, with its log.")
class WebhookDeleted:
    id: strawberry.ID = strawberry.field(description="What it was called.")


@strawberry.type(description="A made-up event is on its way to the webhook.")
class SampleEventSent:
    webhook: Webhook = strawberry.field(description="The webhook; its log says what becomes of the sample.")
    webhook_id: str = strawberry.field(description="The header `webhook-id` of the sample; it begins with `sample`.")


RegisterWebhookResult: TypeAlias = Annotated[
    WebhookRegistered | WebhookRefused,
    strawberry.union("RegisterWebhookResult", description="What became of a registration. More members may come: `... on Problem`."),
]
ChangeWebhookResult: TypeAlias = Annotated[
    WebhookChanged | WebhookRefused,
    strawberry.union("ChangeWebhookResult", description="What became of a change. More members may come: `... on Problem`."),
]
RotateWebhookSecretResult: TypeAlias = Annotated[
    WebhookSecretRotated | WebhookRefused,
    strawberry.union("RotateWebhookSecretResult", description="What became of a rotation. More members may come: `... on Problem`."),
]
DeleteWebhookResult: TypeAlias = Annotated[
    WebhookDeleted | WebhookRefused,
    strawberry.union("DeleteWebhookResult", description="What became of a deletion. More members may come: `... on Problem`."),
]
SendSampleEventResult: TypeAlias = Annotated[
    SampleEventSent | WebhookRefused,
    strawberry.union("SendSampleEventResult", description="What became of a sample. More members may come: `... on Problem`."),
]


def refused(context: Context, findings: list[Finding]) -> WebhookRefused:
    """Why nothing was done, in the caller's language."""
    problems = [problem_of(context, finding, ()) for finding in findings]
    return WebhookRefused(
        code=problems[0].code if len(problems) == 1 else ProblemCode.INPUT_INVALID,
        message=mistakes(context, problems),
        path=problems[0].path if len(problems) == 1 else [],
        problems=problems,
    )
