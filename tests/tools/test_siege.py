"""A short siege of the server as it is shipped: silent clients stop nobody (the whole one: python -m tools.siege)."""

import pytest

from tools.siege.honest import Honest
from tools.siege.portal import besieged
from tools.siege.scenarios import SCENARIOS, SlowConnections

pytestmark = pytest.mark.sqlite_only


def test_silent_connections_stop_nobody(monkeypatch):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with besieged() as portal:
        scenario = SlowConnections(portal)
        with Honest(portal, scenario.people()) as honest:
            scenario.attack(6, 0.1)
    # The suite shares its machine: how soon the answers come is for the command to judge.
    assert honest.broken(health_seconds=10) == []
    assert min(len(seen.seconds) for seen in honest.seen.values()) > 0


def test_every_scenario_states_its_bounds():
    for name, kind in SCENARIOS.items():
        scenario = kind(None)
        assert scenario.name == name
        assert scenario.health_seconds <= 5
        assert scenario.broken() == []
