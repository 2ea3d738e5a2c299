"""Mail [0038]: who wants to be written to, where, and about what."""

# Strawberry's field decorators give Any; what they decorate is checked all the same.
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

import secrets
from enum import Enum
from typing import Annotated, TypeAlias

import strawberry

from api.context import Context
from api.errors import ApiError, ErrorCode
from api.results import InputProblem, Problem, problem_of
from api.types.enums import describe
from api.webhooks.mutations import desk_of
from api.webhooks.types import Info
from domain.access import ViewerKind
from domain.hooks import NOTICES, HookStatus
from domain.letters import address_problem
from domain.problems import InputProblem as Finding
from domain.problems import ProblemCode
from domain.store import hook_mail, hooks, ids, reading
from domain.store.connection import reading as snapshot
from domain.store.connection import transaction
from domain.store.hooks import Hook, Owner

READ_CONTRACTS, READ_SETTLEMENTS = "contracts:read", "settlements:read"
CODE_DIGITS = 8


class NotificationKind(Enum):
    """What one can be mailed about; the numbers are those of the events, 0 is none of the log."""

    SHIPPED = NOTICES["SHIPPED"]
    DEBIT_FAILED = NOTICES["DEBIT_FAILED"]
    PAID = NOTICES["PAID"]
    WEBHOOK_DISABLED = 0


class MailLanguage(Enum):
    """The languages in which we write."""

    EN = "en"
    JA = "ja"


describe(
    NotificationKind,
    "What one can be mailed about.",
    {
        "SHIPPED": "The goods have left (発送).",
        "DEBIT_FAILED": "The buyer's account could not be debited (振替不能).",
        "PAID": "The seller has been paid (清算完了). Only for those who may see it.",
        "WEBHOOK_DISABLED": "A webhook of yours was disabled, because its receiver refused for days.",
    },
)
describe(MailLanguage, "The languages in which mail is written.", {"EN": "In English (英語).", "JA": "In Japanese (日本語)."})


@strawberry.type(description="Where and about what you are written to. Each user has one address, and so has each program.")
class Notifications:
    email: str = strawberry.field(description="The address (メールアドレス).")
    confirmed: bool = strawberry.field(description="Whether somebody there has confirmed it. Nothing but a code goes there before.")
    kinds: list[NotificationKind] = strawberry.field(description="About what.")
    language: MailLanguage = strawberry.field(description="In which language.")


@strawberry.input(description="Where and about what you want to be written to.")
class SetNotificationsInput:
    email: str = strawberry.field(description="The address (メールアドレス). Another one than before is confirmed by a code first.")
    kinds: list[NotificationKind] = strawberry.field(description="About what. Empty: about nothing any more.")
    language: MailLanguage = strawberry.field(default=MailLanguage.JA, description="In which language.")


@strawberry.input(description="The code that came by mail.")
class ConfirmNotificationsInput:
    code: str = strawberry.field(description="Eight digits.")


@strawberry.type(description="What you are written about from now on; `confirmed` says whether a code has to come back first.")
class NotificationsSet:
    notifications: Notifications = strawberry.field(description="As they are now.")


@strawberry.type(description="Nothing was changed, and why.")
class NotificationsRefused(Problem):
    problems: list[InputProblem] = strawberry.field(description="All mistakes.")


SetNotificationsResult: TypeAlias = Annotated[
    NotificationsSet | NotificationsRefused,
    strawberry.union("SetNotificationsResult", description="What became of the wish. More members may come: `... on Problem`."),
]


def _owner(context: Context) -> Owner:
    """A person himself, or a program of a site or firm."""
    context.require(READ_CONTRACTS)
    caller = context.caller
    if context.viewer.kind is ViewerKind.OPERATOR:
        message = context.say("Only sites and firms are written to.", "通知を受け取れるのはサイトと企業だけです。")
        raise ApiError(ErrorCode.INSUFFICIENT_SCOPE, message, wanted=READ_CONTRACTS)
    return Owner(context.viewer, None if caller.user_id is not None else caller.client_id, caller.user_id)


