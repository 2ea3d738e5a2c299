"""Settings: one class per process, each asking only for what that process needs.

The environment is read once, by whoever starts the process, and handed down:

    settings = ApiSettings.from_env(os.environ)

Every variable stands in `VARIABLES` with its meaning, and in docs/settings.md; a `KESSAI_...` that does not is
refused, so
that a typing slip is not a silent default.
"""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Literal, Self, TypeVar
from urllib.parse import urlsplit

from kessai.trouble import Trouble

LogFormat = Literal["auto", "json", "console"]
LogLevel = Literal["debug", "info", "warning", "error"]

VARIABLES: dict[str, str] = {
    "DATABASE_URL": "PostgreSQL to use, `postgresql://user:password@host:5432/name`; without it an embedded one is started",
    "REDIS_URL": "Redis or Valkey to use, `redis://host:6379/0`; without it an embedded Valkey is started",
    "KESSAI_STATE": "directory of the embedded servers (default `var/state`)",
    "KESSAI_SPOOL": "directory of sealed files and raw replies (default `var/spool`)",
    "KESSAI_HOST": "address the API listens on (default `127.0.0.1`)",
    "KESSAI_PORT": "port of the API; a given one that is taken is an error (default 8000, or the next free one)",
    "KESSAI_PUBLIC_URL": "address under which clients know the API, when it stands behind a proxy; names the token issuer",
    "KESSAI_LIMITS": "limits of the API that differ from docs/limits.md, `depth=10,cost=20000` (default: none)",
    "KESSAI_CORS_ORIGINS": "origins whose pages may call the API, `https://shop.example`, separated by commas; `*` is everybody's (default: none)",
    "KESSAI_TRUSTED_DOCUMENTS": "file of trusted documents (docs/limits.md; default: none)",
    "KESSAI_TRUSTED_ONLY": "`1`: the API runs trusted documents only (default `0`)",
    "KESSAI_TRUSTED_PROXIES": "proxies whose X-Forwarded-For is believed: addresses or networks, separated by commas (default: this machine)",
    "KESSAI_OIDC_ISSUER": "external OpenID issuer instead of the server's own sign-in: its `iss`, exactly",
    "KESSAI_OIDC_AUDIENCE": "what the external issuer's access tokens for this API have in `aud`; needed with KESSAI_OIDC_ISSUER",
    "KESSAI_HOOKS_ALLOW_PRIVATE": "`1`: webhooks may go to http, private and loopback addresses and any port: for development only (default `0`)",
    "KESSAI_HOOKS_PORTS": "ports that webhooks may go to, separated by commas (default `443`)",
    "SMTP_URL": "mail server, `smtps://user:password@host:465`, `smtp://...:587` (STARTTLS), `smtp://127.0.0.1:25?security=none` (default: no mail)",
    "KESSAI_MAIL_FROM": "address that mail comes from; needed with SMTP_URL",
    "KESSAI_QUEUES": "queues a worker serves, separated by commas (default: all)",
    "KESSAI_THREADS": "messages a worker handles at once (default 8)",
    "KESSAI_HEALTH_PORT": "port of `/healthz` and `/readyz` of a worker or scheduler, on loopback (default: none)",
    "KESSAI_CRASH_AT": "for tests: where in the sending protocol a worker kills itself",
    "KESSAI_LOG_FORMAT": "`json`, `console`, or `auto`: console on a terminal, else JSON (default `auto`)",
    "KESSAI_LOG_LEVEL": "`debug`, `info`, `warning` or `error` (default `info`)",
}

LOOPBACK = ("127.0.0.1", "::1")
MAX_PORT = 65_535
MAX_THREADS = 256

T = TypeVar("T")


class SettingsError(Trouble):
    """A variable that is missing or cannot be meant. Codes: SETTING_INVALID, SETTING_UNKNOWN, DATABASE_URL,
    REDIS_URL.
    """


