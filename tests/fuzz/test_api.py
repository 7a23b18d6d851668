"""The API against its own OpenAPI document, with cases that Schemathesis makes of it: valid ones and invalid ones.

Every check that Schemathesis has is made of each answer: no defect, no answer that the document does not describe, no
resource without its token, no method beside those allowed.

The suite tries a few cases, always the same ones, on SQLite. The long search tries so many on both databases, with
every boundary of every parameter and sequences of calls:

    FUZZ_CASES=3000 .venv/bin/python -m pytest tests/fuzz -n 2
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from portal.api.booking_filter_table import FILTERS, Kind
from portal.extensions import db
from portal.policies import Actor
from portal.services.accounts import create_token
from tests.fuzz.conftest import FULL, build_full_world, cases, user_named

# The long search takes both databases, the suite one.
pytestmark = [] if FULL else [pytest.mark.sqlite_only]

SEED = 20261128
ROLES = ("stranger", "owner", "staff")
OPERATIONS = 19
# What clients of Waldur rely on, and OpenAPI can't say: (check, pattern of its complaint) -> why.
ACCEPTED = {
    ("response_schema_conformance", r'^"" is not a "uri"'): "an address that is not set is an empty text",
}
# Query parameters of which an invalid value is ignored instead of refused, and why.
LENIENT = {
    "page_size": "what is no size, or none above 0, means the default size",
    "field": "names that are no fields are left out; if none is left, everything is answered",
    **{name: "booleans that cannot be read are ignored" for name, it in FILTERS.items() if it.kind is Kind.FLAG},
    **{name: "dates and local times are read as well" for name, it in FILTERS.items() if it.kind is Kind.INSTANT},
    **{name: "values may have commas, also alone" for name, it in FILTERS.items() if it.many},
}
# Of the others the last value counts.
MANY = {name for name, it in FILTERS.items() if it.many}

IN_QUERY = re.compile(r"^Invalid component: parameters? (`\w+`(?:, `\w+`)*) in query(?: - .*)?$", re.MULTILINE)


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
        for case, made in event.recorder.checks.items():
            url = event.recorder.interactions[case].request.uri
            for check in made:
                self.checks.add(check.name)
                if check.failure_info is not None and not is_accepted(check, url):
                    self.failures.append(
                        f"{check.name}: {check.failure_info.failure}\n{check.failure_info.code_sample}"
                    )


def is_accepted(check, url):
    """Whether a complaint is one of ACCEPTED, or only about query parameters that are LENIENT or were not sent.

    (Schemathesis also generates values that leave nothing in the address, such as an empty list; and an empty value
    means none, which the document says with `allowEmptyValue`.)
    """
    said = str(check.failure_info.failure.message)
    if check.name == "negative_data_rejection":
        found = IN_QUERY.search(said)
        given = parse_qs(urlsplit(url).query, keep_blank_values=True)
        # Of a parameter that takes one value the last one counts.
        sent = {name for name, values in given.items() if any(values if name in MANY else values[-1:])}
        return found is not None and sent.intersection(re.findall(r"`(\w+)`", found[1])) <= LENIENT.keys()
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


def test_the_api_does_what_its_document_says(portal):
    wanted = cases(40) // len(ROLES)
    for role in ROLES:
        outcome = run(portal.url, token_of(portal.app, role), max(1, wanted // OPERATIONS), coverage=FULL)
        assert not outcome.failures, f"{role}: " + "\n\n".join(outcome.failures)
        assert outcome.cases >= wanted, outcome.statuses
        assert {"not_a_server_error", "status_code_conformance", "response_schema_conformance"} <= outcome.checks
