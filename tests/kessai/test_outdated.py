"""A world that another version has made is named, with what to do, before anything stumbles over it."""

from pathlib import Path
from typing import Any

import pytest

from domain.store.connection import transaction
from kessai.processes import Child, Program, python
from kessai.stage import require_this_version
from kessai.trouble import Trouble


async def test_a_world_of_this_version_is_taken(store: Any):
    await require_this_version()


@pytest.mark.parametrize(
    "change, found",
    [
        ("alter table firm drop column name cascade", "firm.name is in the models, not in the database"),
        ("alter table firm add column surplus int", "firm.surplus is in the database, not in the models"),
        ("drop table lease", "the database lacks table lease"),
    ],
)
async def test_a_world_of_another_version_is_refused(store: Any, change: str, found: str):
    async with transaction() as tx:
        await tx.run(change)
    with pytest.raises(Trouble) as refused:
        await require_this_version()
    assert (refused.value.code, refused.value.exit_status) == ("WORLD_OUTDATED", 2)
    assert found in refused.value.why
    assert refused.value.do[0].startswith("kessai up --reset")


@pytest.mark.parametrize(
    "lines, said",
    [
        ("one\ntwo\n", "two"),
        (
            '{"event": "Traceback\\n  File\\nKeyError: no such column"}\n{"event": "Application startup failed. Exiting."}\n',
            "KeyError: no such column",
        ),
        ('{"event": "it broke", "exception": "Traceback\\nValueError: why"}\n', "ValueError: why"),
        ("Application startup failed. Exiting.\n", ""),
    ],
)
def test_last_words_say_why(tmp_path: Path, lines: str, said: str):
    child = Child(Program("api", python("-c", f"print({lines!r}, end='')")), tmp_path / "api.log")
    child.process.wait()
    assert child.last_words() == said
