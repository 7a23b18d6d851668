"""Hosts and cookies: one rule for every address."""

import pytest

from portal.config import load_settings

PATHS = ("/", "/offerings/", "/offerings", "/timeline", "/api/", "/api/booking-offerings/", "/healthz", "/nothing/")


@pytest.mark.parametrize("host", ["my_service:8000", "a b", "a/b", "me@host", "host:99999", "a..b", "münchen.de", ""])
@pytest.mark.parametrize("path", PATHS)
def test_what_is_no_host_is_refused_everywhere(client, host, path):
    answer = client.get(path, headers={"Host": host.encode().decode("latin-1")})
    assert (answer.status_code, "Location" in answer.headers) == (400, False)
    assert "http:///" not in answer.text


@pytest.mark.parametrize("host", ["localhost:8000", "xn--mnchen-3ya.de", "[::1]:8000", "192.0.2.1"])
def test_hosts_are_served(client, host):
    assert client.get("/", headers={"Host": host}).status_code == 200
    assert client.get("/offerings", headers={"Host": host}).headers["Location"].endswith(f"{host}/offerings/")


def test_two_portals_on_one_host_have_cookies_of_their_own(tmp_path):
    names = [
        load_settings(
            {"SECRET_KEY": "0123456789abcdef", "INSTANCE_PATH": str(tmp_path), "PUBLIC_URL": url}
        ).cookie_name("portal_session")
        for url in (
            "https://lab.example.org",
            "http://lab.example.org:80",
            "http://lab.example.org:8000",
            "http://h:8001",
        )
    ]
    assert names == ["portal_session", "portal_session", "portal_session_8000", "portal_session_8001"]
