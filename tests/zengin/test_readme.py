"""The library's own page: its example runs, and prints what the page says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import zengin

README = (Path(zengin.__file__).parent / "README.md").read_text("utf-8")


def test_the_example_runs_and_prints_what_is_shown():
    (code,) = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    (shown,) = re.findall(r"^```text\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(code, "README.md", "exec"), {})  # noqa: S102 - our own page
    assert said.getvalue() == shown


def test_every_name_that_the_page_mentions_is_there():
    known = {*dir(zengin), *dir(zengin.kana), *dir(zengin.dates)}
    calls = set(re.findall(r"`([a-z_]+)\(|`([A-Z][A-Za-z_]+)[(`]", README))
    names = {name for pair in calls for name in pair if name} - {"MMDD", "write"}
    assert names - known == set()
    assert len(names) > 10
