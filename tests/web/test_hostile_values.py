"""Values that are none, in every parameter and every field of the pages: refused or ignored, never a defect."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from portal.domain.periods import Period
from portal.extensions import db
from portal.models import Offering, User
from portal.policies import Actor
from portal.services import bookings as services
from portal.services.booking_requests import BookingRequest
from tests.support.hostile import VALUES

PARAMETERS = ("q", "page", "sort", "category", "organization", "country", "state", "date", "after", "before", "hours")
PARAMETERS += ("day", "from", "slot", "start", "end", "past", "next")
FORM = {
    "options": {
        f"q{number}": {"type": kind, "label": kind}
        for number, kind in enumerate(("string", "integer", "money", "date", "time", "boolean", "conditional_cascade"))
    }
}


@pytest.fixture
def booking(world):
    """A booking of the stranger's, of an offering with an order form, in a zone far in the west."""
    scope = db.session.query(Offering).filter_by(uuid=world.scope).one()
    scope.options = FORM
    rules = {"time_zone": "America/Los_Angeles", "quota_hours_per_user": 9, "buffer_before_minutes": 60}
    scope.attributes = {**scope.attributes, "booking_rules": rules}
    db.session.commit()
    user = db.session.query(User).filter_by(email="stranger@example.org").one()
    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=3)
    period = Period(start + timedelta(hours=8), start + timedelta(hours=10))
    return services.request_booking(Actor(user.id), BookingRequest(world.scope, [period], answers={"q5": True})).uuid


def pages(world, booking):
    scope = world.scope
    return {
        None: ("/", "/timeline/", f"/offerings/{scope}/", "/login", "/register/", "/password/"),
        "stranger": (
            *("/", f"/offerings/{scope}/book/", "/bookings/", "/bookings/feed/", "/account/"),
            *(f"/bookings/{booking}/", f"/bookings/{booking}/move/", f"/bookings/{booking}/cancel/"),
        ),
        "staff": (
            *("/manage/", "/manage/people/", "/manage/requests/", f"/manage/organizations/{world.lab}/feed/"),
            *(f"/manage/offerings/{scope}/{it}/" for it in ("edit", "hours", "rules")),
            f"/manage/requests/{booking}/reject/",
            f"/manage/people/{db.session.query(User).filter_by(email='member@example.org').one().uuid}/",
        ),
    }


@pytest.mark.parametrize("who", [None, "stranger", "staff"])
def test_parameters(visitor, world, booking, who):
    somebody = visitor(who)
    for path in pages(world, booking)[who]:
        for value in VALUES:
            query = "&".join(f"{name}={quote(value)}" for name in PARAMETERS)
            answer = somebody.get(f"{path}?{query}")
            assert answer.status_code < 500, (path, value)


@pytest.mark.parametrize("who", [None, "stranger", "staff"])
def test_fields(visitor, world, booking, who):
    somebody = visitor(who)
    for path in pages(world, booking)[who]:
        for form in re.findall(r"<form.*?</form>", somebody.get(path).text, re.DOTALL):
            if 'method="post"' not in form:
                continue
            action = re.search(r'action="([^"]*)"', form[: form.index(">")])
            names = dict.fromkeys(re.findall(r'name="([^"]+)"', form))
            token = re.search(r'name="csrf_token" value="([^"]+)"', form)[1]
            target = action[1] if action and action[1] else path
            if target == "/logout":
                continue
            for value in VALUES:
                data = dict.fromkeys(names, value) | {"csrf_token": token}
                pressed = [it for it in ("add", "remove", "use", "check", "preview", "revoke") if it in data]
                for left_out in (pressed, [it for it in pressed if it != "check"]):
                    answer = somebody.client.post(target, data={k: v for k, v in data.items() if k not in left_out})
                    assert answer.status_code < 500, (target, value)
