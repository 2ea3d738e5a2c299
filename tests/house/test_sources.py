"""Rules that matter became tests: size, names, and the calls that have exactly one place."""

import ast
import re

import pytest

from tests.house.calls import calls
from tests.house.sources import ROOMS, ROOT, files, python_files, text, text_files, tree

MAX_LINES = 600
GENERATED = {"schema.graphql", "docs/released.graphql", "requirements/dev.txt", "requirements/runtime.txt", "LICENSE"}
CODE = {".py", ".sql", ".graphql", ".sh", ".js", ".css", ".html", ".yaml", ".toml"}


def test_no_file_is_longer_than_one_can_hold():
    long = [
        f"{path} has {length} lines"
        for path in files()
        if path.suffix in CODE
        and str(path) not in GENERATED
        and "migrations" not in path.parts  # written by Tortoise, never by hand
        and (length := text(path).count("\n")) > MAX_LINES
    ]
    assert not long, f"split by what happens (debit, delivery, payout), at {MAX_LINES} lines at the latest"


def test_no_module_invites_everything():
    vague = {"utils", "util", "common", "helpers", "helper", "manager", "managers", "misc"}
    assert [str(path) for path in files() if vague & {part.partition(".")[0].lower() for part in path.parts}] == []


def test_a_transaction_has_one_door():
    """Tortoise's own loses its pooled connection when the task is cancelled while it enters; ours gives it back."""
    door = "domain/store/connection.py"
    wrong = [
        f"{path}:{node.lineno}"
        for path in python_files(*ROOMS)
        if str(path) != door
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.Name) and node.id in {"in_transaction", "atomic"})
        or (isinstance(node, ast.Attribute) and node.attr in {"in_transaction", "atomic"})
        or (isinstance(node, ast.ImportFrom) and {"in_transaction", "atomic"} & {alias.name for alias in node.names})
    ]
    assert not wrong, f"use transaction() of {door}"


# Overwriting a file at a bank would destroy what the bank has not read (settlement: sealed, then released by a rename that
# does not overwrite). So every rename that may overwrite stands here with the reason why it may.
RENAMES = {
    "kessai/embedded/engines.py": "services.json of our own servers, replaced as a whole",
    "kessai/embedded/servers.py": "a data directory becomes visible when it is whole; logs are turned",
    "kessai/embedded/binaries.py": "a copy of the programs becomes visible when it is whole",
    "kessai/credentials.py": "sandbox.json, replaced as a whole",
    "kessai/processes.py": "logs are turned",
    "workers/channels/sftp.py": "release(): the server's plain rename, which refuses to overwrite",
    "workers/spool.py": "the spool: a name is the hash of the content, so the same bytes replace themselves",
    "sandbox/sftp.py": "the bank's own side: it refuses to overwrite, and a test asks it to",
    "sandbox/publishing.py": "the bank's own side: everything appears by rename",
    "sandbox/taking.py": "the bank's own side, and the carrier's: what is taken is moved away",
}


def test_renames_that_may_overwrite_have_their_places():
    """`Path.replace` is told from `str.replace` and `datetime.replace` by its single positional argument."""
    wrong = [
        f"{path}:{call.line} calls {call.name}"
        for path in python_files(*ROOMS)
        if str(path) not in RENAMES
        for call in calls(path)
        if call.last in {"rename", "renames", "posix_rename"}
        or call.name == "shutil.move"
        or (call.last == "replace" and len(call.positional) == 1 and not call.keywords)
    ]
    assert not wrong, "release a file with the function that refuses to overwrite, or say in RENAMES why this place may"


def test_the_list_of_renames_holds_nothing_that_is_gone():
    places = {str(path) for path in python_files(*ROOMS)}
    assert sorted(set(RENAMES) - places) == []


@pytest.mark.parametrize(
    "pattern, because",
    [
        (r"/(?:home|Users)/(?!nonroot\b)[a-z]\w*/", "a path of somebody's machine"),
        (r"(?<![\w.-])/root/", "root's home is not the project's business"),
        (r"https?://\S+\.(?:whl|tar\.gz|tgz)\b", "a download address: pins carry hashes, not places"),
        (r"https?://\S*/simple(?:/|\b)", "a package index: pip knows its own"),
        (r"https?://(?:registry|files|index)\.\S+", "a registry host"),
        (r"--(?:extra-)?index-url[ =]", "which index to use is the business of whoever installs"),
    ],
)
def test_nothing_of_one_machine_is_committed(pattern: str, because: str):
    wrong = [
        f"{path}:{text(path)[: found.start()].count(chr(10)) + 1} {found.group()}"
        for path in text_files()
        if str(path) != "tests/house/test_sources.py"
        for found in re.finditer(pattern, text(path))
    ]
    assert not wrong, because


def test_the_checkout_is_not_named():
    if len(ROOT.parts) < 3:
        pytest.skip("this checkout lies too near the root for its path to be telling")
    place = re.compile(re.escape(str(ROOT)) + r"(?![\w-])")
    assert [str(path) for path in text_files() if place.search(text(path))] == []


def test_business_dates_are_made_in_one_place():
    """`now.date()` is Tokyo's date only while whoever made `now` wrote it so: `domain.calendar.business_date` asks for the zone (S31)."""
    made = re.compile(r"(?<!machine_)\bnow\.date\(\)|astimezone\(JST\)\.date\(\)")
    wrong = [str(path) for path in python_files("api", "domain", "kessai", "workers") if made.search(text(path))]
    assert wrong == ["domain/calendar.py"]


def test_tests_do_not_sleep():
    """The clock is moved instead. Waiting for another process looks again after at most a twentieth of a second."""
    wrong = [
        f"{path}:{call.line} sleeps"
        for path in python_files("tests")
        for call in calls(path)
        if call.last == "sleep" and not any(looks_again(argument) for argument in call.positional[:1])
    ]
    assert not wrong


def looks_again(seconds: ast.expr) -> bool:
    """Whether that is a written number of at most 0.05."""
    return isinstance(seconds, ast.Constant) and isinstance(seconds.value, (int, float)) and seconds.value <= 0.05
