"""Media types, in and out."""

from __future__ import annotations

import pytest

from api.errors import HttpRefusal
from api.negotiate import GRAPHQL_JSON, JSON, answer_type, check_content_type


@pytest.mark.parametrize(
    "accept, answered",
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("APPLICATION/JSON; charset=utf-8", JSON),
        (GRAPHQL_JSON, GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}, application/json", GRAPHQL_JSON),
        (f"application/json, {GRAPHQL_JSON}", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON},application/json;q=0.9", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON};q=0.5, application/json", JSON),
        (f"{GRAPHQL_JSON};q=0.5, */*;q=0.1", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON};q=0, */*", JSON),
        ("application/json;q=0, */*;q=1", None),
        ("text/html, */*;q=0.1", JSON),
        ("text/event-stream", JSON),
        ("text/html", None),
        ("image/png, text/plain", None),
        ("*/*;q=0", None),
        ("application/json;q=nan", None),
        (";;,,q=1", None),
        (f"{GRAPHQL_JSON};q=oops", None),
    ],
)
def test_as_what_answers_leave(accept: str | None, answered: str | None):
    if answered is None:
        with pytest.raises(HttpRefusal) as refused:
            answer_type(accept)
        assert refused.value.status == 406
    else:
        assert answer_type(accept) == answered


@pytest.mark.parametrize(
    "content_type, good",
    [
        ("application/json", True),
        ("application/json; charset=utf-8", True),
        ('Application/JSON;charset="UTF-8"', True),
        ("application/json; charset=iso-8859-1", False),
        ("application/json; charset=utf-16", False),
        ("application/graphql", False),
        ("text/plain", False),
        ("application/x-www-form-urlencoded", False),
        ("multipart/form-data; boundary=x", False),
        ("", False),
        (None, False),
    ],
)
def test_as_what_requests_come(content_type: str | None, good: bool):
    if good:
        check_content_type(content_type)
    else:
        with pytest.raises(HttpRefusal) as refused:
            check_content_type(content_type)
        assert refused.value.status == 415
