"""Logs: one line per event, JSON unless somebody looks, and nothing in them that must stay between a bank and its
customer.

Everything passes one masking processor last, what libraries log and tracebacks included:

    configure(LogSettings.from_env(os.environ))
    structlog.get_logger().info("debit sent", contract_id=..., batch=...)

Masked are account numbers (any run of seven digits or more that is neither a contract ID nor a date), holders' names as
banks write them (half-width kana), passwords in addresses, tokens, keys, and whatever stands under a key that says so.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog
from structlog.typing import Processor

from kessai.settings import LogSettings

HIDDEN = "***"

# Keys whose value is never shown, whole or in part (compared in lower case, without "_" and "-").
_HIDDEN_KEYS = frozenset({
    "accesstoken", "address", "apikey", "assertion", "authorization", "buyeraddress", "buyername", "clientsecret", "code",
    "codeverifier", "cookie", "credential", "credentials", "holder", "holdername", "password", "passwd", "privatekey",
    "refreshtoken", "secret", "selleraddress", "sellername", "setcookie", "signature", "signingkey", "token",
})  # fmt: skip
# Keys whose value is one of our own numbers and may be long: batches, positions, amounts, hashes, file names of spool
# records.
_OPEN_KEYS = frozenset({
    "amount", "amountyen", "batchid", "contractid", "contractids", "count", "hash", "requestid", "runid", "sha256", "spanid",
    "timestamp", "total", "traceid", "yen",
})  # fmt: skip

_DIGITS = re.compile(r"\d{7,}")  # full-width digits too
_CONTRACT_ID_LENGTH = 18
_DATE = re.compile(r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])", re.ASCII)
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})(?![0-9A-Za-z])")
_HALF_WIDTH_KANA = re.compile("[\uff66-\uff9f][\uff66-\uff9f A-Z0-9().\\-/]*[\uff66-\uff9f]")
_SECRETS = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), HIDDEN),
    (re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]+", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?"), HIDDEN),
    (re.compile(r"(\w+://[^\s:/@]*):[^\s/]*@"), rf"\1:{HIDDEN}@"),
    (
        re.compile(
            r"""(["']?\b(?:client_secret|secret|password|passwd|access_token|refresh_token|token|api_key|assertion|code_verifier"""
            r"""|signature)["']?\s*[=:]\s*)(?:"[^"]*"|'[^']*'|[^\s&,;)}\]]+)""",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
)


def masked(text: str) -> str:
    """The text without account numbers, holders' names and secrets. Masking twice changes nothing more."""
    for pattern, shown in _SECRETS:
        text = pattern.sub(shown, text)
    text = _HALF_WIDTH_KANA.sub(HIDDEN, text)
    # Hashes and request IDs are long hexadecimal words and may hold runs of digits: step over them.
    pieces: list[str] = []
    end = 0
    for word in _HEX.finditer(text):
        if word.group().isdecimal():
            continue
        pieces += [_DIGITS.sub(_masked_digits, text[end : word.start()]), word.group()]
        end = word.end()
    return "".join(pieces) + _DIGITS.sub(_masked_digits, text[end:])


def _masked_digits(found: re.Match[str]) -> str:
    digits = found.group()
    if digits.isascii() and (len(digits) == _CONTRACT_ID_LENGTH or _DATE.fullmatch(digits)):
        return digits
    return f"{HIDDEN}{digits[-3:]}"


def _cleaned(value: Any, key: str) -> Any:
    plain = key.lower().replace("_", "").replace("-", "")
    if plain in _HIDDEN_KEYS and value is not None:
        return HIDDEN
    if isinstance(value, Mapping):
        return {masked(str(name)): _cleaned(inner, str(name)) for name, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_cleaned(inner, key) for inner in value]
    if isinstance(value, (bool, int, float)) or value is None:
        return value  # numbers are counts, yen and our own IDs; account numbers are text everywhere
    text = str(value)
    return text if plain in _OPEN_KEYS and text.isalnum() and text.isascii() else masked(text)


def mask_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The masking processor; it must stand last before the renderer."""
    for key in list(event):
        if key not in {"level", "logger", "_record", "_from_structlog"}:
            event[key] = _cleaned(event[key], key)
    return event


def configure(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Set up structlog and the standard library's logging for this process. Call it once, before anything logs."""
    stream = sys.stderr if stream is None else stream
    to_console = settings.format == "console" or (settings.format == "auto" and stream.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback)
        if to_console
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, mask_event, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):  # they bring handlers of their own
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    logging.getLogger("authlib").setLevel(logging.INFO)  # at DEBUG it writes whole tokens
    logging.getLogger("asyncssh").setLevel(logging.WARNING)
    logging.getLogger("tortoise").setLevel(logging.WARNING)  # it tells of each closed pool
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
