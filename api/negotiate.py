"""Media types, as GraphQL over HTTP has them: what a request may be sent as, and as what its answer leaves."""

from __future__ import annotations

from api.errors import ErrorCode, HttpRefusal

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
EVENT_STREAM = "text/event-stream"
UTF8 = frozenset({"utf-8", "utf8", "us-ascii"})


def check_content_type(content_type: str | None) -> None:
    """Raises HttpRefusal (415) unless the body is said to be JSON in UTF-8. Forms are not: a page could send one unasked (CSRF)."""
    media_type, _, parameters = (content_type or "").partition(";")
    charset = "utf-8"
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            charset = value.strip().strip('"').lower()
    if media_type.strip().lower() != JSON or charset not in UTF8:
        raise HttpRefusal.media_type(JSON)


def ranges(accept: str) -> dict[str, float]:
    """The media ranges of an Accept header with their weights; what cannot be read counts as not there."""
    found: dict[str, float] = {}
    for part in accept.split(","):
        name, *parameters = (piece.strip() for piece in part.lower().split(";"))
        weight = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "q":
                try:
                    weight = min(max(float(value), 0.0), 1.0)
                except ValueError:
                    weight = 0.0
        if name:
            found[name] = max(found.get(name, 0.0), weight if weight == weight else 0.0)  # noqa: PLR0124 - NaN
    return found


def answer_type(accept: str | None) -> str:
    """As what the answer leaves: the heavier of the two types, the newer one where it is named and they weigh the same, else JSON.

    Raises HttpRefusal (406): the client takes neither.
    """
    asked = ranges(accept or "*/*") or {"*/*": 1.0}
    general = asked.get("application/*", asked.get("*/*", 0.0))
    new, plain = asked.get(GRAPHQL_JSON, 0.0), asked.get(JSON, general)
    if new > 0 and new >= plain:
        return GRAPHQL_JSON
    if plain > 0:
        return JSON
    if EVENT_STREAM in asked:
        return JSON  # whoever follows events gets refusals as JSON
    japanese = f"応答は {JSON} か {GRAPHQL_JSON} です。"
    raise HttpRefusal(406, ErrorCode.BAD_USER_INPUT, f"Answers are {JSON} or {GRAPHQL_JSON}.", japanese=japanese)
