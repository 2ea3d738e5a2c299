"""What we say about ourselves as a protected resource (RFC 9728): whose tokens we take, so that a client need not be told."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.oauth.grants import SCOPES
from api.options import ApiOptions

PATH = "/.well-known/oauth-protected-resource"


class Resource:
    """The description of one application's API."""

    def __init__(self, options: ApiOptions) -> None:
        self._options = options

    def routes(self) -> list[Route]:
        """For the application's table: for the server, and for the endpoint by its path."""
        return [Route(PATH, self.describe, methods=["GET"]), Route(f"{PATH}/graphql", self.describe, methods=["GET"])]

    async def describe(self, _request: Request) -> Response:
        """The document."""
        issuer = self._options.issuer
        return JSONResponse(
            {
                "resource": self._options.audience,
                "authorization_servers": [self._options.base_url if issuer is None else issuer.url],
                "scopes_supported": list(SCOPES),
                "bearer_methods_supported": ["header"],
            },
            headers={"cache-control": "public, max-age=300"},
        )
