"""A small SMTP server on a real socket (RFC 5321, as much as our client says): it keeps what it is handed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class PostOffice:
    """`refuse`: answer to RCPT or DATA instead of taking it."""

    letters: list[tuple[str, EmailMessage, bytes]] = field(default_factory=list)  # (to, letter, raw)
    refuse: dict[str, str] = field(default_factory=dict)
    port: int = 0
    server: asyncio.Server | None = None

    async def start(self) -> PostOffice:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        if self.server is not None:
            self.server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to = ""
        writer.write(b"220 here\r\n")
        while line := (await reader.readline()).decode().strip():
            word = line.split(" ", 1)[0].upper().split(":")[0]
            if word == "QUIT":
                writer.write(b"221 bye\r\n")
                break
            if word == "RCPT":
                to = line.partition("<")[2].partition(">")[0]
            if word in self.refuse:
                writer.write(self.refuse[word].encode() + b"\r\n")
            elif word == "DATA":
                writer.write(b"354 go on\r\n")
                raw = await reader.readuntil(b"\r\n.\r\n")
                letter = message_from_bytes(raw[:-3], policy=policy.default)
                assert isinstance(letter, EmailMessage)
                self.letters.append((to, letter, raw))
                writer.write(b"250 taken\r\n")
            else:
                writer.write(b"250 yes\r\n")
            await writer.drain()
        writer.close()
