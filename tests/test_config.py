"""Settings: what is taken, what is refused, and in which words."""

from dataclasses import replace
from pathlib import Path

import pytest

from portal.app import create_app
from portal.config import load_settings, unencrypted_connections
from portal.dev.google_emulator.settings import google_settings
from portal.errors import ConfigError
from tools.run import write_demo_env

KEY = {"SECRET_KEY": "0123456789abcdef"}
EMULATOR = "http://127.0.0.1:8099"


def test_defaults(tmp_path):
    found = load_settings({**KEY, "INSTANCE_PATH": str(tmp_path)})
    assert found.database_url == f"sqlite:///{tmp_path / 'portal.db'}"
    assert found.queue_url == f"sqlite:///{tmp_path / 'queue.db'}"
    assert (found.host, found.port, found.public_url) == ("127.0.0.1", 8000, "http://127.0.0.1:8000")
    assert (found.timezone, found.currency, found.proxy_hops, found.sign_up) == ("UTC", "EUR", 0, "closed")
    assert found.google_embed_uri == "https://calendar.google.com/calendar/embed"
    assert not found.google_configured
    assert not found.secure_cookies


def test_relative_paths_start_at_the_project():
    found = load_settings({**KEY, "DATABASE_URL": "sqlite:///data/x.db"}, root=Path("/srv/portal"))
    assert found.instance_path == Path("/srv/portal/instance")
    assert found.database_url == "sqlite:////srv/portal/data/x.db"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("postgresql://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("postgres://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("postgresql+psycopg://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
    ],
)
def test_postgresql_by_any_of_its_names(given, kept):
    found = load_settings({**KEY, "DATABASE_URL": given, "QUEUE_URL": given})
    assert found.database_url == kept
    assert found.queue_url == "postgresql://u:p@h/d"


def test_a_public_https_address_makes_cookies_secure():
    found = load_settings({**KEY, "PUBLIC_URL": "https://booking.example.org/"})
    assert found.public_url == "https://booking.example.org"
    assert found.secure_cookies


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("", ()),
        ("Images.example.org", ("https://images.example.org",)),
        ("a.example.org:8443, https://*.b.example.org", ("https://a.example.org:8443", "https://*.b.example.org")),
        ("http://127.0.0.1:9000 http://localhost", ("http://127.0.0.1:9000", "http://localhost")),
    ],
)
def test_hosts_of_pictures(given, kept):
    assert load_settings({**KEY, "PICTURE_HOSTS": given}).picture_hosts == kept


@pytest.mark.parametrize(
    "given", ["http://example.org", "*", "*.", "a b;c", "ftp://a", "a/b", "'self'", "a..b", "https:"]
)
def test_what_is_no_host_of_pictures(given):
    with pytest.raises(ConfigError, match=r"^PICTURE_HOSTS must be hosts such as"):
        load_settings({**KEY, "PICTURE_HOSTS": given})


def test_http_for_google_is_taken_on_loopback_only():
    for address in ("http://127.0.0.1:8099", "http://localhost:1", "http://[::1]:8099"):
        assert load_settings({**KEY, "GOOGLE_API_ROOT": address + "/"}).google_api_root == address


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY is too short"),
        ({"SECRET_KEY": "0123456789abcdef,"}, "SECRET_KEY is too short"),
        ({"SECRET_KEY": "0123456789abcdef,old,0123456789abcdef"}, "SECRET_KEY is too short"),
        ({"PORT": "80x"}, "PORT must be a whole number"),
        ({"PORT": "70000"}, "PORT must be a whole number"),
        ({"PROXY_HOPS": "-1"}, "PROXY_HOPS must be"),
        ({"TIMEZONE": "Mars/Olympus"}, "TIMEZONE must be an IANA name"),
        ({"TIMEZONE": "right/Europe/Tallinn"}, "TIMEZONE must be an IANA name"),
        ({"TIMEZONE": "localtime"}, "TIMEZONE must be an IANA name"),
        ({"CURRENCY": "Euro"}, "CURRENCY must be"),
        ({"SIGN_UP": "maybe"}, "SIGN_UP must be one of"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL must be one of"),
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL must start with"),
        ({"DATABASE_URL": "sqlite:///:memory:"}, "DATABASE_URL must name a file"),
        ({"QUEUE_URL": "amqp://x"}, "QUEUE_URL must start with"),
        ({"DATABASE_URL": "sqlite:////a.db", "QUEUE_URL": "sqlite:////a.db"}, "QUEUE_URL must be another file"),
        ({"PUBLIC_URL": "booking.example.org"}, "PUBLIC_URL must be an absolute"),
        ({"PUBLIC_URL": "https://lab.example.org/booking"}, "cannot be served below a path"),
        ({"PUBLIC_URL": "https://lab.example.org/?a=b"}, "cannot be served below a path"),
        ({"PUBLIC_URL": "https://lab.example.org/#x"}, "cannot be served below a path"),
        ({"PUBLIC_URL": "https://me@lab.example.org"}, "a scheme and a host"),
        ({"PUBLIC_URL": "https://lab.example.org:99999"}, "a scheme and a host"),
        ({"GOOGLE_API_ROOT": "http://example.org"}, "GOOGLE_API_ROOT may use http on a loopback address only"),
        ({"GOOGLE_CLIENT_ID": "x"}, "GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET belong together"),
        ({"DEMO_PUBLIC": "si"}, "DEMO_PUBLIC must be 1 or 0"),
    ],
)
def test_what_is_wrong_is_named(environ, said, tmp_path):
    with pytest.raises(ConfigError, match=said):
        load_settings({**KEY, "INSTANCE_PATH": str(tmp_path), **environ})


