"""A bank that is called: batches posted under their key, its messages listed and read (docs/wire.md section 5, docs/bank-api.yaml)."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx2
import orjson

from workers.channels.bank import CHUNK, MAX_NAME, Listed, is_plain
from workers.channels.calls import SignedCalls
from workers.channels.carrier import Answer
from workers.channels.errors import Refused, Unavailable

MAX_ANSWER = 16 * 1024 * 1024  # 10,000 results make an eighth of it
MAX_PAGES = 1_000  # of 1,000 messages each: a list that does not end is none
STANDS = ("received", "accepted", "refused", "executed", "not_executed")


class HttpBank:
    """One bank's API. Sends as a carrier's channel does, and is looked through as a directory is."""

    def __init__(
        self,
        url: str,
        secret: str,
        machine_clock: Callable[[], datetime],
        *,
        deduplicates: bool,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._calls = SignedCalls("bank", url, secret, machine_clock, max_answer=MAX_ANSWER, transport=transport)
        self._where = self._calls.where
        self.deduplicates = deduplicates

    async def post(self, key: str, body: bytes) -> Answer | None:
        """Hands a batch over under its key. None: the bank knows the key already; ask for its first answer.

        Raises Unavailable (it has not begun), Unclear (nobody knows) or Refused (other bytes stand under this key there).
        """
        answer = await self._calls.send("/batches", key, body)
        if answer.status in (200, 201, 422):  # the receipt; 422 says no to the whole
            return Answer(answer.body, refused=answer.status == 422)
        if answer.status == 202:  # it has the batch, and will say later what it thinks of it
            return Answer(b"")
        if answer.status == 409:
            if b"KEY_REUSED" in answer.body:
                raise Refused(self._where, f"took another content under the key {key} before")
            return None
        raise self._calls.not_now(answer)

    async def ask(self, key: str) -> Answer | None:
        """The first answer to a batch, which is empty while there is no receipt. None: the bank knows no such batch. Raises Unavailable."""
        messages = await self.messages_of(key)
        if messages is None:
            return None
        receipt = f"{key}.receipt"
        return Answer(b"".join([chunk async for chunk in self.read(receipt)]) if receipt in messages else b"")

    async def messages_of(self, key: str) -> list[str] | None:
        """Status inquiry: what the bank has to say of a batch of ours, by the IDs of its messages. None: it knows no such batch.

        Raises Unavailable.
        """
        answer = await self._calls.fetch(f"/batches/{quote(key, safe='')}")
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise self._calls.no_answer(answer)
        found = self._object(answer.body)
        messages = found.get("messages")
        if found.get("batch_id") != key or found.get("status") not in STANDS or not isinstance(messages, list):
            raise Unavailable(self._where, "answers a question after a batch with something else")
        return [name for name in messages if isinstance(name, str) and is_plain(name)]

    async def list_out(self) -> list[Listed]:
        """All messages that the bank lists, oldest first. Raises Unavailable."""
        found: list[Listed] = []
        after = ""
        for _ in range(MAX_PAGES):
            answer = await self._calls.fetch(f"/messages?after={quote(after, safe='')}" if after else "/messages")
            if answer.status != 200:
                raise self._calls.no_answer(answer)
            page = self._object(answer.body)
            try:
                found += [self._listed(entry) for entry in page["messages"] if is_plain(entry["message_id"])]
                following = page["next"]
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise Unavailable(self._where, f"its list of messages cannot be read: {type(error).__name__}") from error
            if following is None:
                return found
            if not isinstance(following, str) or following == after:
                raise Unavailable(self._where, "its list of messages leads nowhere")
            after = following
        raise Unavailable(self._where, f"its list of messages has more than {MAX_PAGES} pages")

    async def read(self, name: str) -> AsyncIterator[bytes]:
        """A message in chunks. Raises Unavailable, and Refused for a name that is none."""
        if not is_plain(name):
            raise Refused(self._where, f"{name!r:.{MAX_NAME}} is not the ID of a message")
        answer = await self._calls.fetch(f"/messages/{quote(name, safe='')}")
        if answer.status != 200:
            raise self._calls.no_answer(answer)
        for start in range(0, len(answer.body), CHUNK):
            yield answer.body[start : start + CHUNK]

    async def close(self) -> None:
        """Ends the connection."""
        await self._calls.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        await self.close()

    def _object(self, body: bytes) -> dict[str, Any]:
        try:
            found = orjson.loads(body)
        except ValueError as error:
            raise Unavailable(self._where, "answers something that is no JSON") from error
        if not isinstance(found, dict):
            raise Unavailable(self._where, "answers something that is no object")
        return found

    @staticmethod
    def _listed(entry: dict[str, Any]) -> Listed:
        size = entry["size"]
        if type(size) is not int or size < 0:
            raise ValueError("size")
        return Listed(entry["message_id"], size, datetime.fromisoformat(entry["written_at"]).timestamp())
