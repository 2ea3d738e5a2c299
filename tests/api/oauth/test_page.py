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


def test_it_goes_through_every_section_of_rfc_9700():
    """2.1 to 2.6 and 4.1 to 4.17; those that are nobody's but an implicit grant's are said with 2.1.2."""
    rows = re.findall(r"^\| ([\d., ]+) \|", text(PAGE), re.MULTILINE)
    sections = {section for row in rows for section in re.split(r", ", row)}
    wanted = {"2.1", "2.1.1", "2.1.2", "2.2.1", "2.2.2", "2.3", "2.4", "2.5", "2.6", *(f"4.{number}" for number in range(1, 18))}
    assert sorted(wanted - sections) == []
