"""README and docs/api.md are typed in, block by block, into a world that was just started; every operation in any document is valid."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

from tests.docs.acts import ACTS
from tests.docs.running import ROOT, Reader, Shell, blocks, pattern, world

DOCUMENTS = sorted(str(path.relative_to(ROOT)) for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
RUN = {"docs/api.md": 18, "README.md": 1}  # with so many answers at least; the first one finds the world as it begins


@pytest.mark.parametrize("document", [document for document in DOCUMENTS if any(block.language == "graphql" for block in blocks(document))])
def test_operations_in_documents_are_valid(document: str):
    schema = build_schema((ROOT / "schema.graphql").read_text(encoding="utf-8"))
    wrong = [
        f"{document}:{block.line} {error.message}"
        for block in blocks(document)
        if block.language == "graphql"
        for error in validate(schema, parse(block.text))
        if "anonymous operation" not in error.message  # a read and what follows it may stand in one block
    ]
    assert not wrong


@pytest.fixture
def up(tmp_path: Path, database_url: str, redis_url: str) -> Iterator[tuple[Path, dict[str, str], str]]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KESSAI_")}
    environment = {**kept, "DATABASE_URL": database_url, "REDIS_URL": redis_url, "LANG": "C.UTF-8"}
    with world(tmp_path, environment) as api:
        yield tmp_path, environment, api


@pytest.mark.slow
def test_what_is_written_is_so(up: tuple[Path, dict[str, str], str]):
    directory, environment, api = up
    for document, answers in RUN.items():
        shell = Shell(directory, environment)
        try:
            assert Reader(document, directory, api, shell, ACTS).read() >= answers
        finally:
            shell.close()


@pytest.mark.parametrize(
    "wanted, said, fits",
    [
        ('{"a":…}', '{"a":1}', True),
        ('{"a":"‹x›","b":"‹x›"}', '{"a":"1","b":"1"}', True),
        ('{"a":"‹x›","b":"‹x›"}', '{"a":"1","b":"2"}', False),
        ('{"a":1}', '{"a":1,"b":2}', False),
    ],
)
def test_answers_are_compared(wanted: str, said: str, fits: bool):
    assert bool(pattern(wanted).fullmatch(said)) is fits
