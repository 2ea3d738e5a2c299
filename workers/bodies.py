"""The raw bytes of what came in, where it is small enough to be read at once."""

from domain.store import replies
from domain.store.replies import Reply
from workers.formats.shapes import Unreadable

SMALL = 4 << 20  # bytes of a receipt, statement, answer, notice or carrier's file


async def small(reply: Reply) -> bytes:
    """All of it. Raises Unreadable for what is larger than any such message can be."""
    try:
        return await replies.whole(reply.reply_id, SMALL)
    except ValueError as error:
        raise Unreadable("TOO_LARGE", f"larger than {SMALL} bytes") from error