@pytest.fixture
def beside_make_run(tmp_path):
    """The environment of a process whose instance folder `make run` has used."""
    lines = ("# written by make run", "SECRET_KEY=ffffffffffffffff", "PORT=8123", "SITE_NAME=Lab = here", "")
    (tmp_path / "demo.env").write_text("\n".join(lines))
    return {"INSTANCE_PATH": str(tmp_path)}


def test_commands_read_the_settings_of_make_run_where_they_have_no_key(beside_make_run):
    found = load_settings({**beside_make_run, "FLASK_RUN_FROM_CLI": "true", "SECRET_KEY": " ", "CURRENCY": "SEK"})
    assert (found.secret_key, found.public_url, found.site_name) == ("f" * 16, "http://127.0.0.1:8123", "Lab = here")
    assert (found.currency, found.from_demo_env) == ("SEK", True)
    with pytest.raises(ConfigError, match="SECRET_KEY is not set"):
        found.refuse_for_service()


def test_what_the_environment_says_goes_before_the_settings_of_make_run(beside_make_run):
    found = load_settings({**beside_make_run, "FLASK_RUN_FROM_CLI": "true", "PORT": "9000", "SITE_NAME": ""})
    assert (found.port, found.site_name) == (9000, "Lab = here")


def test_with_a_key_of_its_own_a_command_reads_nothing_of_make_run(beside_make_run):
    found = load_settings({**beside_make_run, **KEY, "FLASK_RUN_FROM_CLI": "true"})
    assert (found.port, found.from_demo_env) == (8000, False)
    found.refuse_for_service()


def test_a_server_reads_nothing_of_make_run(beside_make_run):
    with pytest.raises(ConfigError, match="SECRET_KEY is not set"):
        load_settings(beside_make_run)
    assert load_settings({**beside_make_run, **KEY}).port == 8000


def test_a_command_without_a_key_and_without_make_run_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="SECRET_KEY is not set"):
        load_settings({"INSTANCE_PATH": str(tmp_path), "FLASK_RUN_FROM_CLI": "true"})


def test_commands_read_what_make_run_wrote(tmp_path):
    environ = {
        **KEY,
        "PORT": "8123",
        "SITE_NAME": "Lab",
        "CURRENCY": " ",
        "PATH": "/usr/bin",
        **google_settings(EMULATOR),
    }
    write_demo_env(tmp_path, environ)
    assert (tmp_path / "demo.env").stat().st_mode & 0o777 == 0o600
    assert "PATH=" not in (tmp_path / "demo.env").read_text()
    found = load_settings({"INSTANCE_PATH": str(tmp_path), "FLASK_RUN_FROM_CLI": "true"})
    written = load_settings({**environ, "INSTANCE_PATH": str(tmp_path)})
    assert found == replace(written, from_demo_env=True)
    assert found.google_token_uri == f"{EMULATOR}/token"


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({}, []),
        ({"DATABASE_URL": "postgresql://u:p@db.example.org/d"}, ["DATABASE_URL: the connection to db.example.org "]),
        ({"DATABASE_URL": "postgresql://db.example.org/d?sslmode=prefer"}, ["DATABASE_URL"]),
        ({"DATABASE_URL": "postgresql://db.example.org/d?sslmode=disable", "PGSSLMODE": "require"}, ["DATABASE_URL"]),
        ({"DATABASE_URL": "postgresql://db.example.org/d", "PGSSLMODE": "verify-full"}, []),
        *(({"DATABASE_URL": f"postgresql://db.example.org/d?sslmode={m}"}, []) for m in ("require", "verify-full")),
        *(({"DATABASE_URL": f"postgresql://{host}/d"}, []) for host in ("127.0.0.1:5432", "localhost", "[::1]")),
        ({"DATABASE_URL": "postgresql:///d?host=/var/run/postgresql"}, []),
        ({"DATABASE_URL": "postgresql://localhost/d?host=db.example.org"}, ["DATABASE_URL"]),
        ({"QUEUE_URL": "redis://queue.example.org/0"}, ["QUEUE_URL: the connection to queue.example.org "]),
        *(({"QUEUE_URL": url}, []) for url in ("rediss://queue.example.org", "redis://127.0.0.1", "unix:///a.sock")),
        ({"QUEUE_URL": "postgresql://db.example.org/q"}, ["QUEUE_URL"]),
        ({"MAIL_URL": "smtp://u:p@mail.example.org:587"}, ["MAIL_URL: the connection to mail.example.org "]),
        ({"MAIL_URL": "smtp://mail.example.org?starttls=0"}, ["MAIL_URL"]),
        ({"MAIL_URL": "smtp://mail.example.org?starttls=1"}, []),
        *(({"MAIL_URL": url}, []) for url in ("smtps://mail.example.org", "smtp://localhost:25")),
    ],
)
def test_connections_that_may_be_unencrypted_are_told(environ, told):
    settings = load_settings({**KEY, "MAIL_FROM": "booking@example.org", **environ})
    found = unencrypted_connections(settings, environ)
    assert len(found) == len(told)
    for sentence, start in zip(found, told, strict=True):
        assert sentence.startswith(start)
        # It goes into the log.
        assert "u:p" not in sentence


def test_the_log_tells_at_the_start(tmp_path, caplog):
    settings = load_settings(
        {**KEY, "INSTANCE_PATH": str(tmp_path), "MAIL_FROM": "a@b.example", "MAIL_URL": "smtp://mail.example.org"}
    )
    with caplog.at_level("WARNING"):
        create_app(settings)
    assert [it for it in caplog.messages if it.startswith("MAIL_URL: the connection to mail.example.org may be")]
