"""Signing in and out [0032]: user ID and password, without scripts.

Nothing here tells whether there is such a user: one answer, one time class, and tries are counted by what was typed.
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.errors import HttpRefusal
from api.oauth.authorize import PATH as AUTHORIZE
from api.oauth.authorize import Authorize
from api.pages import Html, fill, say, style
from api.passwords import Busy, Passwords
from api.signin_browser import Browser, Visit
from domain.store import grants, grants_browser, people
from domain.store.connection import transaction

GOES_ON = frozenset({AUTHORIZE, "/account", "/invitation"})
LONGEST_NEXT = 9_000


def safe_next(address: str) -> str:
    """Where to go after signing in: one of our own pages, or the account's (no open redirect)."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "/account"
    good = not parts.scheme and not parts.netloc and parts.path in GOES_ON and len(address) <= LONGEST_NEXT and address.isprintable()
    return address if good and address.isascii() and address.startswith(parts.path) else "/account"


class SignIn:
    """The sign-in page of one application."""

    def __init__(self, browser: Browser, authorize: Authorize, passwords: Passwords) -> None:
        self._browser, self._authorize, self._passwords = browser, authorize, passwords

    def routes(self) -> list[Route]:
        """For the application's table."""
        return [
            Route("/signin", self.show, methods=["GET"]),
            Route("/signin", self.sign_in, methods=["POST"]),
            Route("/signout", self.sign_out, methods=["POST"]),
            Route("/assets/kessai.css", self.style, methods=["GET"]),
        ]

    async def style(self, _request: Request) -> Response:
        """The style sheet of all pages."""
        return Response(style(), headers={"cache-control": "public, max-age=3600"}, media_type="text/css; charset=utf-8")

    async def show(self, request: Request) -> Response:
        """The empty form."""
        visit = await self._browser.visit(request)
        return await self._form(visit, request.query_params.get("next", ""), "")

    async def sign_in(self, request: Request) -> Response:
        """Looks at a user ID and a password."""
        visit = await self._browser.visit(request)
        try:
            fields = await self._browser.form(visit)
        except HttpRefusal as refusal:
            return self._browser.message(visit, "bad_request", status=refusal.status)
        if fields is None:
            return self._browser.stale(visit)
        typed, goes_on = fields.get("user", "")[:200], fields.get("next", "")
        name = people.normal_name(typed)[:64]
        async with transaction() as tx:
            tried = await grants_browser.count_try(tx, name, visit.address, visit.machine_now)
            person = await people.by_name(tx, name)
        if tried.retry_after is not None:
            return await self._form(visit, goes_on, typed, "signin_slow", status=429, wait=tried.retry_after)
        try:
            fits = await self._passwords.fits(person.password_hash if person else None, fields.get("password", "")[:1024])
        except Busy:
            return await self._form(visit, goes_on, typed, "signin_busy", status=503, wait=timedelta(seconds=5))
        async with transaction() as tx:
            await grants.forget_expired(tx, visit.machine_now)
            if person is None or person.stopped or not fits:
                signed_in = None
            else:
                await grants_browser.good_try(tx, tried)
                signed_in = await self._browser.sign_in(tx, visit, person.user_id, self._browser.to(safe_next(goes_on)))
        return signed_in or await self._form(visit, goes_on, typed, "signin_wrong", status=400)

    async def sign_out(self, request: Request) -> Response:
        """Ends the session."""
        visit = await self._browser.visit(request)
        try:
            fields = await self._browser.form(visit)
        except HttpRefusal as refusal:
            return self._browser.message(visit, "bad_request", status=refusal.status)
        if fields is None:
            return self._browser.stale(visit)
        return await self._browser.sign_out(visit, self._browser.message(visit, "signed_out_says", title="signed_out", status=200))

    async def _form(
        self, visit: Visit, goes_on: str, typed: str, problem: str | None = None, *, status: int = 200, wait: timedelta | None = None
    ) -> Response:
        goes_on, language = safe_next(goes_on), visit.language
        async with transaction() as tx:
            target = await self._authorize.target(tx, goes_on)
        minutes = 0 if wait is None else max(1, -(-int(wait.total_seconds()) // 60))
        notice = Html("") if problem is None else fill("notice", language, says=say(problem, language, minutes=minutes))
        answer = self._browser.page(
            visit, "signin", "signin", status=status, form_target=target, notice=notice, form=visit.form, next=goes_on, user=typed
        )
        if wait is not None:
            answer.headers["retry-after"] = str(max(1, int(wait.total_seconds())))
        return answer
