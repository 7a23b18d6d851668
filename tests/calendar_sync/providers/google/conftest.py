"""The Google Calendar emulator, and the settings of a portal that uses it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from portal.calendar_sync.provider import AccessToken
from portal.calendar_sync.providers.google.client import GoogleCalendarProvider, GoogleClient
from portal.calendar_sync.providers.google.scopes import SCOPES
from portal.config import Settings, load_settings
from portal.dev.google_emulator.settings import google_settings
from portal.dev.google_emulator.testing import RunningEmulator, running_emulator

ALICE = "alice@lab.example"
APP = "booking-portal:https://portal.example"
SHORT_SCOPES = tuple(scope.rpartition("/")[2] for scope in SCOPES)


@pytest.fixture(scope="package")
def shared_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    with running_emulator(tmp_path_factory.mktemp("emulator") / "emulator.db") as running:
        yield running


@pytest.fixture
def emulator(shared_emulator: RunningEmulator) -> RunningEmulator:
    """An emulator as on its first start, with automatic consent."""
    shared_emulator.reset()
    shared_emulator.state.consent = "auto"
    return shared_emulator


@pytest.fixture
def google_settings_of(emulator: RunningEmulator, tmp_path) -> Settings:
    return load_settings(
        {"SECRET_KEY": "a secret for the tests", "INSTANCE_PATH": str(tmp_path), **google_settings(emulator.base_url)}
    )


@pytest.fixture
def client(emulator: RunningEmulator) -> Iterator[GoogleClient]:
    made = GoogleClient(emulator.base_url)
    yield made
    made.http.close()


@pytest.fixture
def tokens(emulator: RunningEmulator) -> Callable[[str | None], AccessToken]:
    """Alice's tokens; one that was refused is exchanged for a new one. `asked` counts."""
    asked: list[str | None] = []

    def answer(stale: str | None) -> AccessToken:
        asked.append(stale)
        token = emulator.grant(ALICE, *SHORT_SCOPES)["access_token"]
        return AccessToken(token, datetime.now(UTC) + timedelta(minutes=50))

    answer.asked = asked
    return answer


@pytest.fixture
def calendars(client: GoogleClient, tokens: Callable[[str | None], AccessToken]) -> GoogleCalendarProvider:
    return GoogleCalendarProvider(client, tokens, APP)
