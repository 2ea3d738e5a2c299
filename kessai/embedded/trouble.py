"""What can go wrong with the engines, said in one line each."""

import errno

from kessai.trouble import Trouble


class EngineError(Trouble):
    """PostgreSQL or Valkey cannot be had here.

    Codes: ENGINE_MISSING, ENGINE_STATE (the directory), ENGINE_VERSION, ENGINE_FAILED, ENGINE_SLOW, PORT_TAKEN, DISK_FULL.
    """


def from_output(engine: str, output: str, log: str) -> EngineError:
    """The error for a server that ended while starting, read from the last lines it wrote."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    text = "\n".join(lines).lower()
    if "no space left" in text or "disk quota" in text:
        return disk_full(engine)
    if "address already in use" in text:
        return EngineError(
            f"{engine} cannot listen: its port is taken",
            why="another program listens on it",
            do=("stop that program", "or give another port, or none: then a free one is chosen"),
            code="PORT_TAKEN",
        )
    telling = [line for line in lines if any(word in line.lower() for word in ("fatal", "panic", "error"))]
    last = (telling or lines or ["it wrote nothing"])[-1]
    return EngineError(f"{engine} did not start", why=last[:300], do=(f"read {log}",), code="ENGINE_FAILED")


def from_os(engine: str, error: OSError, path: object) -> EngineError:
    """The error for a directory or program that the system refuses."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return disk_full(engine)
    return EngineError(
        f"{engine} cannot use {path}",
        why=error.strerror or str(error),
        do=("make it writable, or name another directory with KESSAI_STATE",),
        code="ENGINE_STATE",
    )


def disk_full(engine: str) -> EngineError:
    """The error for a full disk."""
    return EngineError(
        f"{engine} cannot write: the disk is full",
        why="no space left on the device that holds its data",
        do=("free some space (about 150 MB)", "or name another directory with KESSAI_STATE"),
        code="DISK_FULL",
    )
