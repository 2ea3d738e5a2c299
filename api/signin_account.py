"""One's own page: the firm's parties, the programs that hold tokens, the password. Releasing a party is the firm's alone."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.errors import HttpRefusal
from api.pages import Html, fill, say
from api.passwords import Busy, Passwords
from api.signin_browser import Browser, Visit
from domain.store import grants, grants_browser, people, releasing
from domain.store.administration import NotThere, Refused
from domain.store.connection import transaction

PATH = "/account"


class Account:
    """The account page of one application."""

    def __init__(self, browser: Browser, passwords: Passwords) -> None:
        self._browser, self._passwords = browser, passwords

    def routes(self) -> list[Route]:
        """For the application's table."""
        return [Route(PATH, self.show, methods=["GET"]), Route(PATH, self.act, methods=["POST"])]

    async def show(self, request: Request) -> Response:
        """The page of whoever is signed in."""
        return await self._page(await self._browser.visit(request))

    async def act(self, request: Request) -> Response:
        """Releases a party, ends a program's tokens, or changes the password."""
        visit = await self._browser.visit(request)
        try:
            fields = await self._browser.form(visit)
        except HttpRefusal as refusal:
            return self._browser.message(visit, "bad_request", status=refusal.status)
        if fields is None:
            return self._browser.stale(visit)
        async with transaction() as tx:
            person = await self._browser.person(tx, visit)
        if person is None:
            return self._browser.to("/signin?next=/account")
        match fields.get("act"):
            case "release":
                return await self._release(visit, person, fields.get("what", ""))
            case "end":
                async with transaction() as tx:
                    await grants.revoke_user(tx, person.user_id, visit.machine_now, fields.get("what", ""))
                return self._browser.to(PATH)
            case "password":
                return await self._password(visit, person, fields)
            case _:
                return self._browser.message(visit, "bad_request")

    async def _release(self, visit: Visit, person: people.Person, what: str) -> Response:
        site, _, code = what.partition("/")
        if person.firm_id is not None and site.isascii() and site.isdecimal() and len(site) <= 9:
            try:
                await releasing.release(person.firm_id, int(site), code)
            except NotThere:
                return self._browser.message(visit, "bad_request", status=404)
        return self._browser.to(PATH)

    async def _password(self, visit: Visit, person: people.Person, fields: dict[str, str]) -> Response:
        async with transaction() as tx:
            tried = await grants_browser.count_try(tx, person.name, visit.address, visit.machine_now)
        if tried.retry_after is not None:
            return await self._page(visit, "signin_slow", status=429)
        new = fields.get("new", "")
        try:
            if not await self._passwords.fits(person.password_hash, fields.get("old", "")[:1024]):
                return await self._page(visit, "signin_wrong", status=400)
            people.check_password(new, person.name)
            await people.set_password(person.name, await self._passwords.make(new), machine_now=visit.machine_now)
        except Refused as refused:
            return await self._page(visit, refused.code, status=400)
        except Busy:
            return await self._page(visit, "signin_busy", status=503)
        async with transaction() as tx:
            await grants_browser.good_try(tx, tried)
        return await self._browser.sign_out(visit, self._browser.message(visit, "password_changed", title="account", status=200))

    async def _page(self, visit: Visit, problem: str | None = None, *, status: int = 200) -> Response:
        language = visit.language
        async with transaction() as tx:
            person = await self._browser.person(tx, visit)
            if person is None:
                return self._browser.to("/signin?next=/account")
            parties = [] if person.firm_id is None else await people.parties_of(tx, person.firm_id)
            programs = await grants.consents_of(tx, person.user_id)
            firm = None if person.firm_id is None else await tx.value("select name from firm where firm_id = $1", person.firm_id)
        who = say("account_operator" if firm is None else "account_who", language, user=person.name, firm=firm or "")
        return self._browser.page(
            visit,
            "account",
            "account",
            status=status,
            notice=Html("") if problem is None else fill("notice", language, says=say(problem, language, minutes=15)),
            who=who,
            user=person.name,
            form=visit.form,
            parties=_rows(
                visit, "release", [(f"{row['site_id']}/{row['code']}", f"{row['site']} · {row['code']} {row['name']}") for row in parties]
            ),
            programs=_rows(visit, "end", [(row["client_id"], row["name"]) for row in programs]),
        )


def _rows(visit: Visit, act: str, rows: list[tuple[str, str]]) -> Html:
    language = visit.language
    button = say(f"t_{act}", language)
    filled = [fill("account_row", language, form=visit.form, act=act, what=what, name=name, button=button) for what, name in rows]
    return Html(f'<ul class="rows">{"".join(filled)}</ul>') if filled else Html(f"<p>{say('t_none', language)}</p>")
