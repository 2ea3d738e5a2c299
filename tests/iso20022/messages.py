"""Messages to try the reader with, and the schemas that say whether they are any."""

import functools
from collections.abc import Iterable
from pathlib import Path

from lxml import etree

XSD = Path(__file__).parent / "xsd"
SPACE = "urn:iso:std:iso:20022:tech:xsd:"


@functools.cache
def schema(message: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(XSD / f"{message}.xsd")))


def wrong_with(content: bytes | Iterable[bytes]) -> list[str]:
    """What the public schema of the message finds wrong with it."""
    document = etree.fromstring(content if isinstance(content, bytes) else b"".join(content), etree.XMLParser(resolve_entities=False))
    message = str(etree.QName(document).namespace).removeprefix(SPACE)
    found = schema(message)
    found.validate(document)
    return [f"{error.line}: {error.message}" for error in found.error_log]
