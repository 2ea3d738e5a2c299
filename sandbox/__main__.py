"""`python -m sandbox`: the process that kessai starts, and the scenario as a configuration file."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx2
import uvicorn

from sandbox.app import make_app
from sandbox.config import Config, ConfigError, load_config
from sandbox.scenario import scenario
from sandbox.sftp import SftpGate
from sandbox.world import World


class _Server(uvicorn.Server):
    """Says when it listens. Signals are this process's own business, so that it can end with status 0."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="Banks, a carrier and market sites to play with.")
    parser.add_argument("--dir", type=Path, help="where the world is kept")
    parser.add_argument("--config", type=Path, help="the configuration (docs/sandbox.md)")
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--print-ready", action="store_true", help="write one JSON line when it is ready")
    parser.add_argument("--write-scenario", type=Path, metavar="FILE", help="write a configuration and end")
    parser.add_argument("--play", action="store_true", help="with --write-scenario: with its nine registrations")
    return parser


def main(words: Sequence[str] | None = None) -> int:
    """Exit status 0 after SIGTERM or SIGINT, 2 when something given is wrong."""
    parser = _parser()
    arguments = parser.parse_args(words)
    if arguments.write_scenario is not None:
        _write_private(arguments.write_scenario, json.dumps(scenario(play=arguments.play), ensure_ascii=False, indent=1))
        return 0
    if arguments.dir is None or arguments.config is None:
        parser.error("--dir and --config are needed")
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("asyncssh").setLevel(logging.WARNING)
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    try:
        config = load_config(arguments.config)
        listener = socket.create_server(("127.0.0.1", arguments.port))
    except (ConfigError, OSError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 2
    with listener:
        asyncio.run(_serve(config, arguments.dir, listener, print_ready=arguments.print_ready))
    return 0


async def _serve(config: Config, directory: Path, listener: socket.socket, *, print_ready: bool) -> None:
    async with httpx2.AsyncClient(timeout=30, trust_env=False) as client:
        world = World(config, directory, client)
        gate = SftpGate(world, config.sftp_port) if config.sftp_port is not None else None
        if gate is not None:
            await gate.open()
        server = _Server(uvicorn.Config(make_app(world, gate), log_level="warning", timeout_graceful_shutdown=1))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, lambda: setattr(server, "should_exit", True))
        background = asyncio.create_task(world.run())
        background.add_done_callback(lambda _: setattr(server, "should_exit", True))
        serving = asyncio.create_task(server.serve([listener]))
        await server.listening.wait()
        if print_ready:
            ready = {
                "ready": True,
                "url": f"http://127.0.0.1:{listener.getsockname()[1]}",
                "pid": os.getpid(),
                "banks": {code: str(drop.root.resolve()) for code, drop in world.drops.items()},
                "carriers": {name: str(drop.root.resolve()) for name, drop in world.carrier_drops.items()},
                "sftp": None if gate is None else gate.describe(),
            }
            print(json.dumps(ready), flush=True)
        await serving
        background.cancel()
        outcome = await asyncio.gather(background, return_exceptions=True)
        if gate is not None:
            await gate.close()
        world.close()
        if isinstance(outcome[0], Exception):
            raise outcome[0]


def _write_private(path: Path, text: str) -> None:
    """The file holds secrets: yours alone."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
