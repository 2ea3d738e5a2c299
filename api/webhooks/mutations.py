"""What one may do with webhooks."""

# Strawberry's field decorators give Any; what they decorate is checked all the same.
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

import base64
import secrets
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import strawberry

from api.context import Context
from api.documents import Prepared
from api.errors import ApiError, ErrorCode
from api.live.wish import place_of_cursor
from api.paging import given
from api.scalars import Cursor, Json
from api.types.contract import as_of
from api.types.enums import EventKind
from api.webhooks.desk import Desk
from api.webhooks.samples import sample
from api.webhooks.types import (
    ChangeWebhookResult,
    DeleteWebhookResult,
    Info,
    RegisterWebhookResult,
    RotateWebhookSecretResult,
    SampleEventSent,
    SendSampleEventResult,
    Webhook,
    WebhookChanged,
    WebhookDeleted,
    WebhookRefused,
    WebhookRegistered,
    WebhookSecretRotated,
    refused,
    webhook_of,
)
from domain.access import ViewerKind
from domain.contract_id import BadContractId, parse
from domain.hooks import MOST_HOOKS, WRITE, HookReason, HookStatus
from domain.problems import InputProblem, ProblemCode
from domain.signing import SECRET_PREFIX
from domain.store import hook_routing, hooks, ids, reading
from domain.store.connection import Tx, transaction
from domain.store.connection import reading as snapshot
from domain.store.hooks import Content, Hook, Owner

SECRET_BYTES = 32

T = TypeVar("T")


@strawberry.input(description="A webhook to be registered.")
class RegisterWebhookInput:
    url: str = strawberry.field(description="Where events are posted to: https, a public host, port 443.")
    document: str = strawberry.field(
        description="The subscription, one operation with one field; or the hash of a trusted document (`sha256:` and 64 digits)."
    )
    variables: Json | None = strawberry.field(
        default=strawberry.UNSET, description="Its variables. `after` among them says from where on; left out: from now on."
    )


@strawberry.input(description="What is to be changed about a webhook. What is left out stays as it is.")
class ChangeWebhookInput:
    webhook: strawberry.ID = strawberry.field(description="Which webhook.")
    url: str | None = strawberry.field(default=strawberry.UNSET, description="Another address. What waits goes there, too.")
    document: str | None = strawberry.field(default=strawberry.UNSET, description="Another subscription, for what is told from now on.")
    variables: Json | None = strawberry.field(
        default=strawberry.UNSET, description="Its variables; needed with `document` when it has any. `after` has no meaning here."
    )


@strawberry.input(description="Which webhook.")
class WebhookInput:
    webhook: strawberry.ID = strawberry.field(description="Which webhook.")


@strawberry.input(description="A webhook to be served again.")
class EnableWebhookInput:
    webhook: strawberry.ID = strawberry.field(description="Which webhook.")
    from_now: bool = strawberry.field(
        default=False, description="Whether what happened meanwhile is left out. Else it is told from where it stopped, without a gap."
    )


@strawberry.input(description="A sample that is wanted.")
class SendSampleEventInput:
    webhook: strawberry.ID = strawberry.field(description="Which webhook.")
    kind: EventKind = strawberry.field(description="What is to have happened in the sample.")


@strawberry.input(description="What is to be told again.")
class ReplayWebhookInput:
    webhook: strawberry.ID = strawberry.field(description="Which webhook.")
    after: Cursor = strawberry.field(description='Everything after this place: `cursor` of an event, `asOf` of an answer, or "0".')


def owner_of(context: Context) -> Owner:
    """Who calls, as the owner of webhooks. Raises INSUFFICIENT_SCOPE: only sites and firms have them, and with the scope."""
    context.require(WRITE)
    if context.viewer.kind is ViewerKind.OPERATOR:
        message = context.say("Only sites and firms have webhooks.", "Webhook を登録できるのはサイトと企業だけです。")
        raise ApiError(ErrorCode.INSUFFICIENT_SCOPE, message, wanted=WRITE)
    return Owner(context.viewer, context.caller.client_id, context.caller.user_id)


def desk_of(context: Context) -> Desk:
    """What registrations are checked against."""
    assert context.desk is not None, "mutations come by POST, where there is one"
    return context.desk


def new_secret() -> str:
    """`whsec_` and 256 random bits."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def number_of(webhook_id: str) -> int:
    """The number in a webhook's ID; 0 for what is none: no webhook has it, and the same question is asked."""
    try:
        return parse(webhook_id[1:]) if webhook_id[:1] == "w" else 0
    except BadContractId:
        return 0


NOT_FOUND = InputProblem(
    ProblemCode.NOT_FOUND,
    "There is no such webhook, or it is not yours.",
    "その Webhook は存在しないか、表示する権限がありません。",
    ("webhook",),
)


