"""sandbox.json: where the world of `kessai up` is, and who may come in with which secret."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Client:
    """A program's name and secret, as they stand in sandbox.json."""

    client_id: str
    client_secret: str = field(repr=False)

    def as_dict(self) -> dict[str, str]:
        """For the file."""
        return {"client_id": self.client_id, "client_secret": self.client_secret}


@dataclass(frozen=True, slots=True)
class Login:
    """A person's user ID and password, as they stand in sandbox.json."""

    username: str
    password: str = field(repr=False)

    def as_dict(self) -> dict[str, str]:
        """For the file."""
        return {"username": self.username, "password": self.password}


@dataclass(frozen=True, slots=True)
class Frontend:
    """A public program through which people come in, and where it may be."""

    client_id: str
    redirect_uri: str

    def as_dict(self) -> dict[str, str]:
        """For the file."""
        return {"client_id": self.client_id, "redirect_uri": self.redirect_uri}


@dataclass(frozen=True, slots=True)
class Credentials:
    """What sandbox.json says: where everything is and who may come in. Readable by its owner alone."""

    api: str
    sites: Mapping[str, Client]
    parties: Mapping[str, Client]
    clock: str | None = None
    people: Mapping[str, Login] = field(default_factory=dict)  # by firm
    operators: tuple[Login, ...] = ()
    frontend: Frontend | None = None

    def write(self, path: Path) -> None:
        """Replaces the file as a whole, mode 0600."""
        content: dict[str, Any] = {
            "api": self.api,
            "sites": {site: client.as_dict() for site, client in self.sites.items()},
            "parties": {
                name: client.as_dict() | (self.people[name].as_dict() if name in self.people else {})
                for name, client in self.parties.items()
            },
            "operators": [login.as_dict() for login in self.operators],
        }
        if self.frontend is not None:
            content["frontend"] = self.frontend.as_dict()
        if self.clock is not None:
            content["clock"] = self.clock
        write_private(path, json.dumps(content, ensure_ascii=False, indent=1) + "\n")

    @staticmethod
    def read(path: Path) -> Credentials | None:
        """The file, or None when there is none (or it is not ours to understand)."""
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            return Credentials(
                api=raw["api"],
                sites={site: Client(**_pair(entry)) for site, entry in raw["sites"].items()},
                parties={name: Client(**_pair(entry)) for name, entry in raw["parties"].items()},
                clock=raw.get("clock"),
                people={name: _login(entry) for name, entry in raw["parties"].items() if "username" in entry},
                operators=tuple(_login(entry) for entry in raw.get("operators", ())),
                frontend=Frontend(raw["frontend"]["client_id"], raw["frontend"]["redirect_uri"]) if "frontend" in raw else None,
            )
        except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
            return None


def _pair(entry: Mapping[str, str]) -> dict[str, str]:
    return {"client_id": entry["client_id"], "client_secret": entry["client_secret"]}


def _login(entry: Mapping[str, str]) -> Login:
    return Login(entry["username"], entry["password"])


def write_private(path: Path, text: str) -> None:
    """Writes a file that only its owner may read, by rename: nobody ever sees half of it."""
    unfinished = path.with_name(path.name + ".new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    unfinished.replace(path)
