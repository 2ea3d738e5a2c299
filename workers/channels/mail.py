"""The mail channel [0038]: one letter by SMTP, in a thread, since the standard library's client blocks."""

import asyncio
import smtplib
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from domain.hooks import Answer
from domain.letters import address_problem, one_line

SECONDS = 20.0
AT_ONCE = 4  # connections to the mail server


class BadMailServer(ValueError):
    """An address of a mail server that cannot be meant. The text repeats no password."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where letters are handed in. `security`: `tls` from the first byte, `starttls`, or `none` (a server on this machine)."""

    host: str
    port: int
    security: str
    user: str | None
    password: str | None = field(repr=False)
    sender: str

    @classmethod
    def of_url(cls, url: str, sender: str) -> "MailServer":
        """`smtps://user:password@host:465`, `smtp://user:password@host:587` (STARTTLS), `smtp://127.0.0.1:25?security=none`.

        Raises BadMailServer.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise BadMailServer("its port is not a number") from None
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise BadMailServer("it must begin with smtp:// or smtps:// and name a host")
        security = parse_qs(parts.query).get("security", ["tls" if parts.scheme == "smtps" else "starttls"])[0]
        if security not in ("tls", "starttls", "none"):
            raise BadMailServer("security is tls, starttls or none")
        if security == "none" and parts.password:
            raise BadMailServer("a password is not sent in the clear: use smtps://, or smtp:// with STARTTLS")
        if address_problem(sender) is not None:
            raise BadMailServer("the sender is no mail address")
        user = unquote(parts.username) if parts.username else None
        password = unquote(parts.password) if parts.password else None
        return cls(parts.hostname, port or (465 if security == "tls" else 587), security, user, password, sender)


class Post(Protocol):
    """Whoever hands in letters."""

    async def send(self, to: str, subject: str, text: str, message_id: str) -> Answer:
        """One try. Never raises."""
        ...


def message_of(sender: str, to: str, subject: str, text: str, message_id: str, language: str, machine_now: datetime) -> EmailMessage:
    """The letter, in UTF-8. Raises ValueError for an address that could hold another header."""
    if address_problem(to) is not None:
        raise ValueError("no mail address")
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = Address("Kessai", addr_spec=sender)
    message["To"] = Address(addr_spec=to)
    message["Subject"] = one_line(subject)
    message["Date"] = format_datetime(machine_now)
    # The same at every try: a mail server that got it twice can see that.
    message["Message-ID"] = f"<{message_id}@{sender.rpartition('@')[2]}>"
    message["Content-Language"] = language
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text, cte="base64")
    return message


class SmtpPost:
    """One connection for each letter, a few at once."""

    def __init__(self, server: MailServer, machine_clock: Callable[[], datetime], *, tls: ssl.SSLContext | None = None) -> None:
        self._server, self._clock, self._tls = server, machine_clock, tls
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def send(self, to: str, subject: str, text: str, message_id: str) -> Answer:
        """2xx is taken; 5xx to the address or the letter will not change; all else is tried later."""
        async with self._turns:
            began = time.monotonic()
            status, error, hopeless = await asyncio.to_thread(self._try, to, subject, text, message_id)
        return Answer(status, error, int((time.monotonic() - began) * 1000), hopeless=hopeless)

    def _try(self, to: str, subject: str, text: str, message_id: str) -> tuple[int | None, str | None, bool]:
        language = "en" if subject.isascii() else "ja"
        try:
            message = message_of(self._server.sender, to, subject, text, message_id, language, self._clock())
            with self._connected() as smtp:
                smtp.send_message(message, self._server.sender, [to])
        except smtplib.SMTPRecipientsRefused as refused:
            code = max((answer[0] for answer in refused.recipients.values()), default=550)
            return code, f"the address was refused with {code}", code >= 500
        except smtplib.SMTPResponseException as refused:
            return (
                refused.smtp_code,
                f"the mail server answered {refused.smtp_code}",
                isinstance(refused, smtplib.SMTPDataError) and refused.smtp_code >= 500,
            )
        except ValueError:
            return None, "this is no mail address", True
        except (OSError, smtplib.SMTPException) as problem:
            return None, f"the mail server cannot be reached: {type(problem).__name__}", False
        return 250, None, False

    def _connected(self) -> smtplib.SMTP:
        server = self._server
        context = self._tls or ssl.create_default_context()
        if server.security == "tls":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=SECONDS, context=context)
        else:
            smtp = smtplib.SMTP(server.host, server.port, timeout=SECONDS)
        try:
            if server.security == "starttls":
                smtp.starttls(context=context)
            if server.user is not None:
                smtp.login(server.user, server.password or "")
        except BaseException:
            smtp.close()
            raise
        return smtp