async def _with(context: Context, webhook_id: str, act: Callable[[Tx, Hook, Owner], Awaitable[T]]) -> T | WebhookRefused:
    """Does something with a webhook of the caller, in one transaction."""
    owner = owner_of(context)
    async with transaction() as tx:
        hook = await hooks.find(tx, owner.viewer, number_of(webhook_id), lock=True)
        if hook is None:
            return refused(context, [NOT_FOUND])
        return await act(tx, hook, owner)


async def _shown(tx: Tx, hook: Hook) -> Webhook:
    """A webhook as it is after a change."""
    fresh = await hooks.by_id(tx, hook.home, hook.hook_id)
    assert fresh is not None
    return webhook_of(fresh)


@strawberry.type(name="Mutation", description="What one may do with webhooks.")
class WebhookMutations:
    """Webhooks; the schema's mutations inherit from it."""

    @strawberry.field(
        description=(
            "Registers a webhook: a stored subscription whose events are posted to your address, signed, in order for each contract, and "
            "tried again for three days. Null only together with an entry in `errors`. Needs webhooks:write and what the subscription needs."
        )
    )
    async def register_webhook(
        self, info: Info, input: Annotated[RegisterWebhookInput, strawberry.argument(description="The webhook.")]
    ) -> RegisterWebhookResult | None:
        """Everything is checked before anything is stored."""
        context = info.context
        owner, desk = owner_of(context), desk_of(context)
        problems = desk.address_problems(input.url)
        content = await desk.content_of(context, input.document, given(input.variables))
        if isinstance(content, list):
            return refused(context, [*problems, *content])
        if problems:
            return refused(context, problems)
        async with snapshot() as tx:
            home = await hooks.home_for(tx, owner.viewer)
        hook_id, secret = await ids.take_one(home, context.machine_now), new_secret()
        try:
            async with transaction() as tx:
                hook = await hooks.register(tx, home, hook_id, owner, input.url, content, secret, context.machine_now)
        except hooks.TooMany:
            english = f"At most {MOST_HOOKS} webhooks: delete one first."
            return refused(context, [InputProblem(ProblemCode.TOO_MANY, english, f"Webhook は {MOST_HOOKS} 件までです。")])
        return WebhookRegistered(webhook=webhook_of(hook), secret=secret)

    @strawberry.field(
        description=(
            "Changes where a webhook goes or what it is told. Null only together with an entry in `errors`. Needs webhooks:write and what the "
            "subscription needs."
        )
    )
    async def change_webhook(
        self, info: Info, input: Annotated[ChangeWebhookInput, strawberry.argument(description="The change.")]
    ) -> ChangeWebhookResult | None:
        """The new document is checked as at a registration."""
        context = info.context
        owner_of(context)
        url, document, variables = given(input.url), given(input.document), given(input.variables)
        problems = [] if url is None else desk_of(context).address_problems(url)
        content: Content | None = None
        if document is None and variables is not None:
            problems.append(
                InputProblem(
                    ProblemCode.REQUIRED, "Variables come with their document.", "variables には document が必要です。", ("document",)
                )
            )
        elif document is not None:
            found = await desk_of(context).content_of(context, document, variables)
            if isinstance(found, list):
                problems += found
            else:
                content = found
        if problems:
            return refused(context, problems)

        async def act(tx: Tx, hook: Hook, _owner: Owner) -> WebhookChanged:
            await hooks.change(tx, hook, url=url, content=content, machine_now=context.machine_now)
            return WebhookChanged(webhook=await _shown(tx, hook))

        return await _with(context, input.webhook, act)

    @strawberry.field(
        description=(
            "Tells a webhook nothing more until it is enabled again; what happens meanwhile is kept in mind. Null only together with an entry "
            "in `errors`. Needs webhooks:write."
        )
    )
    async def disable_webhook(
        self, info: Info, input: Annotated[WebhookInput, strawberry.argument(description="Which webhook.")]
    ) -> ChangeWebhookResult | None:
        """Disabling what is disabled changes nothing."""

        async def act(tx: Tx, hook: Hook, _owner: Owner) -> WebhookChanged:
            await hooks.disable(tx, hook, HookReason.BY_OWNER)
            return WebhookChanged(webhook=await _shown(tx, hook))

        return await _with(info.context, input.webhook, act)

    @strawberry.field(
        description=(
            "Serves a disabled webhook again, on the rights of your token: from where it stopped, or from now on. Null only together with an "
            "entry in `errors`. Needs webhooks:write and what the subscription needs."
        )
    )
    async def enable_webhook(
        self, info: Info, input: Annotated[EnableWebhookInput, strawberry.argument(description="Which webhook, and from where.")]
    ) -> ChangeWebhookResult | None:
        """Whoever enables it lends it his rights from now on."""
        context = info.context
        async with snapshot() as tx:
            scope = await reading.scope_of(tx, context.viewer)

        async def act(tx: Tx, hook: Hook, owner: Owner) -> WebhookChanged:
            context.require(hook.right)
            if hook.status is not HookStatus.ACTIVE or input.from_now:
                await hooks.enable(tx, hook, owner, context.machine_now, from_now=input.from_now, homes=scope.homes)
            return WebhookChanged(webhook=await _shown(tx, hook))

        return await _with(context, input.webhook, act)

    @strawberry.field(
        description=(
            "Gives a webhook another secret; for 24 hours both sign, so that a receiver can change without a gap. Null only together with an "
            "entry in `errors`. Needs webhooks:write."
        )
    )
    async def rotate_webhook_secret(
        self, info: Info, input: Annotated[WebhookInput, strawberry.argument(description="Which webhook.")]
    ) -> RotateWebhookSecretResult | None:
        """The secret is shown in this answer and never again."""
        context, secret = info.context, new_secret()

        async def act(tx: Tx, hook: Hook, _owner: Owner) -> WebhookSecretRotated:
            until = await hooks.rotate(tx, hook, secret, context.machine_now)
            return WebhookSecretRotated(webhook=webhook_of(hook), secret=secret, previous_until=until)

        return await _with(context, input.webhook, act)

    @strawberry.field(description="Takes a webhook away, with its log. Null only together with an entry in `errors`. Needs webhooks:write.")
    async def delete_webhook(
        self, info: Info, input: Annotated[WebhookInput, strawberry.argument(description="Which webhook.")]
    ) -> DeleteWebhookResult | None:
        """What is on its way arrives or not."""

        async def act(tx: Tx, hook: Hook, _owner: Owner) -> WebhookDeleted:
            await hooks.delete(tx, hook)
            return WebhookDeleted(id=strawberry.ID(f"w{hook.hook_id}"))

        return await _with(info.context, input.webhook, act)

    @strawberry.field(
        description=(
            "Posts a made-up event to a webhook, signed like the others; `extensions.sample` is true in it. Null only together with an entry in "
            "`errors`. Needs webhooks:write."
        )
    )
    async def send_sample_event(
        self, info: Info, input: Annotated[SendSampleEventInput, strawberry.argument(description="Which webhook, and what happens in it.")]
    ) -> SendSampleEventResult | None:
        """The values are made up from the schema: nobody's data are in it."""
        context = info.context
        owner, core = owner_of(context), desk_of(context)
        async with snapshot() as tx:
            place = await as_of(tx, await reading.scope_of(tx, owner.viewer), context)
            home = await hooks.home_for(tx, owner.viewer)
        number = await ids.take_one(home, context.machine_now)
        name = f"sample-{secrets.token_hex(8)}"

        async def act(tx: Tx, hook: Hook, _owner: Owner) -> SampleEventSent | WebhookRefused:
            if hook.status is not HookStatus.ACTIVE:
                english, japanese = "The webhook is disabled: enable it first.", "Webhook は無効です。先に有効にしてください。"
                return refused(context, [InputProblem(ProblemCode.DISABLED, english, japanese, ("webhook",))])
            prepared = core.documents.prepare(hook.document or "")
            assert isinstance(prepared, Prepared), "it was valid when it was stored"
            body = sample(prepared, hook.variables, input.kind, place, context.machine_now)
            await hook_routing.add_letter(tx, hook, number, name, body, context.machine_now)
            return SampleEventSent(webhook=webhook_of(hook), webhook_id=name)

        return await _with(context, input.webhook, act)

    @strawberry.field(
        description=(
            "Tells a webhook again what happened after a place in the log, in order and with the same `webhook-id`s; what waits behind that place "
            "comes with it. Null only together with an entry in `errors`. Needs webhooks:write."
        )
    )
    async def replay_webhook(
        self, info: Info, input: Annotated[ReplayWebhookInput, strawberry.argument(description="Which webhook, and from where.")]
    ) -> ChangeWebhookResult | None:
        """Raises CURSOR_INVALID for a place that is none."""
        context = info.context
        owner = owner_of(context)
        async with snapshot() as tx:
            scope = await reading.scope_of(tx, owner.viewer)
            start = await place_of_cursor(tx, scope, input.after, context)
        spots = hooks.starts(scope.homes, {}, start.spots)

        async def act(tx: Tx, hook: Hook, _owner: Owner) -> WebhookChanged:
            await hooks.replay(tx, hook, spots, context.machine_now)
            return WebhookChanged(webhook=await _shown(tx, hook))

        return await _with(context, input.webhook, act)
