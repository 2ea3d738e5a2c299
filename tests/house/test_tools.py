"""The tools, as tests: one command runs everything, and a fresh clone knows at once what is wrong."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.sources import ROOT


def run(tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a tool of this environment on the project."""
    beside = Path(sys.executable).with_name(tool)
    program = str(beside) if beside.exists() else shutil.which(tool)
    assert program, f"{tool} is not installed: make setup-dev"
    return subprocess.run([program, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=600)


def test_ruff_finds_nothing():
    done = run("ruff", "check", "--output-format", "concise", ".")
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\nmake format mends what it can"


def test_ruff_would_format_nothing():
    done = run("ruff", "format", "--check", ".")
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\nmake format"


@pytest.mark.slow
def test_types_fit():
    done = run("mypy")
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"


def test_import_contracts_hold():
    done = run("lint-imports")
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
