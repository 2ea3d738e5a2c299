"""The spool: whoever finds a hash finds its bytes."""

import hashlib
from pathlib import Path

import pytest

from workers.spool import Spool


def files(path: Path) -> list[str]:
    return sorted(str(p.relative_to(path)) for p in path.rglob("*") if p.is_file()) if path.exists() else []


def write(spool: Spool, *parts: bytes) -> tuple[bytes, int]:
    with spool.writer() as file:
        for part in parts:
            file.write(part)
        return file.finish()


def test_bytes_lie_under_their_hash(tmp_path: Path):
    spool = Spool(tmp_path / "spool")
    sha256, size = write(spool, b"one", b"two")
    assert (sha256, size) == (hashlib.sha256(b"onetwo").digest(), 6)
    name = sha256.hex()
    assert files(spool.path) == [f"{name[:2]}/{name[2:]}"]
    with spool.open(sha256) as file:
        assert file.read() == b"onetwo"
    assert (spool.has(sha256), spool.size(sha256)) == (True, 6)


def test_the_same_bytes_twice_are_one_file(tmp_path: Path):
    spool = Spool(tmp_path)
    assert write(spool, b"same") == write(spool, b"same")
    assert len(files(tmp_path)) == 1


def test_what_is_not_finished_is_not_there(tmp_path: Path):
    spool = Spool(tmp_path)

    def fail() -> None:
        with spool.writer() as file:
            file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with spool.writer() as file:
        file.write(b"forgotten")
    assert files(tmp_path) == []


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    spool = Spool(tmp_path)
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write(spool, b"too much")
    assert files(tmp_path) == []


@pytest.mark.parametrize("damage", [b"", b"onetw", b"onetwX", b"onetwoo"])
def test_damage_is_seen(tmp_path: Path, damage: bytes):
    spool = Spool(tmp_path)
    sha256, _ = write(spool, b"onetwo")
    spool.path_of(sha256).write_bytes(damage)
    assert not spool.has(sha256)


def test_what_never_was_is_not_there(tmp_path: Path):
    spool = Spool(tmp_path / "spool")
    assert not spool.has(b"\0" * 32)
    with pytest.raises(FileNotFoundError):
        spool.open(b"\0" * 32)
