"""The composition root of the API."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route, WebSocketRoute

from api.edge import Edge, nowhere
from api.explorer import explorer_routes
from api.exports import Exports
from api.external import ExternalVerifier
from api.health import Health
from api.hooks import Hooks
from api.http import GraphQL
from api.keys import Keys
from api.limits.door import Door
from api.live.socket import SocketApp
from api.oauth import OAuth
from api.oauth.authorize import Authorize
from api.options import ApiOptions
from api.passwords import Passwords
from api.resource import Resource
from api.schema import schema
from api.signin import SignIn
from api.signin_account import Account
from api.signin_browser import Browser
from api.signin_invited import Invited
from api.tokens import Verifier
from domain.store.connection import open_store


def create_app(options: ApiOptions) -> Starlette:
    """The API as an ASGI application. It opens the store when it starts and closes it when it stops.

    Raises (at start) StoreUnavailable when the database cannot be reached.
    """
    keys = Keys(options.machine_clock)
    door = Door(verifier_of(options, keys), options.limits, options.redis_url, options.machine_clock)
    graphql = GraphQL(schema, options, door, keys)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with open_store(options.database_url, application_name="kessai api"):
            await keys.current()
            # What has been imported stays for ever: looking it through at each full collection would stop everybody for 100 ms and more.
            gc.freeze()
            try:
                async with graphql.live.running():
                    yield
            finally:
                await door.close()
                gc.unfreeze()

    routes = [
        Route("/graphql", graphql.serve, methods=["DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT"]),
        WebSocketRoute("/graphql", SocketApp(graphql.live)),
        *(people_routes(options, keys, door) if options.issuer is None else []),
        *Resource(options).routes(),
        *(explorer_routes() if options.explorer else ()),
        *Exports(options, door, keys).routes(),
        *Hooks(options).routes(),
        *Health(options).routes(),
    ]
    around = [Middleware(Edge, options.cors_origins)]
    app = Starlette(routes=routes, middleware=around, exception_handlers={HTTPException: nowhere}, lifespan=lifespan)
    app.state.live = graphql.live
    return app


def verifier_of(options: ApiOptions, keys: Keys) -> Verifier:
    """Whose tokens are good: ours, or those of the external issuer and nobody else's."""
    if options.issuer is not None:
        return ExternalVerifier(keys, options.issuer, options.machine_clock)
    return Verifier(keys, options.base_url, options.audience, options.machine_clock)


def people_routes(options: ApiOptions, keys: Keys, door: Door) -> list[Route]:
    """The authorization server and its pages."""
    browser, passwords = Browser(options, keys), Passwords()
    authorize = Authorize(options, browser)
    rooms = (
        OAuth(options, keys, door),
        authorize,
        SignIn(browser, authorize, passwords),
        Invited(browser, passwords),
        Account(browser, passwords),
    )
    return [route for room in rooms for route in room.routes()]
