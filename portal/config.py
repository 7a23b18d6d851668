"""Settings from the environment, parsed once, with one line per setting. Invalid ones are refused with a hint.

Nothing else in the portal reads the environment.

`make run` writes its settings to `demo.env` in the instance folder, one NAME=value a line. Commands of the `flask`
command line read that file where SECRET_KEY is not set, so that `flask --app wsgi users token …` works beside
`make run`. Services (web server, worker) never do: Settings.refuse_for_service().
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.errors import MessageError
from email.header import decode_header, make_header
from email.utils import parseaddr, quote
from pathlib import Path
from urllib.parse import urlsplit

from portal.domain.addresses import mail_address
from portal.domain.encryption import plain_postgresql, plain_redis, plain_smtp
from portal.domain.zones import parse_zone
from portal.errors import ConfigError

_PICTURE_HOST = re.compile(
    r"(?P<scheme>https?://)?(?P<host>(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*)(?P<port>:[0-9]{1,5})?", re.ASCII
)
DEMO_ENV = "demo.env"
LONGEST_PUBLIC_URL = 500
# The largest limit that can be set; 0 sets none.
MAX_LIMIT = 1_000_000
GOOGLE_API_ROOT = "https://www.googleapis.com"
GOOGLE_AUTH_URI = "https://accounts.google.com/o/oauth2/v2/auth"
GOOGLE_TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address, not a secret
GOOGLE_REVOKE_URI = "https://oauth2.googleapis.com/revoke"
GOOGLE_EMBED_URI = "https://calendar.google.com/calendar/embed"
MISSING_KEY = (
    "SECRET_KEY is not set. Make one with `openssl rand -hex 32` and keep it: "
    "it signs sessions and encrypts the tokens of other services."
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every setting of the portal, parsed. Field names are the environment's names in lower case."""

    secret_key: str
    database_url: str
    queue_url: str
    instance_path: Path
    public_url: str
    host: str
    port: int
    proxy_hops: int
    timezone: str
    currency: str
    site_name: str
    mail_url: str
    mail_from: str
    sign_up: str
    picture_hosts: tuple[str, ...]
    token_days: int
    max_open_requests: int
    max_hours_ahead: int
    max_writes_per_hour: int
    max_mails_per_hour: int
    google_client_id: str
    google_client_secret: str
    google_api_root: str
    google_auth_uri: str
    google_token_uri: str
    google_revoke_uri: str
    google_embed_uri: str
    demo_public: bool
    log_level: str
    from_demo_env: bool

    @property
    def google_configured(self) -> bool:
        """Whether the portal has an OAuth client, which connections of organizations require."""
        return bool(self.google_client_id and self.google_client_secret)

    @property
    def secure_cookies(self) -> bool:
        """Whether cookies are sent over https only."""
        return self.public_url.startswith("https://")

    def cookie_name(self, name: str) -> str:
        """The name of a cookie of this portal: browsers send cookies to every port of a host."""
        port = urlsplit(self.public_url).port
        return name if port in (None, 80, 443) else f"{name}_{port}"

    def refuse_for_service(self) -> None:
        """Raise ConfigError if the settings come from demo.env: a service needs its own key."""
        if self.from_demo_env:
            raise ConfigError(MISSING_KEY)


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine only."""
    name = host.strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def load_settings(environ: Mapping[str, str], *, root: Path | None = None) -> Settings:
    """Parse the environment into settings.

    `root` is the project folder (default: two levels above this file); relative paths start there.
    Raises ConfigError, with the name of the setting and how to correct it, at the first one that is wrong.
    """
    base = root or Path(__file__).resolve().parent.parent
    get = _reader(environ)
    instance = _path(get("INSTANCE_PATH", "instance/"), base)
    # Flask's command line sets this variable before it loads the application.
    on_command_line = environ.get("FLASK_RUN_FROM_CLI") == "true"
    kept = read_demo_env(instance) if on_command_line and not get("SECRET_KEY", "") else {}
    if kept:
        get = _reader({**kept, **{name: value for name, value in environ.items() if value.strip()}})
    host = get("HOST", "127.0.0.1")
    port = _whole("PORT", get("PORT", "8000"), 0, 65535)
    shown_host = f"[{host}]" if ":" in host else host
    settings = Settings(
        secret_key=_secret(get("SECRET_KEY", "")),
        database_url=_database("DATABASE_URL", get("DATABASE_URL", f"sqlite:///{instance / 'portal.db'}"), base),
        queue_url=_queue(get("QUEUE_URL", f"sqlite:///{instance / 'queue.db'}"), base),
        instance_path=instance,
        public_url=_public_url(get("PUBLIC_URL", f"http://{shown_host}:{port}")),
        host=host,
        port=port,
        proxy_hops=_whole("PROXY_HOPS", get("PROXY_HOPS", "0"), 0, 10),
        timezone=_zone(get("TIMEZONE", "UTC")),
        currency=_currency(get("CURRENCY", "EUR")),
        site_name=get("SITE_NAME", "Booking portal"),
        mail_url=_mail_url(get("MAIL_URL", "")),
        mail_from=_sender(get("MAIL_FROM", "")),
        sign_up=_choice("SIGN_UP", get("SIGN_UP", "closed"), ("closed", "open")),
        picture_hosts=tuple(map(_picture_host, get("PICTURE_HOSTS", "").replace(",", " ").split())),
        token_days=_whole("TOKEN_DAYS", get("TOKEN_DAYS", "365"), 0, 3650),
        max_open_requests=_whole("MAX_OPEN_REQUESTS", get("MAX_OPEN_REQUESTS", "20"), 0, MAX_LIMIT),
        max_hours_ahead=_whole("MAX_HOURS_AHEAD", get("MAX_HOURS_AHEAD", "200"), 0, MAX_LIMIT),
        max_writes_per_hour=_whole("MAX_WRITES_PER_HOUR", get("MAX_WRITES_PER_HOUR", "1000"), 0, MAX_LIMIT),
        max_mails_per_hour=_whole("MAX_MAILS_PER_HOUR", get("MAX_MAILS_PER_HOUR", "10"), 0, MAX_LIMIT),
        google_client_id=get("GOOGLE_CLIENT_ID", ""),
        google_client_secret=get("GOOGLE_CLIENT_SECRET", ""),
        google_api_root=_url("GOOGLE_API_ROOT", get("GOOGLE_API_ROOT", GOOGLE_API_ROOT)),
        google_auth_uri=_url("GOOGLE_AUTH_URI", get("GOOGLE_AUTH_URI", GOOGLE_AUTH_URI)),
        google_token_uri=_url("GOOGLE_TOKEN_URI", get("GOOGLE_TOKEN_URI", GOOGLE_TOKEN_URI)),
        google_revoke_uri=_url("GOOGLE_REVOKE_URI", get("GOOGLE_REVOKE_URI", GOOGLE_REVOKE_URI)),
        google_embed_uri=_url("GOOGLE_EMBED_URI", get("GOOGLE_EMBED_URI", GOOGLE_EMBED_URI)),
        demo_public=_flag("DEMO_PUBLIC", get("DEMO_PUBLIC", "0")),
        log_level=_choice("LOG_LEVEL", get("LOG_LEVEL", "info").lower(), ("debug", "info", "warning", "error")),
        from_demo_env=bool(kept),
    )
    _refuse_impossible_pairs(settings)
    return settings


def unencrypted_connections(settings: Settings, environ: Mapping[str, str]) -> list[str]:
    """A sentence for each connection to another machine that may be unencrypted, and how to encrypt it."""
    default = environ.get("PGSSLMODE", "").strip()
    with_mode = "add ?sslmode=verify-full (or require)"
    is_postgresql = settings.queue_url.startswith("postgresql")
    queue = plain_postgresql(settings.queue_url, default) if is_postgresql else plain_redis(settings.queue_url)
    found = (
        ("DATABASE_URL", plain_postgresql(settings.database_url, default), with_mode),
        ("QUEUE_URL", queue, with_mode if is_postgresql else "use rediss://"),
        ("MAIL_URL", plain_smtp(settings.mail_url), "add ?starttls=1, or use smtps://"),
    )
    return [
        f"{name}: the connection to {host} may be unencrypted, and others on the way can read and change what is sent. "
        f"To encrypt it, {remedy}."
        for name, host, remedy in found
        if host and not is_loopback(host)
    ]


def _refuse_impossible_pairs(settings: Settings) -> None:
    if bool(settings.google_client_id) != bool(settings.google_client_secret):
        raise ConfigError("GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET belong together: set both or neither.")
    if settings.mail_url and not settings.mail_from:
        raise ConfigError("MAIL_URL is set, but MAIL_FROM is not: name the sender, such as booking@example.org.")
    if settings.database_url.startswith("sqlite") and settings.database_url == settings.queue_url:
        raise ConfigError("QUEUE_URL must be another file than DATABASE_URL: the queue locks its file on its own.")


def _reader(environ: Mapping[str, str]) -> Callable[[str, str], str]:
    def get(name: str, default: str) -> str:
        value = environ.get(name, "").strip()
        return value or default

    return get


def read_demo_env(instance: Path) -> dict[str, str]:
    """The settings that `make run` wrote into the instance folder; empty where it never ran."""
    path = instance / DEMO_ENV
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def _secret(value: str) -> str:
    if not value:
        raise ConfigError(MISSING_KEY)
    # Each key of a list has to be long: anybody can sign with an empty one.
    if any(len(key) < 16 for key in value.split(",")):
        raise ConfigError(
            "SECRET_KEY is too short: use at least 16 characters for each key, for example `openssl rand -hex 32`."
        )
    return value


def _path(value: str, base: Path) -> Path:
    path = Path(value).expanduser()
    return path if path.is_absolute() else (base / path)


def _database(name: str, value: str, base: Path) -> str:
    if value.startswith("sqlite:///"):
        file = value.removeprefix("sqlite:///")
        if not file or file.startswith(":memory:"):
            raise ConfigError(f"{name} must name a file (sqlite:///path): several processes share it.")
        return f"sqlite:///{_path(file, base)}"
    for scheme in ("postgresql+psycopg://", "postgresql://", "postgres://"):
        if value.startswith(scheme):
            return "postgresql+psycopg://" + value.removeprefix(scheme)
    raise ConfigError(
        f"{name} must start with sqlite:/// or postgresql:// (it is {value.split(':', maxsplit=1)[0]!r})."
    )


def _queue(value: str, base: Path) -> str:
    if value.startswith(("redis://", "rediss://", "unix://")):
        return value
    url = _database("QUEUE_URL", value, base)
    return url.replace("postgresql+psycopg://", "postgresql://")


def _whole(name: str, value: str, low: int, high: int) -> int:
    try:
        number = int(value)
    except ValueError:
        number = low - 1
    if not low <= number <= high:
        raise ConfigError(f"{name} must be a whole number from {low} to {high} (it is {value!r}).")
    return number


def _flag(name: str, value: str) -> bool:
    if value.lower() in ("1", "true", "yes", "on"):
        return True
    if value.lower() in ("0", "false", "no", "off"):
        return False
    raise ConfigError(f"{name} must be 1 or 0 (it is {value!r}).")


def _choice(name: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise ConfigError(f"{name} must be one of {', '.join(choices)} (it is {value!r}).")
    return value


def _zone(value: str) -> str:
    try:
        return parse_zone(value).key
    except ValueError:
        raise ConfigError(f"TIMEZONE must be an IANA name such as Europe/Tallinn (it is {value!r}).") from None


def _mail_url(value: str) -> str:
    if not value:
        return ""
    try:
        parts = urlsplit(value)
        known = parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        known = False
    if not known:
        # Without the value, which may contain a password.
        raise ConfigError("MAIL_URL must look like smtp://user:password@host:587?starttls=1 or smtps://host.")
    return value


def _sender(value: str) -> str:
    if not value:
        return ""
    name, address = parseaddr(value)
    try:
        mail_address(address)
        # Also where it was given as mail programs write it: =?utf-8?q?Gr=C3=BCn?= <booking@example.org>.
        name = str(make_header(decode_header(name)))
    except (MessageError, ValueError, LookupError):
        address = ""
    if not address or not value.isprintable() or not name.isprintable():
        raise ConfigError(f"MAIL_FROM must be an address such as booking@example.org (it is {value!r}).")
    return f'"{quote(name)}" <{address}>' if name else address


def _currency(value: str) -> str:
    if len(value) == 3 and value.isascii() and value.isalpha():
        return value.upper()
    raise ConfigError(f"CURRENCY must be an ISO 4217 code such as EUR (it is {value!r}).")


def _picture_host(value: str) -> str:
    """A host as a content security policy names it: https://images.example.org, https://*.example.org:8443."""
    found = _PICTURE_HOST.fullmatch(value.lower())
    if found is None or (found["scheme"] == "http://" and not is_loopback(found["host"])):
        raise ConfigError(
            "PICTURE_HOSTS must be hosts such as images.example.org, *.example.org or images.example.org:8443, with "
            f"commas between them (one is {value[:200]!r})."
        )
    return f"{found['scheme'] or 'https://'}{found['host']}{found['port'] or ''}"


def _public_url(value: str) -> str:
    # It is written into headers of mail, where a line has an end.
    if len(value) > LONGEST_PUBLIC_URL or not value.isprintable() or set(value) & set(' <>"\\'):
        raise ConfigError(
            f"PUBLIC_URL must have at most {LONGEST_PUBLIC_URL} characters, without spaces, quotes or angle brackets "
            f"(it is {value[:200]!r})."
        )
    found = _url("PUBLIC_URL", value, https_only=False)
    try:
        parts = urlsplit(value)
        is_bare = parts.path in ("", "/") and not (parts.query or parts.fragment) and "@" not in parts.netloc
        is_bare = is_bare and parts.port != 0
    except ValueError:
        is_bare = False
    if not is_bare:
        raise ConfigError(
            "PUBLIC_URL must be a scheme and a host, with a port at most: the portal cannot be served below a path "
            f"(it is {value[:200]!r})."
        )
    return found


def _url(name: str, value: str, *, https_only: bool = True) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"{name} must be an absolute http(s) address (it is {value!r}).")
    if https_only and parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ConfigError(f"{name} may use http on a loopback address only (it is {value!r}).")
    return value.rstrip("/")
