"""The server's own pages: sign-in, consent, invitations, one's account. Japanese and English, no scripts, nothing from elsewhere.

Templates are HTML with `$name` places; everything that is put into them is escaped unless it is `Html` that was made here.
"""

from __future__ import annotations

import functools
import html
from importlib import resources
from string import Template
from typing import Literal

from starlette.responses import Response

from api.context import Language
from api.pages.texts import TEXTS

Page = Literal["signin", "consent", "invitation", "account", "message"]


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


@functools.cache
def _template(name: str) -> Template:
    return Template((resources.files(__name__) / f"{name}.html").read_text(encoding="utf-8"))


@functools.cache
def style() -> bytes:
    """The style sheet."""
    return (resources.files(__name__) / "style.css").read_bytes()


def fill(name: str, language: Language, /, **values: object) -> Html:
    """A template with its texts and values."""
    texts = {key: html.escape(pair[language == "ja"]) for key, pair in TEXTS.items()}
    given = {key: value if isinstance(value, Html) else html.escape(str(value)) for key, value in values.items()}
    return Html(_template(name).substitute(texts | given))


def say(key: str, language: Language, **values: object) -> str:
    """A sentence with its values, not escaped."""
    return Template(TEXTS[key][language == "ja"]).substitute({name: str(value) for name, value in values.items()})


def page(
    name: Page, language: Language, title: str, *, status: int = 200, form_target: str | None = None, https: bool = True, **values: object
) -> Response:
    """A whole page.

    Args:
        name: Its template.
        language: Of its texts.
        title: Key of its heading.
        status: HTTP status.
        form_target: Where else than here a form's answer may lead (`form-action` binds redirects too): the frontend's origin.
        https: Whether we are reached by https.
        values: For the template.
    """
    heading = say(title, language, **values)
    body = fill("frame", language, lang=language, title=heading, content=fill(name, language, heading=heading, **values))
    return Response(body.encode(), status, headers=headers(form_target, https=https), media_type="text/html; charset=utf-8")


def headers(form_target: str | None = None, *, https: bool = True) -> dict[str, str]:
    """What goes with every page: in no frame, kept nowhere, no script, no sniffing, no address to strangers."""
    action = "'self'" if form_target is None else f"'self' {form_target}"
    found = {
        "content-security-policy": f"default-src 'none'; style-src 'self'; img-src 'self'; form-action {action}; frame-ancestors 'none'; base-uri 'none'",
        "x-frame-options": "DENY",
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cache-control": "no-store",
        "vary": "accept-language, cookie",
    }
    return found | {"strict-transport-security": "max-age=31536000"} if https else found