@dataclass(frozen=True, slots=True)
class ServiceUrl:
    """An address that may hold a password: shown without it, `reveal()` for whoever connects."""

    _url: str = field(repr=False)

    def reveal(self) -> str:
        """The whole address, for the driver."""
        return self._url

    def __str__(self) -> str:
        """The address with the password masked."""
        parts = urlsplit(self._url)
        if parts.password is None:
            return self._url.partition("?")[0]
        host = parts.netloc.rpartition("@")[2]
        return f"{parts.scheme}://{parts.username or ''}:***@{host}{parts.path}"

    def __repr__(self) -> str:
        """As `str`: a settings object may be logged."""
        return f"ServiceUrl({str(self)!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """How a process speaks."""

    format: LogFormat = "auto"
    level: LogLevel = "info"

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read KESSAI_LOG_FORMAT and KESSAI_LOG_LEVEL."""
        return cls(
            format=_choice(environ, "KESSAI_LOG_FORMAT", ("auto", "json", "console"), "auto"),
            level=_choice(environ, "KESSAI_LOG_LEVEL", ("debug", "info", "warning", "error"), "info"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """The two servers everything stands on. An address left out means: start an embedded one in `state`."""

    database_url: ServiceUrl | None = None
    redis_url: ServiceUrl | None = None
    state: Path = Path("var/state")

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read DATABASE_URL, REDIS_URL and KESSAI_STATE."""
        return cls(
            database_url=_service(environ, "DATABASE_URL", ("postgresql", "postgres"), "postgresql://user@host:5432/kessai"),
            redis_url=_service(environ, "REDIS_URL", ("redis", "rediss", "valkey"), "redis://host:6379/0"),
            state=_path(environ, "KESSAI_STATE", "var/state"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSettings:
    """Webhooks and mail: where they may go. The API looks at addresses when they are registered, workers when they call."""

    allow_private: bool = False
    ports: frozenset[int] = frozenset({443})
    smtp_url: ServiceUrl | None = None
    mail_from: str | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read KESSAI_HOOKS_ALLOW_PRIVATE, KESSAI_HOOKS_PORTS, SMTP_URL and KESSAI_MAIL_FROM."""
        smtp_url = _service(environ, "SMTP_URL", ("smtp", "smtps"), "smtps://user:password@host:465", "no mail is sent")
        mail_from = _text(environ, "KESSAI_MAIL_FROM")
        if (smtp_url is None) != (mail_from is None):
            missing = "KESSAI_MAIL_FROM" if mail_from is None else "SMTP_URL"
            raise _invalid(missing, "SMTP_URL and KESSAI_MAIL_FROM belong together", "(both, or neither)")
        return cls(
            allow_private=_choice(environ, "KESSAI_HOOKS_ALLOW_PRIVATE", ("0", "1"), "0") == "1",
            ports=_ports(environ),
            smtp_url=smtp_url,
            mail_from=mail_from,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """The API process: no bank's directory, no bank's key."""

    engines: EngineSettings = EngineSettings()
    logs: LogSettings = LogSettings()
    host: str = "127.0.0.1"
    port: int | None = None  # None = 8000, or the next free one
    public_url: str | None = None
    limits: Mapping[str, int] = field(default_factory=dict)
    cors_origins: frozenset[str] = frozenset()
    trusted_documents: Path | None = None
    trusted_only: bool = False
    trusted_proxies: tuple[str, ...] = LOOPBACK
    oidc: tuple[str, str] | None = None  # the external issuer and our audience there
    hooks: HookSettings = HookSettings()

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read what the API needs. Raises SettingsError."""
        refuse_unknown(environ)
        return cls(
            engines=EngineSettings.from_env(environ),
            logs=LogSettings.from_env(environ),
            host=_text(environ, "KESSAI_HOST") or "127.0.0.1",
            port=_number(environ, "KESSAI_PORT", MAX_PORT),
            public_url=_public_url(environ),
            limits=_limits(environ),
            cors_origins=_origins(environ),
            trusted_documents=Path(given).expanduser() if (given := _text(environ, "KESSAI_TRUSTED_DOCUMENTS")) else None,
            trusted_only=_choice(environ, "KESSAI_TRUSTED_ONLY", ("0", "1"), "0") == "1",
            trusted_proxies=_proxies(environ),
            oidc=_oidc(environ),
            hooks=HookSettings.from_env(environ),
        )

    @property
    def loopback(self) -> bool:
        """Whether only this machine can call: the fixed demo password is given out only then."""
        return self.host in {"localhost", "::1"} or self.host.startswith("127.")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """A worker process: the spool, and the queues it serves."""

    engines: EngineSettings = EngineSettings()
    logs: LogSettings = LogSettings()
    spool: Path = Path("var/spool")
    queues: tuple[str, ...] = ()  # empty = all
    threads: int = 8
    health_port: int | None = None
    hooks: HookSettings = HookSettings()

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read what a worker needs. Raises SettingsError."""
        refuse_unknown(environ)
        queues = [name.strip() for name in (_text(environ, "KESSAI_QUEUES") or "").split(",")]
        return cls(
            engines=EngineSettings.from_env(environ),
            logs=LogSettings.from_env(environ),
            spool=_path(environ, "KESSAI_SPOOL", "var/spool"),
            queues=tuple(name for name in queues if name),
            threads=_number(environ, "KESSAI_THREADS", MAX_THREADS) or 8,
            health_port=_number(environ, "KESSAI_HEALTH_PORT", MAX_PORT),
            hooks=HookSettings.from_env(environ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerSettings:
    """A scheduler process: it only looks and rings."""

    engines: EngineSettings = EngineSettings()
    logs: LogSettings = LogSettings()
    health_port: int | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read what a scheduler needs. Raises SettingsError."""
        refuse_unknown(environ)
        return cls(
            engines=EngineSettings.from_env(environ),
            logs=LogSettings.from_env(environ),
            health_port=_number(environ, "KESSAI_HEALTH_PORT", MAX_PORT),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UpSettings:
    """`kessai up` and `kessai demo`: everything on this machine, so everything that its processes need."""

    api: ApiSettings = ApiSettings()
    worker: WorkerSettings = WorkerSettings()

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read what all processes need. Raises SettingsError."""
        return cls(api=ApiSettings.from_env(environ), worker=WorkerSettings.from_env(environ))


def refuse_unknown(environ: Mapping[str, str]) -> None:
    """Raise SettingsError for the first KESSAI_ variable that nobody reads."""
    for name in sorted(environ):
        if name.startswith("KESSAI_") and name not in VARIABLES:
            near = difflib.get_close_matches(name, VARIABLES, n=1)
            raise SettingsError(
                f"{name} is not a setting",
                why=f"did you mean {near[0]}?" if near else "nobody reads it",
                do=(f"unset {name}", "the settings stand in docs/settings.md"),
                code="SETTING_UNKNOWN",
            )


def _text(environ: Mapping[str, str], name: str) -> str | None:
    """The value; empty is the same as left out, as compose files write it."""
    return environ.get(name, "").strip() or None


def _invalid(name: str, why: str, example: str, code: str = "SETTING_INVALID") -> SettingsError:
    return SettingsError(f"{name} cannot be used", why=why, do=(f"{name}={example}",), code=code)


def _choice(environ: Mapping[str, str], name: str, choices: tuple[T, ...], default: T) -> T:
    given = _text(environ, name)
    if given is None:
        return default
    for choice in choices:
        if choice == given.lower():
            return choice
    raise _invalid(name, f"{given!r} is none of {', '.join(map(str, choices))}", str(default))


def _number(environ: Mapping[str, str], name: str, maximum: int) -> int | None:
    given = _text(environ, name)
    if given is None:
        return None
    if not (given.isascii() and given.isdecimal()) or not 1 <= int(given) <= maximum:
        raise _invalid(name, f"{given!r} is not a whole number from 1 to {maximum}", "8000" if maximum == MAX_PORT else "8")
    return int(given)


def _ports(environ: Mapping[str, str]) -> frozenset[int]:
    given = [one.strip() for one in (_text(environ, "KESSAI_HOOKS_PORTS") or "443").split(",") if one.strip()]
    for one in given:
        if not (one.isascii() and one.isdecimal()) or not 1 <= int(one) <= MAX_PORT:
            raise _invalid("KESSAI_HOOKS_PORTS", f"{one!r} is not a whole number from 1 to {MAX_PORT}", "443,8443")
    return frozenset(int(one) for one in given)


def _path(environ: Mapping[str, str], name: str, default: str) -> Path:
    path = Path(_text(environ, name) or default).expanduser()
    if path.exists() and not path.is_dir():
        raise _invalid(name, f"{path} is a file, and a directory is needed", default)
    return path


def _url_problem(url: str, schemes: tuple[str, ...]) -> str | None:
    """Why that is not an address of such a service; says nothing that could be a password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "its port is not a number"
    if parts.scheme not in schemes:
        return f"it must begin with {schemes[0]}://"
    if not parts.hostname and "host=" not in parts.query:
        return "it names no host"
    if port == 0:
        return "its port is 0"
    return None


def _service(
    environ: Mapping[str, str], name: str, schemes: tuple[str, ...], example: str, without: str = "an embedded one is started"
) -> ServiceUrl | None:
    given = _text(environ, name)
    if given is None:
        return None
    checks: list[Callable[[], str | None]] = [lambda: _url_problem(given, schemes)]
    if name == "DATABASE_URL":
        checks.append(lambda: None if urlsplit(given).path.strip("/") else "it names no database")
    for check in checks:
        if (why := check()) is not None:
            raise _invalid(name, why, f"{example}, or leave it out: then {without}", code=name)
    return ServiceUrl(given)


def _limits(environ: Mapping[str, str]) -> dict[str, int]:
    """Names and numbers; whether there is such a limit is for the API to say."""
    found: dict[str, int] = {}
    for part in (_text(environ, "KESSAI_LIMITS") or "").split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not name and not equals:
            continue
        if not name or not (value.isascii() and value.isdecimal()) or len(value) > 12:
            raise _invalid("KESSAI_LIMITS", f"{part.strip()!r} is not a name and a whole number", "depth=10,cost=20000")
        found[name] = int(value)
    return found


def _origins(environ: Mapping[str, str]) -> frozenset[str]:
    given = [one.strip() for one in (_text(environ, "KESSAI_CORS_ORIGINS") or "").split(",") if one.strip()]
    for one in given:
        parts = urlsplit(one)
        if one != "*" and (not parts.netloc or one != f"{parts.scheme}://{parts.netloc}" or parts.scheme not in {"https", "http"}):
            raise _invalid("KESSAI_CORS_ORIGINS", f"{one!r} is not scheme, host and port", "https://shop.example")
    return frozenset(given)


def _proxies(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Addresses and networks; never everybody's: whoever could name an address of his choice would be counted as somebody else."""
    given = tuple(one.strip() for one in (_text(environ, "KESSAI_TRUSTED_PROXIES") or "").split(",") if one.strip())
    for one in given:
        try:
            network = ip_network(one)
        except ValueError:
            raise _invalid("KESSAI_TRUSTED_PROXIES", f"{one!r} is no address and no network", "10.0.0.7,10.1.0.0/16") from None
        if network.prefixlen == 0:
            raise _invalid("KESSAI_TRUSTED_PROXIES", f"{one!r} is everybody", "10.0.0.7,10.1.0.0/16")
    return given or LOOPBACK


def _public_url(environ: Mapping[str, str]) -> str | None:
    given = _text(environ, "KESSAI_PUBLIC_URL")
    if given is not None and (why := _url_problem(given, ("https", "http"))) is not None:
        raise _invalid("KESSAI_PUBLIC_URL", why, "https://kessai.example")
    return None if given is None else given.rstrip("/")


def _oidc(environ: Mapping[str, str]) -> tuple[str, str] | None:
    issuer, audience = _text(environ, "KESSAI_OIDC_ISSUER"), _text(environ, "KESSAI_OIDC_AUDIENCE")
    if issuer is None:
        if audience is not None:
            raise _invalid("KESSAI_OIDC_AUDIENCE", "there is no KESSAI_OIDC_ISSUER whose audience it could be", "(unset)")
        return None
    if (why := _url_problem(issuer, ("https",))) is not None:
        raise _invalid("KESSAI_OIDC_ISSUER", why, "https://login.example/realms/trade")
    if audience is None:
        raise _invalid("KESSAI_OIDC_AUDIENCE", "without it any token of the issuer would be taken", "kessai-api")
    return issuer, audience
