"""The directories of banks and of carriers that are given files over SFTP: one port, one user each (a bank's code, a carrier's
ID), keys only, each locked into its directory.

A plain rename refuses a name that is there, as real servers do. Rules make it misbehave: refuse the login, cut the
connection after so many bytes, show another host key.
"""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import asyncssh

from sandbox.world import World

log = logging.getLogger("sandbox.sftp")
_INBOX = b"in"
_LOGIN, _CUT, _HOST_KEY = "sftp_refuse_login", "sftp_cut_after", "sftp_changed_host_key"


class SftpGate:
    """The listener. Host key and user keys are made in `DIR/sftp` at the first start and kept."""

    def __init__(self, world: World, port: int) -> None:
        self._world = world
        self._port = port
        self._directory = world.directory / "sftp"
        self._directory.mkdir(mode=0o700, exist_ok=True)
        self._host_key = self._key("host_key")
        self._other_host_key = self._key("other_host_key")
        self._users = {code: self._key(f"{code}_key").convert_to_public() for code in world.logins()}
        # One key that everybody takes, for a client that has one key for all.
        self._common = self._key("client_key").convert_to_public()
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._shows_other = False

    async def open(self) -> None:
        """Listen on the loopback; port 0 takes a free one and keeps it."""
        self._shows_other = await self._wants_other_key()
        key = self._other_host_key if self._shows_other else self._host_key
        self._acceptor = await asyncssh.listen(
            "127.0.0.1",
            self._port,
            server_factory=lambda: _Server(self._world, self._users, self._common),
            server_host_keys=[key],
            sftp_factory=_Directory,
            allow_scp=False,
            reuse_address=True,
        )
        self._port = self._acceptor.get_port()

    async def refresh(self) -> None:
        """After a change of rules: listen anew when the host key to show is another one."""
        if await self._wants_other_key() != self._shows_other:
            await self.close()
            await self.open()

    async def close(self) -> None:
        if self._acceptor is not None:
            self._acceptor.close()
            await self._acceptor.wait_closed()
            self._acceptor = None

    def describe(self) -> dict[str, Any]:
        """What a client needs: port, host key to pin, the key that all take, and each bank's and carrier's user with a key of its own."""
        return {
            "host": "127.0.0.1",
            "port": self._port,
            "key_file": str((self._directory / "client_key").resolve()),
            "host_key": self._host_key.export_public_key().decode().strip(),
            "users": {code: {"user": code, "key_file": str((self._directory / f"{code}_key").resolve())} for code in self._users},
        }

    async def _wants_other_key(self) -> bool:
        return any([await self._world.use_rule(login.owner, _HOST_KEY, "listener") for login in self._world.logins().values()])

    def _key(self, name: str) -> asyncssh.SSHKey:
        path = self._directory / name
        if not path.exists():
            key = asyncssh.generate_private_key("ssh-ed25519", comment=f"sandbox {name}")
            path.touch(mode=0o600)
            key.write_private_key(path)
            key.write_public_key(path.with_suffix(".pub"))
        return asyncssh.read_private_key(path)


class _Server(asyncssh.SSHServer):
    """One connection: whose it is, and what his rules say about it."""

    def __init__(self, world: World, users: Mapping[str, asyncssh.SSHKey], common: asyncssh.SSHKey) -> None:
        self._world = world
        self._users = users
        self._common = common
        self._what = uuid.uuid4().hex

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    async def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        expected = self._users.get(username)
        if expected is None or key.public_data not in {expected.public_data, self._common.public_data}:
            return False
        login = self._world.logins()[username]
        if await self._world.use_rule(login.owner, _LOGIN, self._what):
            log.info("%s: login refused by rule", username)
            return False
        cut_after = await self._world.use_rule(login.owner, _CUT, self._what)
        self._connection.set_extra_info(sandbox_root=login.root, sandbox_cut_after=cut_after)
        return True


class _Directory(asyncssh.SFTPServer):
    """A bank's or carrier's directory as its client sees it: it may write into `in/` and nowhere else."""

    def __init__(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        connection = chan.get_connection()
        root = cast("Path", connection.get_extra_info("sandbox_root"))
        super().__init__(chan, chroot=bytes(root))
        self._left: int | None = connection.get_extra_info("sandbox_cut_after")

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> Any:
        if pflags & (asyncssh.FXF_WRITE | asyncssh.FXF_APPEND | asyncssh.FXF_CREAT | asyncssh.FXF_TRUNC):
            self._only_inbox(path)
        return super().open(path, pflags, attrs)

    def write(self, file_obj: object, offset: int, data: bytes) -> Any:
        if self._left is not None:
            part = data[: self._left]
            self._left -= len(part)
            if len(part) < len(data):
                super().write(file_obj, offset, part)
                self.connection.abort()
                raise asyncssh.SFTPConnectionLost("cut by rule")
        return super().write(file_obj, offset, data)

    def rename(self, oldpath: bytes, newpath: bytes) -> Any:
        """Linked and then unlinked: one step in which a name that is there is refused, not a look and then a rename."""
        self._only_inbox(oldpath, newpath)
        source, target = (Path(os.fsdecode(self.map_path(path))) for path in (oldpath, newpath))
        try:
            target.hardlink_to(source)
        except FileExistsError:
            raise asyncssh.SFTPFileAlreadyExists("a file of this name is there") from None
        source.unlink()

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> Any:
        raise asyncssh.SFTPOpUnsupported("nothing is overwritten here")

    def remove(self, path: bytes) -> Any:
        self._only_inbox(path)
        return super().remove(path)

    def link(self, oldpath: bytes, newpath: bytes) -> Any:
        self._only_inbox(oldpath, newpath)
        return super().link(oldpath, newpath)

    def symlink(self, oldpath: bytes, newpath: bytes) -> Any:
        raise asyncssh.SFTPPermissionDenied("no symbolic links here")

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> Any:
        raise asyncssh.SFTPPermissionDenied("the directories are not yours")

    def rmdir(self, path: bytes) -> Any:
        raise asyncssh.SFTPPermissionDenied("the directories are not yours")

    def _only_inbox(self, *paths: bytes) -> None:
        for path in paths:
            if [part for part in path.split(b"/") if part][:1] != [_INBOX] or b".." in path.split(b"/"):
                raise asyncssh.SFTPPermissionDenied("only in/ may be written to")
