"""What docs/webhooks.md tells integrators to paste is what works."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from graphql import parse, validate

from api.schema import schema
from domain import signing

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")
SECRET = "whsec_a2Vzc2FpLXRlc3Qtc2VjcmV0LTAwMDE="


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", TEXT, flags=re.DOTALL)


def test_the_python_that_checks_a_signature():
    found: dict[str, Any] = {}
    (code,) = blocks("python")
    exec(code, found)  # noqa: S102 - our own document
    body, now = b'{"data":{}}', datetime.now(UTC)
    headers = signing.sign([SECRET], "e1-w2", now, body)
    assert found["verified"](SECRET, headers, body)
    assert not found["verified"](SECRET, headers, body + b" ")
    assert not found["verified"](SECRET, {**headers, "webhook-timestamp": "1"}, body)
    old = signing.sign(["whsec_b3RoZXI=", SECRET], "e1-w2", now, body)
    assert found["verified"](SECRET, old, body), "one of two"


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node here")
def test_the_javascript_that_checks_a_signature(tmp_path: Path):
    (code,) = blocks("js")
    headers = signing.sign([SECRET], "e1-w2", datetime.now(UTC), b"{}")
    check = f"\nconsole.log(verified('{SECRET}', {headers!r}, Buffer.from('{{}}')), verified('{SECRET}', {headers!r}, Buffer.from('x')));"
    (tmp_path / "check.mjs").write_text(code + check, encoding="utf-8")
    assert subprocess.check_output(["node", str(tmp_path / "check.mjs")], text=True).split() == ["true", "false"]


@pytest.mark.parametrize("block", blocks("graphql"))
def test_operations_fit_the_schema(block: str):
    assert validate(schema._schema, parse(block)) == []
