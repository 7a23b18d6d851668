"""The stand-in, and a portal that takes it for Google."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from portal.config import Settings, load_settings
from portal.domain.google import SCOPES, AccessToken
from portal.domain.standin import google_settings
from portal.google.client import Client, GoogleCalendars
from portal.standin.testing import RunningStandin, running_standin

ALICE = "alice@lab.example"
APP = "booking-portal:https://portal.example"
SHORT_SCOPES = tuple(scope.rpartition("/")[2] for scope in SCOPES)


@pytest.fixture(scope="package")
def shared_standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStandin]:
    with running_standin(tmp_path_factory.mktemp("standin") / "standin.db") as running:
        yield running


@pytest.fixture
def standin(shared_standin: RunningStandin) -> RunningStandin:
    """A stand-in as on its first start; everybody consents by themselves."""
    shared_standin.reset()
    shared_standin.world.consent = "auto"
    return shared_standin


@pytest.fixture
def google_settings_of(standin: RunningStandin, tmp_path) -> Settings:
    return load_settings(
        {"SECRET_KEY": "a secret for the tests", "INSTANCE_PATH": str(tmp_path), **google_settings(standin.base_url)}
    )


@pytest.fixture
def client(standin: RunningStandin) -> Iterator[Client]:
    made = Client(standin.base_url)
    yield made
    made.http.close()


@pytest.fixture
def tokens(standin: RunningStandin) -> Callable[[str | None], AccessToken]:
    """Alice's tokens; one that was refused is exchanged for a new one. `asked` counts."""
    asked: list[str | None] = []

    def answer(stale: str | None) -> AccessToken:
        asked.append(stale)
        token = standin.grant(ALICE, *SHORT_SCOPES)["access_token"]
        return AccessToken(token, datetime.now(UTC) + timedelta(minutes=50))

    answer.asked = asked  # type: ignore[attr-defined]
    return answer


@pytest.fixture
def calendars(client: Client, tokens: Callable[[str | None], AccessToken]) -> GoogleCalendars:
    return GoogleCalendars(client, tokens, APP)
