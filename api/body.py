"""Bodies of requests: how large, in which form, and never more than asked for in memory."""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request

from api.errors import ErrorCode, HttpRefusal

NOT_PACKED = "本文は圧縮せずにそのまま送ってください（Content-Encoding なし）。"


async def read_body(request: Request, limit: int) -> bytes:
    """The body, read in pieces and given up as soon as it is too large. Raises HttpRefusal (413, 415)."""
    if request.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise HttpRefusal(415, ErrorCode.BAD_USER_INPUT, "Send the body as it is, without Content-Encoding.", japanese=NOT_PACKED)
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and (len(declared) > 15 or int(declared) > limit):
        raise too_large(limit)
    pieces: list[bytes] = []
    size = 0
    try:
        async for piece in request.stream():
            size += len(piece)
            if size > limit:
                raise too_large(limit)
            pieces.append(piece)
    except ClientDisconnect:
        raise HttpRefusal.bad("The connection was closed before the body had come.", "本文が届く前に接続が切れました。") from None
    return b"".join(pieces)


def too_large(limit: int) -> HttpRefusal:
    """413, with the number."""
    message, japanese = f"The body is larger than {limit:,} bytes.", f"本文は {limit:,} バイトまでです。"
    return HttpRefusal(413, ErrorCode.BODY_TOO_LARGE, message, japanese=japanese, extensions={"limit": limit})
