"""The page of an invitation: a site opens one of its parties to a firm (records, section 1)."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.errors import HttpRefusal
from api.pages import Html, fill, say
from api.passwords import Busy, Passwords
from api.signin_browser import Browser, Visit
from domain.store import clock, grants_browser, people, people_invited
from domain.store.administration import Refused
from domain.store.connection import Tx, transaction

PATH = "/invitation"
LONGEST_CODE = 100


class Invited:
    """The invitation page of one application."""

    def __init__(self, browser: Browser, passwords: Passwords) -> None:
        self._browser, self._passwords = browser, passwords

    def routes(self) -> list[Route]:
        """For the application's table."""
        return [Route(PATH, self.show, methods=["GET"]), Route(PATH, self.accept, methods=["POST"])]

    async def show(self, request: Request) -> Response:
        """Who invites, and to what; then a button, or a form for a new firm."""
        return await self._page(await self._browser.visit(request), request.query_params.get("code", ""))

    async def accept(self, request: Request) -> Response:
        """Takes the party, for the firm that is signed in or for a new one."""
        visit = await self._browser.visit(request)
        try:
            fields = await self._browser.form(visit)
        except HttpRefusal as refusal:
            return self._browser.message(visit, "bad_request", status=refusal.status)
        if fields is None:
            return self._browser.stale(visit)
        code = fields.get("code", "")[:LONGEST_CODE]
        async with transaction() as tx:
            person = await self._browser.person(tx, visit)
        try:
            if person is not None:
                await people_invited.accept(code, person.user_id, machine_now=visit.machine_now)
                return self._browser.to("/account")
            return await self._accept_as_new(visit, code, fields)
        except Refused as refused:
            return await self._page(visit, code, refused.code, fields)
        except Busy:
            return await self._page(visit, code, "signin_busy", fields, status=503)

    async def _accept_as_new(self, visit: Visit, code: str, fields: dict[str, str]) -> Response:
        async with transaction() as tx:
            tried = await grants_browser.count_try(tx, f"\n{PATH}", visit.address, visit.machine_now)
            invitation = await people_invited.show(tx, code, visit.machine_now)
            now = await clock.business_now(tx, visit.machine_now)
        if tried.retry_after is not None:
            return await self._page(visit, code, "signin_slow", fields, status=429)
        if invitation is None:
            raise Refused("INVITATION", "gone")
        name, password = people.check_name(fields.get("user", "")[:200]), fields.get("password", "")
        people.check_password(password, name)
        _, user_id = await people_invited.accept_as_new(
            code,
            firm_name=fields.get("firm", ""),
            name=name,
            password_hash=await self._passwords.make(password),
            now=now,
            machine_now=visit.machine_now,
        )
        async with transaction() as tx:
            return await self._browser.sign_in(tx, visit, user_id, self._browser.to("/account"))

    async def _page(
        self, visit: Visit, code: str, problem: str | None = None, typed: dict[str, str] | None = None, *, status: int = 400
    ) -> Response:
        language, code = visit.language, code[:LONGEST_CODE]
        async with transaction() as tx:
            invitation = await people_invited.show(tx, code, visit.machine_now)
            if invitation is None:
                return self._browser.message(visit, "invitation_gone_says", title="invitation_gone", status=404)
            choices = await self._choices(tx, visit, code, typed or {})
        return self._browser.page(
            visit,
            "invitation",
            "invitation",
            status=200 if problem is None else status,
            site=invitation.site_name,
            says=say(
                "invitation_says",
                language,
                site=invitation.site_name,
                site_id=invitation.site_id,
                code=invitation.party_code,
                party=invitation.party_name,
            ),
            notice=Html("") if problem is None else fill("notice", language, says=say(problem, language, minutes=15)),
            choices=choices,
        )

    async def _choices(self, tx: Tx, visit: Visit, code: str, typed: dict[str, str]) -> Html:
        language, person = visit.language, await self._browser.person(tx, visit)
        if person is None:
            back = f"{PATH}?{urlencode({'code': code})}"
            signin = f"/signin?{urlencode({'next': back})}"
            firm, user = typed.get("firm", ""), typed.get("user", "")
            return fill("invitation_new", language, form=visit.form, code=code, signin=signin, firm=firm, user=user)
        if person.firm_id is None:
            return fill("notice", language, says=say("OPERATOR", language))
        firm = await tx.value("select name from firm where firm_id = $1", person.firm_id)
        who = say("invitation_as", language, user=person.name, firm=firm)
        return fill("invitation_accept", language, who=who, form=visit.form, code=code)
