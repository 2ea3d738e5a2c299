"""The authorization endpoint (RFC 6749 section 3.1): a person lets a frontend have tokens.

Authlib's own is not used here: what is checked is short, its errors must speak two languages, and until client and redirect address are known
to be good nothing may be sent anywhere (RFC 9700, 4.11.2). PKCE with S256 is asked of every client, confidential ones too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.errors import HttpRefusal
from api.oauth.bridge import read_pairs
from api.oauth.clients import Client
from api.options import ApiOptions
from api.pages import Html, say
from api.pages import fill as fill_template
from api.signin_browser import Browser, Visit
from domain.store import credentials, grants
from domain.store.connection import Tx, transaction
from domain.store.people import Person

PATH = "/oauth/authorize"
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
STATE = re.compile(r"[\x20-\x7e]{1,1000}")
LONGEST_QUERY = 8_192
LOOPBACK = frozenset({"127.0.0.1", "::1"})
REMEMBERED_FOR = frozenset({"https"})  # by other addresses any program on the machine may pretend to be the frontend (RFC 8252, 8.6)


class NoClient(Exception):
    """Client or redirect address are not good: the browser stays here. `says` is the sentence's key."""

    def __init__(self, says: str) -> None:
        super().__init__(says)
        self.says = says


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error that the frontend is told."""

    error: str
    description: str


@dataclass(frozen=True, slots=True)
class Wish:
    """An authorization request whose client and redirect address are good."""

    client: Client
    redirect_uri: str
    state: str | None
    scope: str
    challenge: str
    refusal: Refusal | None

    @property
    def name(self) -> str:
        """What the frontend is called."""
        assert self.client.stored is not None
        return self.client.stored.name

    @property
    def target(self) -> str:
        """The origin that the browser goes back to; of an app's own address only the scheme."""
        parts = urlsplit(self.redirect_uri)
        return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"


async def wish_of(tx: Tx, query: str, audience: str) -> Wish:
    """Reads an authorization request. Raises NoClient while nothing may be sent to anybody."""
    try:
        if len(query) > LONGEST_QUERY or "%00" in query:
            raise NoClient("bad_request")
        asked = dict(read_pairs(query.encode("latin-1", "replace")))
    except HttpRefusal:
        raise NoClient("bad_request") from None
    client_id, redirect_uri = asked.get("client_id", ""), asked.get("redirect_uri", "")
    client = Client(client_id, await credentials.client(tx, client_id))
    if not client.frontend or client.stored is None:
        raise NoClient("bad_client")
    if not registered(redirect_uri, client.stored.redirect_uris):
        raise NoClient("bad_redirect")
    state = asked.get("state")
    good_state = state is None or STATE.fullmatch(state) is not None
    scope = client.get_allowed_scope(asked.get("scope"))
    refusal = None
    if not good_state:
        refusal = Refusal("invalid_request", "state has 1 to 1000 printable ASCII characters")
    elif asked.get("response_type") != "code":
        refusal = Refusal("unsupported_response_type", "response_type is code")
    elif asked.get("response_mode", "query") != "query":
        refusal = Refusal("invalid_request", "response_mode is query")
    elif "request" in asked or "request_uri" in asked:
        refusal = Refusal("request_uri_not_supported" if "request_uri" in asked else "request_not_supported", "send plain parameters")
    elif asked.get("code_challenge_method") != "S256" or not CHALLENGE.fullmatch(asked.get("code_challenge", "")):
        refusal = Refusal("invalid_request", "PKCE is required: code_challenge with code_challenge_method S256")
    elif asked.get("resource", audience) != audience:
        refusal = Refusal("invalid_target", "tokens are for this API only")
    elif scope is None:
        refusal = Refusal("invalid_scope", "this client may not have that")
    return Wish(client, redirect_uri, state if good_state else None, scope or "", asked.get("code_challenge", ""), refusal)


def registered(uri: str, among: tuple[str, ...]) -> bool:
    """Whether a redirect address is one of those, character by character. Only an app's loopback port is its own choice, where the
    registered address has none (RFC 8252 section 7.3).
    """
    if uri in among:
        return True
    try:
        parts = urlsplit(uri)
        if parts.scheme != "http" or parts.hostname not in LOOPBACK or parts.port is None:
            return False
    except ValueError:
        return False
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    if parts.netloc != f"{host}:{parts.port}":
        return False
    return uri.replace(f"//{parts.netloc}", f"//{host}", 1) in among


