"""Setting up: pins with hashes that name no place, tasks that are all listed, and plain words when Python does not fit."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from tests.house.sources import ROOT, text

PIN = re.compile(r"^([a-z0-9-]+)==(\S+?)(?: ; (.+?))? \\$", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    return {found.group(1): found.group(2) for found in PIN.finditer(text(PurePosixPath(f"requirements/{name}.txt")))}


def wanted(name: str) -> set[str]:
    lines = text(PurePosixPath(f"requirements/{name}.in")).splitlines()
    names = (line.partition("#")[0].partition(";")[0].strip() for line in lines)
    return {line for line in names if line and not line.startswith("-")}


@pytest.mark.parametrize("name", ["runtime", "dev"])
def test_everything_wanted_is_pinned_with_hashes(name: str):
    assert wanted(name) - set(pins(name)) == set(), "make requirements"
    for block in re.split(r"\n(?=\S)", text(PurePosixPath(f"requirements/{name}.txt")).strip()):
        assert "--hash=sha256:" in block, block.splitlines()[0]


def test_tests_run_on_the_versions_that_serve():
    assert pins("runtime").items() <= pins("dev").items()


@pytest.mark.parametrize("name", ["runtime", "dev"])
def test_pins_name_no_place(name: str):
    assert [line for line in text(PurePosixPath(f"requirements/{name}.txt")).splitlines() if "://" in line or "index" in line] == []


def test_the_clients_that_are_tried_are_pinned_and_name_no_place():
    wanted = json.loads(text(PurePosixPath("tests/clients/package.json")))["dependencies"]
    lock = json.loads(text(PurePosixPath("tests/clients/package-lock.json")))["packages"]
    assert lock[""]["dependencies"] == wanted
    assert all(version[0].isdigit() for version in wanted.values())
    assert [name for name, entry in lock.items() if name and (not entry.get("integrity") or "resolved" in entry)] == []


def test_help_lists_every_task():
    makefile = text(PurePosixPath("Makefile"))
    tasks = set(re.findall(r"^\.PHONY: (\S+)$", makefile, re.MULTILINE))
    said = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    listed = dict(re.findall(r"^  make (\S+) +(\S.*)$", said, re.MULTILINE))
    assert set(listed) == tasks
    assert {"setup", "demo", "up", "test", "bench", "help"} <= tasks
    assert all(sentence.endswith((".", ").")) for sentence in listed.values())
    assert subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout == said


def test_continuous_integration_runs_the_one_task():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "set -euo pipefail" in script.read_text()
    assert "exec make test" in script.read_text()


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A clone in a new directory, with a PATH that holds only what we put there."""
    clone = tmp_path / "clone"
    (clone / "requirements").mkdir(parents=True)
    for name in ("install", "runtime.txt"):
        shutil.copy(ROOT / "requirements" / name, clone / "requirements" / name)
    shutil.copy(ROOT / "pyproject.toml", clone)
    programs = tmp_path / "bin"
    programs.mkdir()
    for tool in ("sh", "cat", "cksum", "date", "dirname", "grep", "tail", "cut", "rm"):
        found = shutil.which(tool)
        assert found
        (programs / tool).symlink_to(found)
    return clone


def a_python(bare: Path, *, version: str, new_enough: bool, modules: bool = True) -> None:
    """A program that answers what `requirements/install` asks a Python."""
    program = bare.parent / "bin" / "python3"
    program.write_text(
        f"""#!/bin/sh
case "$2" in
    *version_info*) exit {0 if new_enough else 1} ;;
    *python_version*) echo {version} ;;
    *ensurepip*) exit {0 if modules else 1} ;;
esac
"""
    )
    program.chmod(0o755)


def install(bare: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "requirements/install", "runtime"], cwd=bare, env={"PATH": str(bare.parent / "bin")}, capture_output=True, text=True
    )


def test_an_old_python_is_named(bare: Path):
    a_python(bare, version="3.9.2", new_enough=False)
    done = install(bare)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == "Cannot set up: Python 3.11 or later is needed, and python3 is 3.9.2."
    assert "Traceback" not in done.stderr
    assert not (bare / ".venv").exists()


def test_no_python_at_all_is_named(bare: Path):
    done = install(bare)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == "Cannot set up: Python 3.11 or later is needed, and python3 is none."


def test_a_python_without_venv_is_named(bare: Path):
    a_python(bare, version="3.11.2", new_enough=True, modules=False)
    done = install(bare)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == "Cannot set up: python3 comes without venv or ensurepip."
    assert "apt install python3-venv" in done.stderr
