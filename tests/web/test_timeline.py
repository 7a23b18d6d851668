"""The day view: where it opens, and how each state is shown without colour."""

import re
from datetime import timedelta

import pytest
import time_machine

from portal.domain.periods import Period
from portal.pseudo_locales import pseudo_translation
from portal.services import bookings as services
from tests.support import builders as make
from tests.support.builders import NOW

pytestmark = pytest.mark.sqlite_only
HOUR = timedelta(hours=1)


def offering(db_session, **rules):
    attributes = {"schedules": make.schedule(NOW), "booking_rules": rules}
    return make.offering("Microscope", of=make.organization("Lab"), attributes=attributes)


def opening_hour(client, day):
    return int(re.search(r"<span data-opens>(\d\d)</span>", client.get(f"/timeline/?day={day}").text)[1])


def test_it_opens_at_the_first_opening_time_or_now(client, db_session):
    schedule = make.schedule(NOW)
    schedule[0]["extendedProps"]["config"]["businessHours"] = {"startTime": "11:00", "endTime": "18:00"}
    make.offering("Telescope", of=make.organization("Lab"), attributes={"schedules": schedule})
    midnight = NOW.replace(hour=0, minute=0)
    for now, day, hour in ((1, 0, 10), (15, 0, 14), (15, 1, 10), (23.5, 0, 22)):
        with time_machine.travel(midnight + now * HOUR, tick=False):
            assert opening_hour(client, (midnight + timedelta(days=day)).date()) == hour, (now, day)


def test_it_opens_at_working_hours_where_nothing_closes(client, db_session):
    offering(db_session)
    with time_machine.travel(NOW, tick=False):
        assert opening_hour(client, (NOW + timedelta(days=1)).date()) == 8


def test_each_state_has_a_word_and_a_mark(client, db_session):
    tomorrow = NOW.replace(hour=0, minute=0) + timedelta(days=1)
    closure = {
        "start": f"{tomorrow + 15 * HOUR:%Y-%m-%dT%H:%M:%SZ}",
        "end": f"{tomorrow + 17 * HOUR:%Y-%m-%dT%H:%M:%SZ}",
    }
    made = offering(db_session, buffer_after_minutes=60, closures=[{**closure, "reason": "Pump service"}])
    request = services.BookingRequest(made.uuid, [Period(tomorrow + 10 * HOUR, tomorrow + 12 * HOUR)])
    with time_machine.travel(NOW, tick=False):
        services.request_booking(make.actor(make.user("rival@example.org")), request)
        page = client.get(f"/timeline/?day={tomorrow.date()}").text
    shown = re.findall(
        r'class="slot slot-([a-z]+) col-(\d+)[^>]*>(?:<a[^>]*>)?'
        r'<span class="mark" aria-hidden="true">(.)</span><span class="word" aria-hidden="true">([^<]*)</span>',
        page,
    )
    at = {(int(column) - 1) // 4: (look, mark, word) for look, column, mark, word in shown}
    assert at[8] == ("free", "○", "Free")
    assert at[10] == ("requested", "?", "Pending")
    assert at[12] == ("buffer", "↔", "Buffer")
    assert at[15] == ("closure", "■", "Closure")
    assert "Pump service" in page
    marks = dict(re.findall(r'<span class="slot slot-([a-z]+)" aria-hidden="true">(.)</span>', page))
    assert len(set(marks.values())) == len(marks), "two states have the same mark"


def test_reasons_are_shown_in_the_readers_language(app, client, db_session):
    offering(db_session)
    app.config["PSEUDO_LANGUAGES"] = True
    client.get("/language/en-XA/?next=/")
    with time_machine.travel(NOW, tick=False):
        page = client.get("/timeline/").text
    reasons = re.findall(r'<span class="unseen">([^<]*has begun[^<]*|[^<]*: Free)</span>', page)
    assert reasons == []
    assert pseudo_translation("Free", "en-XA") in page
