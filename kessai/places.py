"""Where `kessai up` keeps things: everything below one directory (`var/` unless KESSAI_STATE names another)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kessai.credentials import write_private
from kessai.embedded.processes import Identity


@dataclass(frozen=True, slots=True)
class Places:
    """The directory and what is in it."""

    root: Path
    state: Path  # the engines' data; as root the servers may live elsewhere, see kessai.embedded.engines.place

    @staticmethod
    def beside(state: Path) -> Places:
        """All other things stand beside the engines' directory."""
        absolute = state.absolute()
        return Places(absolute.parent, absolute)

    @property
    def spool(self) -> Path:
        """Sealed files."""
        return self.root / "spool"

    @property
    def sandbox(self) -> Path:
        """The sandbox's own books, and the banks' directories."""
        return self.root / "sandbox"

    @property
    def sandbox_config(self) -> Path:
        """What the sandbox is started with (0600: it holds the carrier's secret)."""
        return self.root / "sandbox-world.json"

    @property
    def carrier_secret(self) -> Path:
        """The secret shared with the carrier (0600)."""
        return self.root / "carrier.secret"

    @property
    def log(self) -> Path:
        """One log a process."""
        return self.root / "log"

    @property
    def credentials(self) -> Path:
        """Addresses, clients and secrets (0600)."""
        return self.root / "sandbox.json"

    @property
    def lock(self) -> Path:
        """Held by the `kessai up` that runs."""
        return self.root / "up.lock"

    @property
    def running(self) -> Path:
        """What runs now, for a second `kessai up` and for `kessai status`."""
        return self.root / "up.json"

    @property
    def banks(self) -> Path:
        """One directory a bank, with `in` and `out`."""
        return self.sandbox / "banks"

    @property
    def carriers(self) -> Path:
        """One directory a carrier that is given files, with `in` and `out`."""
        return self.sandbox / "carriers"

    def write_running(self, content: dict[str, Any]) -> None:
        """Says what runs."""
        write_private(self.running, json.dumps(content, ensure_ascii=False, indent=1) + "\n")

    def read_running(self) -> dict[str, Any] | None:
        """What runs now; None when nothing does, or the process that wrote it is gone."""
        try:
            content: dict[str, Any] = json.loads(self.running.read_text(encoding="utf-8"))
            alive = Identity(**content["process"]).alive()
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None
        return content if alive else None
