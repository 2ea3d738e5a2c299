"""What a resolver may know of its request."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from api.errors import ApiError, ErrorCode
from api.turns import Turns
from domain.access import Viewer

if TYPE_CHECKING:
    from api.documents import Prepared
    from api.limits.price import Cost
    from api.webhooks.desk import Desk

Language = Literal["en", "ja"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who holds the token: a site's or firm's own program, or a person (`user_id`) of a firm or an operator, through a frontend.

    `scopes` are those that the token has and its client still has. At `expires_at` (machine time) the token ends.
    """

    client_id: str
    name: str
    site_id: int | None
    firm_id: int | None
    scopes: frozenset[str]
    viewer: Viewer
    user_id: int | None = None
    expires_at: datetime | None = None


@dataclass(slots=True)
class Context:
    """One request. `now` is business time, read once; `machine_now` is the system's.

    `prepared` is the document that runs; `answer` is what `registerContracts` answers when its work was done before execution
    (api.batch). `invitations` is where invitations are accepted (None: not here). `cost` is what the operation costs. `desk` checks what is
    to be stored (webhooks); only what comes by POST has one. `loaders` belongs to whoever needs something once per request, under a name of
    his own.
    """

    caller: Caller
    request_id: str
    now: datetime
    machine_now: datetime
    language: Language
    cursor_key: bytes
    batch_items: int
    loose_items: int
    prepared: Prepared | None = None
    invitations: str | None = None
    answer: Any = None
    cost: Cost | None = None
    desk: Desk | None = None
    loaders: dict[str, Any] = field(default_factory=dict)
    turns: Turns = field(default_factory=Turns.begin)

    @property
    def viewer(self) -> Viewer:
        """For whom the answer is: `domain.access` decides by it."""
        return self.caller.viewer

    def say(self, english: str, japanese: str) -> str:
        """The sentence in the caller's language."""
        return japanese if self.language == "ja" else english

    def require(self, scope: str) -> None:
        """Raises INSUFFICIENT_SCOPE unless the token has the scope."""
        if scope not in self.caller.scopes:
            raise ApiError(
                ErrorCode.INSUFFICIENT_SCOPE,
                self.say(f"This needs the scope {scope}.", f"この操作にはスコープ {scope} が必要です。"),
                wanted=scope,
            )


def language_of(accept_language: str | None) -> Language:
    """Japanese if `Accept-Language` prefers it to English, else English."""
    best: dict[str, float] = {}
    for part in (accept_language or "").split(","):
        tag, _, parameters = part.strip().partition(";")
        primary = tag.split("-", 1)[0].strip().lower()
        if primary in {"en", "ja"}:
            name, _, value = parameters.strip().partition("=")
            try:
                weight = float(value) if name.strip() == "q" else 1.0
            except ValueError:
                weight = 0.0
            best[primary] = max(best.get(primary, 0.0), weight)
    return "ja" if best.get("ja", 0.0) > best.get("en", 0.0) else "en"
