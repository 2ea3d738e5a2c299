"""Documents that are run: their fenced blocks, in order, as a reader would type them, with the answers that are printed below them.

```sh                   typed into one shell that stays open for the whole document
```graphql as=130       sent by that site or firm (any name `kessai token --as` knows); `language=ja` asks for Japanese
```json variables       the variables of the operation above
```json / ```text       what must have come of the block above; `…` stands for anything, `‹name›` for something that is kept under
                        that name for the variables and shell blocks below (there `$name`)
```python               a program, run by the environment's Python
<!-- run: name -->      something that only a person can do, done by the function of that name
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from kessai.embedded.processes import free_port

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120.0  # seconds for one block: the clock of the world walks through days
ADDRESS = "http://127.0.0.1:8000"  # as documents write it; here the world listens elsewhere

FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$|^<!-- run: (\w+) -->$", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"‹(\w+)›")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, what stands beside that, its text, and the line on which it begins."""

    language: str
    info: str
    text: str
    line: int

    @property
    def options(self) -> dict[str, str]:
        return dict(word.split("=", 1) for word in self.info.split() if "=" in word)


def blocks(document: str) -> list[Block]:
    """The blocks of a document of the project, in order."""
    text = (ROOT / document).read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block("run", "", match[4], line) if match[4] else Block(match[1], match[2].strip(), match[3], line))
    return found


def compact(text: str) -> str:
    """JSON, or something like it with `…`, without the spaces between its parts."""
    strings = re.split(r'("(?:\\.|[^"\\])*")', text)
    return "".join(part if place % 2 else re.sub(r"\s+", "", part) for place, part in enumerate(strings))


def pattern(wanted: str) -> re.Pattern[str]:
    """What an answer must look like."""
    parts, seen = [], set()
    for place, part in enumerate(re.split(r"(…|‹\w+›)", wanted)):
        if place % 2 == 0:
            parts.append(re.escape(part))
        elif part == "…":
            parts.append(".*?")
        elif (name := part[1:-1]) in seen:
            parts.append(f"(?P={name})")
        else:
            seen.add(name)
            parts.append(f'(?P<{name}>[^"\\s]+?)')
    return re.compile("".join(parts), re.DOTALL)


class Shell:
    """One bash for a whole document, so that variables and functions stay."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self.errors = (directory / "stderr").open("w+b")
        self.process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=directory, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
        )  # fmt: skip
        self.count = 0

    def run(self, text: str) -> str:
        """What the block printed to standard output. It must end with status 0."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.count += 1
        end = f"--end of block {self.count}--"
        self.process.stdin.write(f"{text}\nprintf '\\n%s %s\\n' '{end}' \"$?\"\n".encode())
        self.process.stdin.flush()
        said, deadline = b"", time.monotonic() + PATIENCE
        ended = re.compile(rf"\n{re.escape(end)} (\d+)\n\Z".encode())
        while (found := ended.search(said)) is None:
            ready, _, _ = select.select([self.process.stdout], [], [], max(deadline - time.monotonic(), 0))
            chunk = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            assert chunk, f"the shell {'ended' if ready else 'hangs'}; it said {said.decode()}{self.complaints()}"
            said += chunk
        assert found[1] == b"0", f"status {found[1].decode()}; it said {said.decode()}{self.complaints()}"
        return said[: found.start()].decode()

    def complaints(self) -> str:
        self.errors.flush()
        return Path(self.errors.name).read_text(encoding="utf-8")[-2000:]

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()
        self.errors.close()


@dataclass
class Reader:
    """Somebody who reads a document and does what it says."""

    document: str
    directory: Path
    api: str
    shell: Shell
    acts: dict[str, Callable[[Reader], None]] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def token(self, who: str) -> str:
        if who not in self.tokens:
            self.tokens[who] = self.shell.run(f".venv/bin/kessai token --as {who}").strip()
        return self.tokens[who]

    def read(self) -> int:
        """Runs every block; answers how many answers were compared."""
        left, compared = blocks(self.document), 0
        while left:
            block = left.pop(0)
            variables = left.pop(0).text if left and left[0].info == "variables" else "{}"
            try:
                said = self.do(block, variables)
                if said is not None and left and left[0].language in {"json", "text"} and not left[0].info:
                    answer = left.pop(0)
                    self.compare(answer, said)
                    compared += 1
            except AssertionError as error:
                raise AssertionError(f"{self.document}:{block.line}: {error}") from None
        return compared

    def do(self, block: Block, variables: str) -> str | None:
        """What a block brings; None for one that is only read."""
        match block.language:
            case "sh" if block.info != "elsewhere":
                return self.shell.run(self.here(block.text))
            case "graphql" if "as" in block.options:
                return self.ask(block, variables)
            case "python":
                return self.program(block.text)
            case "run":
                self.acts[block.text](self)
        return None

    def here(self, text: str) -> str:
        return text.replace(ADDRESS, self.api).replace(ADDRESS.replace("http", "ws"), self.api.replace("http", "ws"))

    def ask(self, block: Block, variables: str) -> str:
        filled = re.sub(r"‹(\w+)›", lambda name: self.kept[name[1]], variables)
        headers = {"authorization": f"Bearer {self.token(block.options['as'])}"}
        if "language" in block.options:
            headers["accept-language"] = block.options["language"]
        body = {"query": block.text, "variables": json.loads(filled)}
        answer = httpx2.post(f"{self.api}/graphql", json=body, headers=headers, timeout=30, trust_env=False)
        return answer.text

    def program(self, text: str) -> str:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", self.here(text)],
            cwd=self.directory, capture_output=True, text=True, timeout=PATIENCE,
            env={**os.environ, **self.kept, "PYTHONPATH": ""},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def compare(self, answer: Block, said: str) -> None:
        """Holds what came against what is printed, and keeps what it names."""
        if answer.language == "json":
            with contextlib.suppress(ValueError):
                said = json.dumps(json.loads(said), ensure_ascii=False)
            wanted, said = compact(answer.text), compact(said)
        else:
            wanted, said = answer.text.strip(), said.strip().replace(self.api, ADDRESS)
        found = pattern(wanted).fullmatch(said)
        assert found, f"line {answer.line} promises\n{wanted}\nand this came\n{said}"
        self.keep(found.groupdict())

    def keep(self, more: dict[str, Any]) -> None:
        self.kept |= more
        for name, value in more.items():
            self.shell.run(f"{name}='{value}'")


def whole(text: str) -> bool:
    """Whether it is a JSON value already."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@contextlib.contextmanager
def world(directory: Path, environment: dict[str, str]) -> Iterator[str]:
    """`kessai up` in a directory, as `make up` runs it; answers the address of its API."""
    (directory / ".venv").symlink_to(Path(sys.prefix))
    up = [".venv/bin/kessai", "up", "--json", "--port", str(free_port())]
    # As somebody's shell has it: nothing asks Python to write at once, and what `up` says must come all the same.
    environment = {name: value for name, value in environment.items() if name != "PYTHONUNBUFFERED"}
    process = subprocess.Popen(up, cwd=directory, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said = ""
        while not whole(said):
            line = process.stdout.readline()
            assert line, process.stderr.read() if process.stderr else ""
            said += line
        yield str(json.loads(said)["api"])
    finally:
        process.terminate()
        process.communicate(timeout=60)