def shown(hook: Hook) -> Notifications:
    """As its owner sees it."""
    return Notifications(
        email=hook.address,
        confirmed=hook.status is HookStatus.ACTIVE,
        kinds=[kind for kind in NotificationKind if kind.value in (hook.kinds or ())],
        language=MailLanguage(hook.language),
    )


async def resolve_notifications(info: Info) -> Notifications | None:
    """Needs contracts:read."""
    owner = _owner(info.context)
    async with snapshot() as tx:
        hook = await hook_mail.find(tx, await hooks.home_for(tx, owner.viewer), owner)
    return None if hook is None else shown(hook)


def _refused(context: Context, code: ProblemCode, english: str, japanese: str, *path: str) -> NotificationsRefused:
    problem = problem_of(context, Finding(code, english, japanese, path), ())
    return NotificationsRefused(code=problem.code, message=problem.message, path=problem.path, problems=[problem])


@strawberry.type(name="Mutation", description="What one may say about mail.")
class NotificationMutations:
    """Mail; the schema's mutations inherit from it."""

    @strawberry.field(
        description=(
            "Says where and about what you want to be written to (通知メール). A new address gets a code, which `confirmNotifications` takes. "
            "Null only together with an entry in `errors`. Needs contracts:read, and settlements:read for PAID."
        )
    )
    async def set_notifications(
        self, info: Info, input: Annotated[SetNotificationsInput, strawberry.argument(description="Where and about what.")]
    ) -> SetNotificationsResult | None:
        """A person's address follows the person, not the client through which it was set."""
        context = info.context
        owner = _owner(context)
        if NotificationKind.PAID in input.kinds:
            context.require(READ_SETTLEMENTS)
        if not desk_of(context).mails:
            return _refused(context, ProblemCode.NOT_CONFIGURED, "This server sends no mail.", "このサーバーはメールを送信しません。")
        if (wrong := address_problem(input.email)) is not None:
            return _refused(context, ProblemCode.INPUT_INVALID, *wrong, "email")
        async with snapshot() as tx:
            home = await hooks.home_for(tx, owner.viewer)
        numbers = await ids.take(home, 2, context.machine_now)
        code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
        kinds = sorted({kind.value for kind in input.kinds})
        try:
            async with transaction() as tx:
                hook = await hook_mail.set_address(
                    tx, home, numbers, owner, input.email, input.language.value, kinds, code, context.machine_now
                )
        except hook_mail.TooSoon:
            return _refused(
                context,
                ProblemCode.TOO_MANY,
                "A code was mailed a moment ago.",
                "確認コードを送信したばかりです。少し待ってください。",
                "email",
            )
        return NotificationsSet(notifications=shown(hook))

    @strawberry.field(
        description=(
            "Takes the code that came by mail: from now on letters go to that address. Null only together with an entry in `errors`. "
            "Needs contracts:read."
        )
    )
    async def confirm_notifications(
        self, info: Info, input: Annotated[ConfirmNotificationsInput, strawberry.argument(description="The code from the mail.")]
    ) -> SetNotificationsResult | None:
        """Five tries in a day."""
        context = info.context
        owner = _owner(context)
        good = False
        async with transaction() as tx:
            home = await hooks.home_for(tx, owner.viewer)
            hook = await hook_mail.find(tx, home, owner, lock=True)
            if hook is not None:
                scope = await reading.scope_of(tx, owner.viewer)
                good = await hook_mail.confirm(tx, hook, input.code.strip(), scope.homes, context.machine_now)
                hook = await hooks.by_id(tx, home, hook.hook_id)
        if hook is None or not good:
            return _refused(
                context,
                ProblemCode.CODE_WRONG,
                "This is not the code, or it has ended: have another one sent.",
                "確認コードが違うか、期限が切れています。もう一度送信してください。",
                "code",
            )
        return NotificationsSet(notifications=shown(hook))
