"""The API against its own OpenAPI document, with cases that Schemathesis makes of it: valid ones and invalid ones.

Every check that Schemathesis has is made of each answer: no defect, no answer that the document does not describe, no
resource without its token, no method beside those allowed. FUZZ_CASES says how many cases are tried in all.
"""

import re
from collections import Counter
from dataclasses import dataclass, field

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from portal.extensions import db
from portal.policies import Actor
from portal.services.accounts import create_token
from tests.fuzz.conftest import FULL, build_full_world, cases, user_named

SEED = 20261128
ROLES = ("stranger", "owner", "staff")
OPERATIONS = 13
# What the document can't say, and the published API does: (check, a pattern in its complaint) -> why.
ACCEPTED = {
    (
        "response_schema_conformance",
        r'^"" is not a "uri"',
    ): "an address that is not set is empty, as Waldur's server says",
    ("negative_data_rejection", r"parameter `page_size` in query"): "what is no size is ignored, as by Waldur's server",
    ("negative_data_rejection", r"parameter `field` in query"): "unknown names are ignored, as by Waldur's server",
}


@dataclass
class Outcome:
    """What a run has found."""

    cases: int = 0
    statuses: Counter = field(default_factory=Counter)
    checks: set = field(default_factory=set)
    failures: list = field(default_factory=list)

    def note(self, event):
        self.cases += len(event.recorder.interactions)
        self.statuses += Counter(it.response.status_code for it in event.recorder.interactions.values() if it.response)
        for made in event.recorder.checks.values():
            for check in made:
                self.checks.add(check.name)
                if check.failure_info is not None and not is_accepted(check):
                    self.failures.append(
                        f"{check.name}: {check.failure_info.failure}\n{check.failure_info.code_sample}"
                    )


def is_accepted(check):
    said = str(check.failure_info.failure.message)
    return any(check.name == name and re.search(pattern, said) for name, pattern in ACCEPTED)


def run(base_url, token, examples, *, coverage):
    """All operations, with so many random cases for each; with `coverage` also every boundary of every parameter."""
    config = SchemathesisConfig(seed=SEED)
    schema = schemathesis.openapi.from_url(f"{base_url}/api/schema/", config=config)
    project = schema.config
    project.update(base_url=base_url, headers={"Authorization": f"Token {token}"})
    project.continue_on_failure = True
    # A request may be well formed and still ask for what the rules of an offering refuse.
    accepting = project.checks.positive_data_acceptance
    accepting.expected_statuses = [*accepting.expected_statuses, "400"]
    project.generation.max_examples = examples
    project.generation.no_shrink = not coverage
    project.phases.coverage.enabled = coverage
    project.phases.stateful.enabled = coverage
    outcome = Outcome()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            outcome.note(event)
        elif isinstance(event, (events.NonFatalError, events.FatalError)):
            outcome.failures.append(str(getattr(event, "value", None) or event.exception))
    return outcome


def token_of(app, role):
    with app.app_context():
        user = user_named(role)
        key = create_token(Actor(user.id), user.id, "fuzz").key
        db.session.remove()
    return key


@pytest.fixture
def portal(make_live_portal):
    """A portal with everything in it, served on loopback."""
    found = make_live_portal(SIGN_UP="open", MAX_WRITES_PER_HOUR="0")
    with found.app.app_context():
        build_full_world()
        db.session.remove()
    return found


@pytest.mark.sqlite_only
@pytest.mark.parametrize("role", ROLES)
def test_the_api_does_what_its_document_says(portal, role):
    wanted = cases(40) // len(ROLES)
    outcome = run(portal.url, token_of(portal.app, role), max(1, wanted // OPERATIONS), coverage=FULL)
    assert not outcome.failures, "\n\n".join(outcome.failures)
    assert outcome.cases >= wanted, outcome.statuses
    assert {"not_a_server_error", "status_code_conformance", "response_schema_conformance"} <= outcome.checks
