"""The questions about webhooks and mail."""

from __future__ import annotations

from typing import Annotated

import strawberry

from api.webhooks.mutations import number_of, owner_of
from api.webhooks.notifications import Notifications, resolve_notifications
from api.webhooks.types import Info, Webhook, webhook_of
from domain.store import hooks
from domain.store.connection import reading as snapshot


async def _resolve_webhooks(info: Info) -> list[Webhook]:
    """Needs webhooks:write."""
    owner = owner_of(info.context)
    async with snapshot() as tx:
        return [webhook_of(hook) for hook in await hooks.listed(tx, owner.viewer)]


async def webhook_by_id(info: Info, webhook_id: str) -> Webhook | None:
    """A webhook of the caller. Needs webhooks:write."""
    owner = owner_of(info.context)
    async with snapshot() as tx:
        hook = await hooks.find(tx, owner.viewer, number_of(webhook_id))
    return None if hook is None else webhook_of(hook)


async def _resolve_webhook(info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Which webhook.")]) -> Webhook | None:
    """Needs webhooks:write."""
    return await webhook_by_id(info, id)


@strawberry.type(name="Query", description="The questions about webhooks and mail.")
class WebhookQueries:
    """Each field is one question; the schema's Query inherits from it."""

    webhooks: list[Webhook] = strawberry.field(
        resolver=_resolve_webhooks, description="Your webhooks, the oldest first, at most 20. Needs webhooks:write."
    )
    webhook: Webhook | None = strawberry.field(
        resolver=_resolve_webhook,
        description="One webhook. Null: it does not exist or is not yours, which is the same answer. Needs webhooks:write.",
    )
    notifications: Notifications | None = strawberry.field(
        resolver=resolve_notifications,
        description="Where and about what you are written to (通知メール). Null: nowhere. Needs contracts:read.",
    )
