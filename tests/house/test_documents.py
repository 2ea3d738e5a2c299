"""Documents that must exist, numbers that must be explained, words that must not be used."""

import re
from pathlib import PurePosixPath

import pytest

from tests.house.sources import ROOMS, ROOT, files, text

NUMBERS = {"R": 60, "B": 4, "P": 30, "S": 65, "I": 20}
CITED = re.compile(r"(?<![\w.#&])([RBPSI]\d\d)(?!\w)")


def explained() -> set[str]:
    return set(re.findall(r"^- \*\*([RBPSI]\d\d)\*\* \S", text(PurePosixPath("docs/requirements.md")), re.MULTILINE))


@pytest.mark.parametrize(
    "document",
    [
        "README.md", "LICENSE", "CHANGELOG.md", "Makefile", "schema.graphql", "docker/Dockerfile", "docker/compose.yaml",
        "docs/architecture.md", "docs/glossary.md", "docs/requirements.md", "docs/settings.md", "docs/decisions/template.md",
    ],
)  # fmt: skip
def test_documents_exist(document: str):
    assert (ROOT / document).is_file()
    assert (ROOT / document).stat().st_size > 200


def test_every_number_is_explained_once():
    lines = re.findall(r"^- \*\*([RBPSI]\d\d)\*\*", text(PurePosixPath("docs/requirements.md")), re.MULTILINE)
    assert lines == [f"{letter}{number:02}" for letter, last in NUMBERS.items() for number in range(1, last + 1)]


def test_every_cited_number_is_explained():
    known = explained()
    wrong = [
        f"{path}: {number}"
        for path in files()
        if path.suffix in {".py", ".sql", ".graphql", ".md"} and path.parts[0] in {*ROOMS, "tests", "docs", "schema.graphql", "README.md"}
        for number in CITED.findall(text(path))
        if number not in known
    ]
    assert not wrong, "docs/requirements.md explains the numbers that there are"


def test_the_examples_of_a_number_are_found():
    """The pattern above does see what it looks for."""
    assert CITED.findall("holds S01 and (I04), R22-R25; not E501, PS01, S1 or #B02") == ["S01", "I04", "R22", "R25"]


DECISIONS = [path for path in files() if path.parent == PurePosixPath("docs/decisions") and path.name != "template.md"]


@pytest.mark.parametrize("path", DECISIONS, ids=str)
def test_a_decision_is_one_page_with_four_parts(path: PurePosixPath):
    written = text(path)
    number = path.name[:4]
    assert re.match(rf"# {number} \S", written)
    assert re.findall(r"^## (.+)$", written, re.MULTILINE) == ["Context", "Decision", "Consequences", "What we did not do"]
    assert len(written.splitlines()) <= 60


def test_decisions_are_numbered_in_order():
    assert [path.name[:4] for path in DECISIONS] == [f"{number:04}" for number in range(1, len(DECISIONS) + 1)]


LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)\s]*)?\)")


@pytest.mark.parametrize("path", [path for path in files() if path.suffix == ".md"], ids=str)
def test_links_between_documents_lead_somewhere(path: PurePosixPath):
    dead = [
        target
        for target in LINK.findall(text(path))
        if "://" not in target and not target.startswith("mailto:") and not (ROOT / path.parent / target).exists()
    ]
    assert not dead


# "transfer" is the banks' own word in the name of a field of the 21 file; elsewhere it hides which of three things is meant.
BARE_TRANSFER = re.compile(r"(?<![\w-])transfers?(?![\w-])(?! date| day)", re.IGNORECASE)
MAY_SAY_TRANSFER = {
    "docs/glossary.md",  # says why not
    "LICENSE",
    "tests/house/test_documents.py",
}


def test_transfer_is_never_used_bare():
    wrong = [
        f"{path}:{text(path)[: found.start()].count(chr(10)) + 1} …{text(path)[max(found.start() - 30, 0) : found.end() + 20]!r}"
        for path in files()
        if path.suffix in {".py", ".md", ".graphql", ".sql"} and str(path) not in MAY_SAY_TRANSFER and "migrations" not in path.parts
        for found in BARE_TRANSFER.finditer(text(path))
    ]
    assert not wrong, "debit 振替, sweep 資金集中, payout 清算, or direct: docs/glossary.md"
