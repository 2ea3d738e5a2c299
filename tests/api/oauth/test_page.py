"""docs/security.md names tests that there are, and goes through all that concerns us."""

import re
from pathlib import PurePosixPath

from tests.house.sources import python_files, text

PAGE = PurePosixPath("docs/security.md")


def test_every_test_that_the_page_names_is_there():
    named = set(re.findall(r"`(test_\w+)`", text(PAGE)))
    there = {name for path in python_files("tests") for name in re.findall(r"^(?:async )?def (test_\w+)", text(path), re.MULTILINE)}
    assert len(named) > 50
    assert sorted(named - there) == []
