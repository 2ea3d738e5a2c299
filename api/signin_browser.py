"""What a browser shows us: who is signed in with it, and that a form was really ours.

Cookies are `__Host-` ones where we are reached by https: no other host and no plain connection can set them. A form carries a keyed hash of
the cookie it was made for, and a browser that says where a form came from must name us.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.context import Language, language_of
from api.keys import Keys
from api.limits.door import address_of
from api.oauth.bridge import read_form
from api.options import ApiOptions
from api.pages import headers, page, say
from domain.store import grants_browser, people
from domain.store.connection import Tx, transaction

SEEN = 43  # characters of a cookie of ours


@dataclass(frozen=True, slots=True)
class Visit:
    """One request by a browser."""

    request: Request
    language: Language
    session: str | None  # the cookie of somebody signed in (perhaps no longer)
    anonymous: str  # the cookie of somebody who is not
    fresh: bool  # the anonymous cookie has yet to be set
    form_key: bytes
    machine_now: datetime

    @property
    def address(self) -> str:
        """Where the request comes from, for counting."""
        return address_of(self.request)

    def form_of(self, cookie: str) -> str:
        """What a form made for that cookie carries."""
        return hmac.digest(self.form_key, cookie.encode(), sha256).hex()

    @property
    def form(self) -> str:
        """What a form for this browser carries now."""
        return self.form_of(self.session or self.anonymous)


class Browser:
    """Sessions and forms of one application."""

    def __init__(self, options: ApiOptions, keys: Keys) -> None:
        self._options, self._keys = options, keys
        self.https = options.base_url.startswith("https://")
        prefix = "__Host-" if self.https else ""
        self._session_cookie, self._form_cookie = f"{prefix}kessai-session", f"{prefix}kessai-form"
        self._origin = "{0.scheme}://{0.netloc}".format(urlsplit(options.base_url))

    async def visit(self, request: Request) -> Visit:
        """Reads the cookies. Nothing is believed yet."""
        session, anonymous = (_cookie(request, name) for name in (self._session_cookie, self._form_cookie))
        loaded = await self._keys.current()
        return Visit(
            request=request,
            language=language_of(request.headers.get("accept-language")),
            session=session,
            anonymous=anonymous or secrets.token_urlsafe(32),
            fresh=anonymous is None,
            form_key=loaded.form_key,
            machine_now=self._options.machine_clock(),
        )

    async def person(self, tx: Tx, visit: Visit) -> people.Person | None:
        """Who is signed in; held until the end of the transaction."""
        if visit.session is None:
            return None
        user_id = await grants_browser.user_of(tx, visit.session, visit.machine_now)
        return None if user_id is None else await people.by_id(tx, user_id)

    async def form(self, visit: Visit) -> dict[str, str] | None:
        """The fields of a form of ours; None when it is not, or was made for another cookie (CSRF)."""
        fields = dict(await read_form(visit.request))
        origin = visit.request.headers.get("origin")
        if origin is not None and origin != self._origin:
            return None
        if visit.request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return None
        # `compare_digest` wants ASCII, and what came is anything.
        given = fields.pop("form", "").encode()
        if not hmac.compare_digest(given, visit.form.encode()) or any("\0" in value for value in fields.values()):
            return None
        return fields

    # ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def page(self, visit: Visit, name: Any, title: str, **values: Any) -> Response:
        """A page, with the cookie that its forms belong to."""
        return self._with_form(visit, page(name, visit.language, title, https=self.https, **values))

    def message(self, visit: Visit, says: str, *, title: str = "problem", status: int = 400) -> Response:
        """A page with a sentence and nothing to do."""
        return self.page(visit, "message", title, status=status, says=say(says, visit.language))

    def stale(self, visit: Visit) -> Response:
        """The answer to a form that is not ours."""
        return self.message(visit, "stale_form", status=403)

    def to(self, address: str) -> Response:
        """Goes on with GET, whatever came (303: a password is never sent on)."""
        return RedirectResponse(address, 303, headers=headers(https=self.https))

    async def sign_in(self, tx: Tx, visit: Visit, user_id: int, answer: Response) -> Response:
        """Signs this browser in, under a cookie that nobody has seen before."""
        if visit.session is not None:
            await grants_browser.end(tx, visit.session)
        token = await grants_browser.begin(tx, user_id, visit.machine_now)
        self._set(answer, self._session_cookie, token, int(grants_browser.SESSION_LIFE.total_seconds()))
        return answer

    async def sign_out(self, visit: Visit, answer: Response) -> Response:
        """Signs this browser out, here too."""
        if visit.session is not None:
            async with transaction() as tx:
                await grants_browser.end(tx, visit.session)
        self._set(answer, self._session_cookie, "", 0)
        return answer

    def _with_form(self, visit: Visit, answer: Response) -> Response:
        if visit.fresh:
            self._set(answer, self._form_cookie, visit.anonymous, None)
        return answer

    def _set(self, answer: Response, name: str, value: str, seconds: int | None) -> None:
        answer.set_cookie(name, value, max_age=seconds, path="/", secure=self.https, httponly=True, samesite="lax")


def _cookie(request: Request, name: str) -> str | None:
    value = request.cookies.get(name, "")
    return value if len(value) == SEEN and value.isascii() else None
