"""The Google Calendar emulator, and the settings of a portal that uses it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from portal.config import Settings, load_settings
from portal.dev.google_emulator.settings import google_settings
from portal.dev.google_emulator.testing import RunningEmulator, running_emulator
from portal.domain.google import SCOPES, AccessToken
from portal.google.client import Client, GoogleCalendars

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
def client(emulator: RunningEmulator) -> Iterator[Client]:
    made = Client(emulator.base_url)
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

    answer.asked = asked  # type: ignore[attr-defined]
    return answer


@pytest.fixture
def calendars(client: Client, tokens: Callable[[str | None], AccessToken]) -> GoogleCalendars:
    return GoogleCalendars(client, tokens, APP)
