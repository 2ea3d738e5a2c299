"""The spool: sealed bytes under their own hash, on disk before the database names them (records: sealed bytes).

A file appears by rename when it is complete and safe on the disk, so whoever finds a hash finds all of its bytes. Files are never changed.
Calls block; on an event loop they belong into a thread.
"""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import IO


class Writer:
    """Takes bytes and counts them; `finish()` makes them permanent."""

    def __init__(self, spool: "Spool", file: IO[bytes]) -> None:
        self._spool, self._file = spool, file
        self._digest = hashlib.sha256()
        self.size = 0
        self.sha256: bytes | None = None

    def write(self, data: bytes) -> None:
        """Appends bytes."""
        assert self.sha256 is None, "finished"
        self._file.write(data)
        self._digest.update(data)
        self.size += len(data)

    def finish(self) -> tuple[bytes, int]:
        """Makes the bytes permanent under their hash; answers (SHA-256, size). Raises OSError (disk full): then nothing is there."""
        self._file.flush()
        os.fsync(self._file.fileno())
        sha256 = self._digest.digest()
        place = self._spool.path_of(sha256)
        place.parent.mkdir(parents=True, exist_ok=True)
        # Whoever was here before wrote the same bytes, so replacing is harmless.
        Path(self._file.name).replace(place)
        for directory in (place.parent, place.parent.parent):
            _sync(directory)
        self.sha256 = sha256
        return sha256, self.size


class Spool:
    """A directory of files named by their SHA-256. Several processes may share it."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)

    def path_of(self, sha256: bytes) -> Path:
        """Where a content lies, if it is there."""
        name = sha256.hex()
        return self.path / name[:2] / name[2:]

    @contextlib.contextmanager
    def writer(self) -> Iterator[Writer]:
        """A place to write to; without `finish()`, or after an error, nothing stays."""
        self.path.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self.path, prefix="new-", delete=False) as file:
            writer = Writer(self, file)
            try:
                yield writer
            finally:
                if writer.sha256 is None:
                    Path(file.name).unlink(missing_ok=True)

    def open(self, sha256: bytes) -> BufferedReader:
        """The bytes of a hash, to read. Raises FileNotFoundError."""
        return self.path_of(sha256).open("rb")

    def has(self, sha256: bytes) -> bool:
        """Whether the bytes of a hash are there, whole and unaltered: a spool that was restored or edited shows here, not at the bank."""
        try:
            with self.open(sha256) as file:
                return hashlib.file_digest(file, "sha256").digest() == sha256
        except FileNotFoundError:
            return False

    def size(self, sha256: bytes) -> int:
        """Bytes of a hash. Raises FileNotFoundError."""
        return self.path_of(sha256).stat().st_size


def _sync(directory: Path) -> None:
    """A rename is on the disk only when its directory is."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
