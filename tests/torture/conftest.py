"""Workers that are really killed: child processes with real queues, real leases and SIGKILL, and the books of the other side.

The children are forked from a process that has everything imported, so that a kill costs a fraction of a second instead of several.
"""

import contextlib
import json
import multiprocessing
import os
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any, Self

import pytest

from domain.store.connection import open_store, transaction
from kessai.embedded import Engines
from tests.conftest import a_database
from tests.torture.children import work
from tests.workers.conftest import NOW, SECRET, Book

PRELOADED = ["tests.torture.children"]


class CarrierBook:
    """A carrier after docs/wire.md section 2, over real HTTP: what it has taken, by key."""

    def __init__(self) -> None:
        self.deduplicates = True
        self.answers: dict[str, bytes] = {}
        self.booked: list[tuple[str, bytes]] = []
        book = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                found = book.answers.get(self.path.rsplit("/", 1)[1])
                self.answer(200, found) if found else self.answer(404, b"{}")

            def do_POST(self) -> None:
                key = self.headers["Idempotency-Key"]
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if key not in book.answers:
                    book.booked.append((key, body))
                    book.answers[key] = json.dumps({"batch_id": key, "results": []}).encode()
                    self.answer(201, book.answers[key])
                elif book.deduplicates:
                    self.answer(200, book.answers[key])
                else:
                    self.answer(409, b'{"code": "DUPLICATE"}')

            def answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture(scope="session")
def nursery() -> ForkServerContext:
    """Where children come from."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


@pytest.fixture(scope="module")
async def battlefield_url(engines: Engines, template_database: str) -> AsyncIterator[str]:
    async with a_database(engines, template_database) as url, open_store(url):
        yield url


@contextlib.contextmanager
def without_main() -> Iterator[None]:
    """A child would import the main module, which is all of pytest, and needs none of it."""
    main = sys.modules["__main__"]
    path, spec = main.__dict__.pop("__file__", None), main.__spec__
    main.__spec__ = None
    try:
        yield
    finally:
        main.__spec__ = spec
        if path is not None:
            main.__file__ = path


class Battlefield:
    """The database, the books of the other side, and workers to kill."""

    def __init__(self, context: ForkServerContext, urls: tuple[str, str], path: Path, carrier: CarrierBook) -> None:
        self.context, self.urls, self.path, self.carrier = context, urls, path, carrier
        self.book = Book(path / "bank")
        self.children: list[ForkServerProcess] = []

    def start(self, crash_at: str | None = None) -> ForkServerProcess:
        """A worker process, which dies at `crash_at`."""
        child = self.context.Process(
            target=work, args=(*self.urls, str(self.path / "spool"), crash_at, str(self.path / "log")), daemon=True
        )
        with without_main():
            child.start()
        self.children.append(child)
        return child

    def end(self) -> None:
        for child in self.children:
            if child.is_alive():
                child.kill()
            child.join()
            child.close()

    def log(self) -> str:
        log = self.path / "log"
        return log.read_text()[-6000:] if log.exists() else ""


@pytest.fixture
def carrier_book() -> Iterator[CarrierBook]:
    with CarrierBook() as book:
        yield book


@pytest.fixture
async def battlefield(
    battlefield_url: str, redis_url: str, nursery: ForkServerContext, tmp_path: Path, carrier_book: CarrierBook
) -> AsyncIterator[Battlefield]:
    for name in ("in", "out"):
        (tmp_path / "bank" / name).mkdir(parents=True)
    async with transaction() as tx:
        for table in ("reply_body", "reply", "exception", "outbox", "lease", "sweep", "batch", "bank_poll", "bank", "carrier"):
            await tx.run(f"delete from {table}")
        await tx.run(
            "insert into bank(bank_code, name, kana, connector, address) values ('9991', 'A銀行', 'A', 'directory', $1::jsonb)",
            json.dumps({"path": str(tmp_path / "bank")}),
        )
        await tx.run("insert into carrier(carrier_id, name, url, secret) values ('carrier-x', 'X', $1, $2)", carrier_book.url, SECRET)
        await tx.run("insert into business_clock(id, standing_at, sandbox) values (1, $1, true) on conflict do nothing", NOW)
    field = Battlefield(nursery, (battlefield_url, redis_url), tmp_path, carrier_book)
    assert os.environ.get("KESSAI_CRASH_AT") is None
    yield field
    field.end()
