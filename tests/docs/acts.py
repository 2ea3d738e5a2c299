"""What only a person can do in a document, done for the tests."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import httpx2

from tests.docs.running import Reader


def sign_in(reader: Reader) -> None:
    """Opens `$page` in a browser, signs in as B社, allows it, and keeps what the redirection to the frontend carries."""
    page = reader.shell.run('printf %s "$page"')
    person = json.loads((reader.directory / "var" / "sandbox.json").read_text(encoding="utf-8"))["parties"]["B社"]
    fields = [{"user": person["username"], "password": person["password"]}, {"decision": "allow"}]
    with httpx2.Client(base_url=reader.api, trust_env=False, headers={"origin": reader.api}) as browser:
        answer = browser.get(page)
        while not (where := answer.headers.get("location", "")).startswith("http://127.0.0.1/callback"):
            if where:
                answer = browser.get(where)
                continue
            action, inner = re.findall(r'<form method="post" action="([^"]*)">(.*?)</form>', answer.text, re.DOTALL)[0]
            hidden = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', inner))
            given = {name: html.unescape(value) for name, value in hidden.items()} | fields.pop(0)
            answer = browser.post(html.unescape(action), data=given)
    reader.keep({name: values[0] for name, values in parse_qs(urlsplit(where).query).items() if name in {"code", "state", "iss"}})


ACTS: dict[str, Callable[[Reader], None]] = {"sign_in": sign_in}
