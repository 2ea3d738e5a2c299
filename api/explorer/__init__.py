"""The explorer (操作の試し書き): a page to write operations, read the schema and see answers. It needs no other server and no token itself.

Without a token it shows nothing of the schema: it asks for that after somebody has signed in, like every other client.
"""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

HERE = Path(__file__).parent
FILES = {
    "/explorer": ("page.html", "text/html"),
    "/explorer/explorer.js": ("explorer.js", "text/javascript"),
    "/explorer/schema.js": ("schema.js", "text/javascript"),
    "/explorer/person.js": ("person.js", "text/javascript"),
    "/explorer/explorer.css": ("explorer.css", "text/css"),
}
# Nothing from elsewhere, nothing inline, nowhere else to send to, in nobody's frame.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-cache",
}


def explorer_routes() -> list[Route]:
    """The page and what it is made of, read once."""
    return [_route(path, (HERE / name).read_bytes(), media_type) for path, (name, media_type) in FILES.items()]


def _route(path: str, content: bytes, media_type: str) -> Route:
    async def serve(_request: Request) -> Response:
        return Response(content, headers=HEADERS, media_type=media_type)

    return Route(path, serve, methods=["GET"])
