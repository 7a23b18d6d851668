"""Settings: what is taken, what is refused, and in which words."""

from pathlib import Path

import pytest

from portal.config import GOOGLE_TOKEN_URI, load_settings
from portal.errors import ConfigError

KEY = {"SECRET_KEY": "0123456789abcdef"}


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


def test_http_for_google_is_taken_on_loopback_only():
    for address in ("http://127.0.0.1:8099", "http://localhost:1", "http://[::1]:8099"):
        assert load_settings({**KEY, "GOOGLE_API_ROOT": address + "/"}).google_api_root == address


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY is too short"),
        ({"PORT": "80x"}, "PORT must be a whole number"),
        ({"PORT": "70000"}, "PORT must be a whole number"),
        ({"PROXY_HOPS": "-1"}, "PROXY_HOPS must be"),
        ({"TIMEZONE": "Mars/Olympus"}, "TIMEZONE must be an IANA name"),
        ({"CURRENCY": "Euro"}, "CURRENCY must be"),
        ({"SIGN_UP": "maybe"}, "SIGN_UP must be one of"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL must be one of"),
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL must start with"),
        ({"DATABASE_URL": "sqlite:///:memory:"}, "DATABASE_URL must name a file"),
        ({"QUEUE_URL": "amqp://x"}, "QUEUE_URL must start with"),
        ({"DATABASE_URL": "sqlite:////a.db", "QUEUE_URL": "sqlite:////a.db"}, "QUEUE_URL must be another file"),
        ({"PUBLIC_URL": "booking.example.org"}, "PUBLIC_URL must be an absolute"),
        ({"GOOGLE_API_ROOT": "http://example.org"}, "GOOGLE_API_ROOT may use http on a loopback address only"),
        ({"GOOGLE_CLIENT_ID": "x"}, "GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET belong together"),
        ({"PORTAL_DEMO": "1", "HOST": "0.0.0.0"}, "does not start on HOST=0.0.0.0"),
        ({"DEMO_PUBLIC": "si"}, "DEMO_PUBLIC must be 1 or 0"),
    ],
)
def test_what_is_wrong_is_named(environ, said, tmp_path):
    with pytest.raises(ConfigError, match=said):
        load_settings({**KEY, "INSTANCE_PATH": str(tmp_path), **environ})


def test_the_kept_key_serves_the_demo_and_commands_only(tmp_path):
    (tmp_path / "secret_key").write_text("f" * 64 + "\n")
    environ = {"INSTANCE_PATH": str(tmp_path)}
    assert load_settings({**environ, "PORTAL_DEMO": "1"}).secret_key == "f" * 64
    assert load_settings(environ, command=True).secret_key == "f" * 64
    with pytest.raises(ConfigError, match="SECRET_KEY is not set"):
        load_settings(environ)


def test_the_demo_may_be_public_where_somebody_means_it():
    assert load_settings({**KEY, "PORTAL_DEMO": "1", "HOST": "0.0.0.0", "DEMO_PUBLIC": "1"}).demo_public


def test_commands_beside_the_demo_meet_its_stand_in_for_google(tmp_path):
    (tmp_path / "secret_key").write_text("f" * 64 + "\n")
    (tmp_path / "standin.port").write_text("8123\n")
    environ = {"INSTANCE_PATH": str(tmp_path)}
    beside = load_settings(environ, command=True)
    assert beside.google_client_id
    assert beside.google_token_uri == "http://127.0.0.1:8123/token"
    assert beside.google_embed_uri == "http://127.0.0.1:8123/calendar/embed"
    own = {"GOOGLE_CLIENT_ID": "mine", "GOOGLE_CLIENT_SECRET": "secret"}
    assert load_settings({**environ, **own}, command=True).google_token_uri == GOOGLE_TOKEN_URI
    # With a key of its own it is no demo, and a server never takes the stand-in from a file.
    assert load_settings({**environ, **KEY}, command=True).google_client_id == ""
    assert load_settings({**environ, **KEY}).google_client_id == ""
