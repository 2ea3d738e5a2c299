"""Trusted documents: operations that were agreed on before they are sent, named by the SHA-256 of their text.

Clients name one by `documentId` (`sha256:...` or the bare hash), or as Apollo does in `extensions.persistedQuery.sha256Hash`. Nothing is
learned from requests: a document is trusted because it stands in the file that the server was started with.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from api.errors import ErrorCode, HttpRefusal

HASH = re.compile(r"(?:sha256:)?([0-9a-f]{64})\Z")


class BadTrustedFile(ValueError):
    """The file is not a list of documents."""


def sha256_of(text: str) -> str:
    """The name of a document."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def load_trusted(path: Path) -> dict[str, str]:
    """The documents of a file by their hashes: what relay-compiler writes (`{hash: text}`), or Apollo's manifest.

    The hashes are made anew; names in the file that are other hashes (MD5, say) lead nowhere.

    Raises:
        BadTrustedFile: Not JSON, or another form.
        OSError: It cannot be read.
    """
    try:
        found = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise BadTrustedFile(f"{path}: not JSON ({error})") from error
    if isinstance(found, dict) and isinstance(found.get("operations"), list):
        texts = [one.get("body") if isinstance(one, dict) else None for one in found["operations"]]
    else:
        texts = list(found.values()) if isinstance(found, dict) else [None]
    good = [text for text in texts if isinstance(text, str)]
    if len(good) < len(texts):
        raise BadTrustedFile(f"{path}: neither an object of hash and text nor a manifest with `operations`")
    return {sha256_of(text): text for text in good}


class Trusted:
    """Decides which document a request means."""

    def __init__(self, documents: Mapping[str, str], *, only: bool) -> None:
        self._documents, self._only = documents, only

    def text(self, query: Any, document_id: Any, extensions: Any) -> str:
        """The text of the operation. Raises HttpRefusal: 400 for what is malformed or not known."""
        if not isinstance(query, str | None):
            raise HttpRefusal.bad("`query` is a text.", "`query` は文字列です。")
        named = _named(document_id, extensions)
        if named is None:
            if not query:
                raise HttpRefusal.bad("`query` is missing: the text of the operation.", "`query`（操作の本文）がありません。")
            if self._only and sha256_of(query) not in self._documents:
                raise _unknown("Only documents that were agreed on are run here.", "ここでは登録済みの操作だけを実行できます。")
            return query
        if query and sha256_of(query) != named:
            raise HttpRefusal.bad("The hash is not that of `query`.", "ハッシュ値が `query` と一致しません。")
        found = self._documents.get(named)
        if found is not None:
            return found
        if query and not self._only:
            return query
        raise _unknown("No document with this hash is known.", "このハッシュ値の操作は登録されていません。")


def _unknown(message: str, japanese: str) -> HttpRefusal:
    return HttpRefusal(400, ErrorCode.PERSISTED_QUERY_NOT_FOUND, message, japanese=japanese)


def _named(document_id: Any, extensions: Any) -> str | None:
    """The hash that a request names."""
    given = document_id
    if given is None and isinstance(extensions, dict) and extensions.get("persistedQuery") is not None:
        persisted = extensions["persistedQuery"]
        given = persisted.get("sha256Hash") if isinstance(persisted, dict) else persisted
    elif given is None:
        return None
    match = HASH.match(given.lower()) if isinstance(given, str) else None
    if match is None:
        raise HttpRefusal.bad(
            "A document is named by its SHA-256, in 64 hexadecimal digits.", "操作は SHA-256（16 進 64 桁）で指定してください。"
        )
    return match[1]
