"""Public GraphQL clients, as they are, against a served house: Relay, Apollo Client, urql, graphql-ws and graphql-sse. `make clients` runs it.

Not part of `make test`: it needs Node and, once, what package.json names.
"""

import asyncio
import hashlib
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from domain.store import administration as admin
from kessai.embedded.processes import free_port
from kessai.processes import import_path
from tests.store.trading import Trading

HERE = Path(__file__).parent
PATIENCE = 150.0  # seconds until a client that hangs is given up

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(shutil.which("node") is None or shutil.which("npm") is None, reason="Node.js is not on this machine"),
]


async def run(*argv: str, **environment: str) -> str:
    """What a program says; it must end well."""
    process = await asyncio.create_subprocess_exec(
        *argv, cwd=HERE, env={**os.environ, **environment}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    except TimeoutError:
        process.kill()
        said, _ = await process.communicate()
        pytest.fail(f"{argv[0]} did not end\n{said.decode()[-6000:]}")
    assert process.returncode == 0, f"{' '.join(argv)}\n{said.decode()[-6000:]}"
    return said.decode()


@pytest.fixture(scope="module")
async def installed() -> None:
    """The pinned packages, once for each lock."""
    lock = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    stamp = HERE / "node_modules" / ".installed"
    if not stamp.exists() or stamp.read_text() != lock:
        await run("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
        stamp.write_text(lock)


@pytest.fixture
async def api(store: Any, database_url: str, redis_url: str) -> AsyncIterator[dict[str, str]]:
    """`kessai api` as it is run, on a small market; answers what clients have to know."""
    await Trading().build()
    now = datetime.now(UTC)
    client, secret = await admin.create_client("clients", site_id=130, machine_now=now)
    environment = {**os.environ, "DATABASE_URL": database_url, "REDIS_URL": redis_url, "PYTHONPATH": import_path()}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "kessai", "api", "--port", str(free_port()), "--json",
        env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        address = json.loads(await asyncio.wait_for(process.stdout.readline(), 60))["url"]
        yield {"KESSAI_API": address, "CLIENT_ID": client, "CLIENT_SECRET": secret}
    finally:
        process.terminate()
        await process.wait()


async def test_relay_compiler_compiles_against_the_schema(installed: None):
    for old in (HERE / "compiled").glob("*.js"):
        old.unlink()
    await run("node", "node_modules/relay-compiler/cli.js", "--noWatchman", "--output", "quiet-with-errors")
    assert (HERE / "compiled" / "documents_list.graphql.js").exists()


async def test_clients(installed: None, api: dict[str, str]):
    runner = ("--test", "--test-force-exit", "--test-timeout=60000", "--test-concurrency=1", "--test-reporter=spec")
    said = await run("node", *runner, *sorted(map(str, HERE.glob("*.test.mjs"))), **api)
    sys.stdout.write(said)
    assert "skipped 0" in said
