"""Every date, time and number of every form and of the API, at the ends of what can be written: never a defect."""

import pytest

from portal.services import accounts
from tests.fuzz.conftest import FULL
from tests.fuzz.test_forms import Fuzzer, changed, undone
from tests.fuzz.test_forms import portal as portal  # noqa: PLC0414 - a fixture
from tests.support import builders as make

DAYS = ("0001-01-01", "1900-01-01", "9999-12-31", "10000-01-01", "-001-01-01", "2027-02-29")
CLOCKS = ("00:00", "23:59", "24:00", "23:59:59.9999999", "25:00")
NUMBERS = ("0", "-1", "2147483648", "9223372036854775808", "9" * 5000, "1e308", "1e999", "NaN", "-0", "0.0000000001")
# As a part of the suite.
FEW = ("0001-01-01", "9999-12-31", "9999-12-31T23:59", "24:00", "9223372036854775808", "1e999")
EXTREMES = (*DAYS, *(f"{day}T{clock}" for day in DAYS[:3] for clock in CLOCKS), *CLOCKS, *NUMBERS)

ON_ADDRESSES = {"day", "from", "date", "start", "end", "slot", "page", "hours"}


@pytest.mark.sqlite_only
def test_every_date_time_and_number_of_a_form(portal):
    app, world, links = portal
    wrong, tried = [], set()
    for who in ("owner", "staff") if FULL else ("owner",):
        fuzzer = Fuzzer(app, world, links, who)
        for form in [*fuzzer.forms, *(fuzzer.addresses if FULL else ())]:
            for name in sorted(form.measured | (ON_ADDRESSES & set(form.names))):
                endpoint = fuzzer.endpoint_of(form.action, form.method)
                if (endpoint, name) in tried:
                    continue
                tried.add((endpoint, name))
                for value in EXTREMES if FULL else FEW:
                    with undone():
                        status = fuzzer.send(form, changed(form, {name: [value.encode()]})).status_code
                    if status >= 500:
                        wrong.append((status, who, form.action, name, value[:40]))
    assert not wrong, "\n".join(map(str, wrong[:20]))
    assert {"expires", "start", "end", "slot", "latitude", "hours"} <= {name for _, name in tried}


INSTANTS = tuple(
    f"{day}T{clock}{zone}"
    for day in DAYS
    for clock in ("00:00:00", "23:59:59.999999", "23:59:60", "24:00:00")
    for zone in ("Z", "+14:00", "-23:59", "")
)


@pytest.mark.sqlite_only
def test_every_parameter_and_time_of_the_api(client, db_session):
    organization = make.organization()
    offering, staff = make.offering(of=organization), make.user(staff=True)
    token = accounts.create_token(make.actor(staff), staff.id, "test")
    headers = {"Authorization": f"Token {token.key}"}
    resources, availability = "/api/booking-resources/", f"/api/booking-offerings/{offering.uuid}/availability/"
    queries = [(resources, name) for name in ("created", "created_before", "modified", "modified_before")]
    queries += [(resources, name) for name in ("component_count", "limit_component_count", "page", "page_size")]
    queries += [("/api/booking-offerings/", name) for name in ("page", "page_size")]
    queries += [(availability, name) for name in ("start", "end", "duration")]
    for path, name in queries:
        for value in (*EXTREMES, *INSTANTS):
            answer = client.get(path, query_string={name: value}, headers=headers)
            assert answer.status_code in (200, 400, 404), (path, name, value[:40])
            assert answer.status_code != 400 or list(answer.json) in ([name], ["end"]), (path, name, value[:40])
    for time in (*EXTREMES, *INSTANTS, 0, -1, 2**63 - 1, 2**63, 10**400, 1e308, True, None, [], {}):
        for slot in ({"start": time, "end": "2030-01-01T00:00:00Z"}, {"start": "2030-01-01T00:00:00Z", "end": time}):
            answer = client.post(resources, json={"offering": str(offering.uuid), "slots": [slot]}, headers=headers)
            assert (answer.status_code, list(answer.json)) == (400, ["slots"]), slot