class Authorize:
    """The authorization endpoint of one application."""

    def __init__(self, options: ApiOptions, browser: Browser) -> None:
        self._options, self._browser = options, browser

    def routes(self) -> list[Route]:
        """For the application's table."""
        return [Route(PATH, self.ask, methods=["GET"]), Route(PATH, self.decide, methods=["POST"])]

    async def target(self, tx: Tx, address: str) -> str | None:
        """Where an authorization request at that address may lead in the end: for `form-action` of the sign-in page."""
        path, _, query = address.partition("?")
        if path != PATH:
            return None
        try:
            return (await wish_of(tx, query, self._options.audience)).target
        except NoClient:
            return None

    async def ask(self, request: Request) -> Response:
        """GET: to the sign-in page, the consent page, or back with a code."""
        return await self._serve(request, None)

    async def decide(self, request: Request) -> Response:
        """POST: what was said on the consent page."""
        visit = await self._browser.visit(request)
        try:
            fields = await self._browser.form(visit)
        except HttpRefusal as refusal:
            return self._browser.message(visit, "bad_request", status=refusal.status)
        if fields is None:
            return self._browser.stale(visit)
        return await self._serve(request, fields.get("decision", ""))

    async def _serve(self, request: Request, decision: str | None) -> Response:
        visit, query = await self._browser.visit(request), request.url.query
        async with transaction() as tx:
            try:
                wish = await wish_of(tx, query, self._options.audience)
            except NoClient as stays:
                return self._browser.message(visit, stays.says)
            if wish.refusal is not None:
                return self._back(wish, error=wish.refusal.error, error_description=wish.refusal.description)
            person = await self._browser.person(tx, visit)
            if person is None:
                return self._browser.to(f"/signin?{urlencode({'next': f'{PATH}?{query}'})}")
            granted = [scope for scope in wish.scope.split() if scope in person.scopes]
            if decision not in {None, "allow"} or not granted:
                return self._back(wish, error="access_denied", error_description="nothing was allowed")
            if decision is None and not await self._allowed_before(tx, wish, person, granted):
                return self._consent_page(visit, wish, person, granted, query)
            await grants.remember_consent(tx, person.user_id, wish.client.client_id, granted, visit.machine_now)
            code = await grants.new_code(
                tx,
                client_id=wish.client.client_id,
                user_id=person.user_id,
                redirect_uri=wish.redirect_uri,
                scope=" ".join(granted),
                challenge=wish.challenge,
                machine_now=visit.machine_now,
            )
            return self._back(wish, code=code)

    async def _allowed_before(self, tx: Tx, wish: Wish, person: Person, granted: list[str]) -> bool:
        if urlsplit(wish.redirect_uri).scheme not in REMEMBERED_FOR:
            return False
        return set(granted) <= await grants.consented(tx, person.user_id, wish.client.client_id)

    def _consent_page(self, visit: Visit, wish: Wish, person: Person, granted: list[str], query: str) -> Response:
        language = visit.language
        items = Html("".join(fill_template("item", language, says=say(scope, language)) for scope in granted))
        return self._browser.page(
            visit,
            "consent",
            "consent",
            form_target=wish.target,
            client=wish.name,
            who=say("consent_who", language, user=person.name),
            asks=say("consent_asks", language, client=wish.name),
            goes=say("consent_goes", language, target=wish.target),
            scopes=items,
            action=f"{PATH}?{query}",
            form=visit.form,
        )

    def _back(self, wish: Wish, **answer: str) -> Response:
        """To the frontend, with `state` as it came and `iss`, so that it sees who answers (RFC 9207)."""
        parts = urlsplit(wish.redirect_uri)
        state = {} if wish.state is None else {"state": wish.state}
        given = [*parse_qsl(parts.query, keep_blank_values=True), *(answer | state | {"iss": self._options.base_url}).items()]
        return self._browser.to(urlunsplit(parts._replace(query=urlencode(given))))
