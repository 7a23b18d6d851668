"""The outbox: who is told what, in the transaction of the change, and at least once."""

import smtplib
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from icalendar import Calendar
from sqlalchemy import select

from portal.domain.instants import parse_instant
from portal.domain.mail import GROUPS, LINK_OF, MAX_ATTEMPTS, MailKind, wait_after
from portal.domain.periods import Period
from portal.extensions import settings, transaction
from portal.mail.compose import compose, read_unsubscribe_token, sender_address, unsubscribe_token
from portal.mail.deliver import LEASE, deliver_due
from portal.mail.headers import message_bytes
from portal.mail.transport import MessageRejected
from portal.models import OutgoingMail, Slot
from portal.services import bookings, mail, registration, summaries
from portal.services.booking_requests import BookingRequest
from portal.services.slot_allocation import SlotRefused
from tests.support import builders as make
from tests.support.builders import NOW


def hours(start, end):
    return Period(NOW + timedelta(hours=start), NOW + timedelta(hours=end))


@pytest.fixture
@make.together()
def world(db_session):
    lab = make.organization("Lab")
    offering = make.offering("Microscope", of=lab)
    booker = make.user("booker@example.org")
    make.role(make.user("owner@example.org"), lab, "owner")
    make.role(make.user("member@example.org"), lab, "member")
    manager = make.role(make.user("manager@example.org"), lab, "manager")
    return offering, booker, manager


def ask(world, *periods, **more):
    offering, booker, _ = world
    wish = BookingRequest(offering.uuid, periods or [hours(30, 31)], name="Ice", **more)
    return bookings.request_booking(make.actor(booker), wish, now=NOW).uuid


def told(session):
    """(kind, address) of everything written, and an empty outbox."""
    rows = session.execute(select(OutgoingMail).order_by(OutgoingMail.id)).scalars().all()
    found = [(row.kind, row.recipient.partition("@")[0]) for row in rows]
    for row in rows:
        session.delete(row)
    session.commit()
    return found


def test_who_is_told_what(world, db_session):
    _, booker, manager = world
    uuid = ask(world)
    assert told(db_session) == [("requested", "booker"), ("to_answer", "owner"), ("to_answer", "manager")]
    bookings.accept_booking(make.actor(manager), uuid, now=NOW)
    assert told(db_session) == [("accepted", "booker")]
    bookings.reschedule_booking(make.actor(booker), uuid, [hours(40, 41)], now=NOW)
    assert told(db_session) == [("moved_by_booker", "owner"), ("moved_by_booker", "manager")]
    bookings.reschedule_booking(make.actor(manager), uuid, [hours(42, 43)], now=NOW)
    assert told(db_session) == [("moved", "booker")]
    bookings.reject_booking(make.actor(manager), uuid, "Service.", now=NOW)
    assert told(db_session) == [("rejected", "booker")]
    bookings.cancel_booking(make.actor(booker), ask(world), now=NOW)
    assert told(db_session)[-2:] == [("given_back", "owner"), ("given_back", "manager")]
    bookings.cancel_booking(make.actor(manager), ask(world), now=NOW)
    assert told(db_session)[-1] == ("cancelled", "booker")
    ask(world, hours(1, 2))
    bookings.expire_bookings(now=NOW + timedelta(hours=1))
    assert told(db_session)[-1] == ("expired", "booker")


def test_an_offering_that_accepts_by_itself_tells_of_the_booking_once(world, db_session):
    offering, _, _ = world
    offering.attributes = {**offering.attributes, "booking_rules": {"accept": "automatic"}}
    db_session.commit()
    ask(world)
    assert told(db_session) == [("accepted", "booker"), ("booked", "owner"), ("booked", "manager")]


def test_what_is_refused_tells_nobody(world, db_session):
    with pytest.raises(SlotRefused):
        ask(world, hours(-2, -1))
    assert told(db_session) == []


def test_nobody_gets_what_they_switched_off(world, db_session):
    _, booker, manager = world
    mail.set_unsubscribed_groups(booker.id, ["bookings"])
    mail.unsubscribe(manager.id, "requests")
    db_session.expire_all()
    ask(world)
    assert told(db_session) == [("to_answer", "owner")]
    assert set(GROUPS) == {"bookings", "reminders", "requests", "calendars"}


def test_a_reminder_comes_once_the_day_before(world, db_session):
    _, booker, manager = world
    uuid = ask(world, hours(30, 31), hours(50, 51))
    bookings.accept_booking(make.actor(manager), uuid, now=NOW + timedelta(minutes=1))
    ask(world, hours(33, 34))  # not confirmed: nothing to be reminded of
    told(db_session)
    assert mail.write_reminders(NOW) == 0
    later = NOW + timedelta(hours=7)
    assert mail.write_reminders(later) == 1
    assert mail.write_reminders(later) == 0
    assert told(db_session) == [("reminder", "booker")]
    # Who books for tomorrow is told by the confirmation, and is not reminded.
    soon = bookings.request_booking(make.actor(booker), BookingRequest(world[0].uuid, [hours(20, 21)]), now=later).uuid
    bookings.accept_booking(make.actor(manager), soon, now=later + timedelta(minutes=1))
    told(db_session)
    assert mail.write_reminders(later) == 0
    assert db_session.execute(select(Slot).where(Slot.reminded.is_not(None))).scalars().all()


class Fake:
    """A transport that keeps what it is given, and fails where told to."""

    def __init__(self, fails=()):
        self.fails = dict(fails)
        self.sent = []

    def __call__(self, _settings):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def send(self, message, recipient, name):
        if recipient in self.fails:
            raise self.fails[recipient]
        self.sent.append((recipient, message))


def unsent(session):
    session.expire_all()
    return session.execute(select(OutgoingMail).where(OutgoingMail.sent.is_(None))).scalar_one()


def test_one_address_that_fails_stops_nobody_and_is_tried_again(world, db_session):
    ask(world)
    fake = Fake({"owner@example.org": OSError("no route")})
    assert deliver_due(settings(), lambda: NOW, fake) == 2
    assert [it for it, _ in fake.sent] == ["booker@example.org", "manager@example.org"]
    row = unsent(db_session)
    assert (row.attempts, row.error) == (1, "no route")
    assert NOW < row.next_attempt <= NOW + 2 * wait_after(1)
    assert deliver_due(settings(), lambda: NOW, fake) == 0
    fake.fails.clear()
    assert deliver_due(settings(), lambda: NOW + timedelta(hours=1), fake) == 1
    assert deliver_due(settings(), lambda: NOW + timedelta(days=1), fake) == 0


def test_what_will_never_be_taken_is_given_up(world, db_session):
    ask(world)
    fake = Fake(
        {"owner@example.org": MessageRejected("550 no such user"), "manager@example.org": smtplib.SMTPException("x")}
    )
    for day in range(20):
        deliver_due(settings(), lambda at=NOW + timedelta(days=day): at, fake)
    db_session.expire_all()
    rows = {row.recipient: row for row in db_session.execute(select(OutgoingMail)).scalars()}
    assert (rows["owner@example.org"].attempts, rows["owner@example.org"].next_attempt) == (1, None)
    assert rows["owner@example.org"].error == "550 no such user"
    assert (rows["manager@example.org"].attempts, rows["manager@example.org"].next_attempt) == (12, None)


@pytest.mark.parametrize("recipient", ["=?utf-8?q?x=0aBcc=3aevil=40evil.example?=@example.org", "a@b@example.org"])
def test_a_message_that_can_never_be_written_stops_nobody_and_is_tried_once(world, db_session, tmp_path, recipient):
    ask(world)
    row = db_session.execute(select(OutgoingMail).where(OutgoingMail.recipient == "owner@example.org")).scalar_one()
    row.recipient = recipient
    db_session.commit()
    given = replace(settings(), instance_path=tmp_path)
    assert deliver_due(given, lambda: NOW) == 2
    assert len(list((tmp_path / "mail").iterdir())) == 2
    row = unsent(db_session)
    assert (row.attempts, row.next_attempt, row.sent) == (1, None, None)
    assert row.error.startswith("The address")
    assert deliver_due(given, lambda: NOW + timedelta(days=1)) == 0


@pytest.mark.parametrize("error", [TypeError("broken"), RuntimeError("broken"), UnicodeError("broken")])
def test_an_error_that_nobody_expected_stops_nobody_and_is_not_tried_for_ever(world, db_session, error):
    ask(world)
    fake = Fake({"owner@example.org": error})
    assert deliver_due(settings(), lambda: NOW, fake) == 2
    for day in range(1, 20):
        deliver_due(settings(), lambda at=NOW + timedelta(days=day): at, fake)
    row = unsent(db_session)
    assert (row.attempts, row.next_attempt, row.error) == (MAX_ATTEMPTS, None, "broken")


def test_facts_that_cannot_be_told_stop_nobody(world, db_session):
    ask(world)
    row = db_session.execute(select(OutgoingMail).where(OutgoingMail.recipient == "owner@example.org")).scalar_one()
    row.data = {}
    row.kind = "of a newer version"
    db_session.commit()
    assert deliver_due(settings(), lambda: NOW, Fake()) == 2
    row = unsent(db_session)
    assert (row.attempts, row.next_attempt is not None) == (1, True)


def test_a_message_of_which_workers_die_is_given_up(world, db_session):
    ask(world)

    class Dies(Fake):
        def send(self, message, recipient, name):
            if recipient == "owner@example.org":
                raise KeyboardInterrupt
            super().send(message, recipient, name)

    for number in range(MAX_ATTEMPTS + 3):
        at = NOW + number * LEASE
        try:
            deliver_due(settings(), lambda at=at: at, Dies())
        except KeyboardInterrupt:
            continue
    db_session.expire_all()
    rows = db_session.execute(select(OutgoingMail)).scalars().all()
    assert {row.recipient for row in rows if row.sent} == {"booker@example.org", "manager@example.org"}
    [lost] = [row for row in rows if not row.sent]
    assert (lost.next_attempt, lost.error) == (None, "Every attempt ended before its result could be recorded.")


def test_a_worker_that_dies_is_followed_by_another(world, db_session):
    ask(world)

    class Dies(Fake):
        def send(self, message, recipient, name):
            super().send(message, recipient, name)
            raise KeyboardInterrupt

    dying, next_one = Dies(), Fake()
    with pytest.raises(KeyboardInterrupt):
        deliver_due(settings(), lambda: NOW, dying)
    assert deliver_due(settings(), lambda: NOW, next_one) == 2
    assert deliver_due(settings(), lambda: NOW + LEASE, next_one) == 1
    sent = [message["Message-ID"] for _, message in (*dying.sent, *next_one.sent)]
    assert len(sent) == 4
    assert len(set(sent)) == 3


def test_a_message_has_text_html_and_the_booking_as_a_calendar(world, db_session):
    ask(world, note="Mind\nthe <b>door</b>")
    row = db_session.execute(select(OutgoingMail).where(OutgoingMail.kind == "requested")).scalar_one()
    message = compose(row, settings())
    assert (message["Subject"], message["To"]) == ("Requested: Ice", "booker@example.org")
    text, html, ics = (part for part in message.walk() if not part.is_multipart())
    assert (text.get_content_type(), html.get_content_type(), ics.get_content_type()) == (
        "text/plain",
        "text/html",
        "text/calendar",
    )
    assert "When: Tue 3 Mar 2026, 14:00–15:00" in text.get_content()
    assert "the &lt;b&gt;door&lt;/b&gt;" in html.get_content()
    assert b"STATUS:TENTATIVE" in ics.get_payload(decode=True)
    assert message["List-Unsubscribe"].strip("<>") in text.get_content()
    assert len(message.as_bytes()) > 1000


def calendar_part(message):
    [part] = [it for it in message.walk() if it.get_content_type() == "text/calendar"]
    return part


def test_the_calendar_of_a_message_names_its_charset(world, db_session):
    offering, booker, _ = world
    wish = BookingRequest(offering.uuid, [hours(30, 31)], name="Õhuproov")
    bookings.request_booking(make.actor(booker), wish, now=NOW)
    row = db_session.execute(select(OutgoingMail).where(OutgoingMail.kind == "requested")).scalar_one()
    sent = message_from_bytes(message_bytes(compose(row, settings())), policy=policy.default)
    part = calendar_part(sent)
    assert dict(part["Content-Type"].params) == {"method": "PUBLISH", "charset": "utf-8"}
    assert "SUMMARY:Õhuproov (Microscope)\r\n" in part.get_content()


def test_a_cancelled_booking_of_two_periods_is_published_as_cancelled(world, db_session):
    _, booker, manager = world
    uuid = ask(world, hours(30, 31), hours(50, 51))
    bookings.accept_booking(make.actor(manager), uuid, now=NOW)
    bookings.cancel_booking(make.actor(manager), uuid, now=NOW + timedelta(hours=1))
    rows = db_session.execute(select(OutgoingMail).where(OutgoingMail.user_id == booker.id)).scalars()
    calendars = {}
    for row in rows:
        part = calendar_part(compose(row, settings()))
        assert part["Content-Type"].params["method"] == "PUBLISH"
        calendars[row.kind] = Calendar.from_ical(part.get_payload(decode=True))
    assert calendars.keys() == {"requested", "accepted", "cancelled"}
    before, after = calendars["accepted"], calendars["cancelled"]
    assert {it["method"] for it in calendars.values()} == {"PUBLISH"}
    assert [it["uid"] for it in before.events] == [it["uid"] for it in after.events]
    assert len({it["uid"] for it in after.events}) == 2
    assert [it["status"] for it in after.events] == ["CANCELLED", "CANCELLED"]
    assert all(
        int(new["sequence"]) > int(old["sequence"]) for new, old in zip(after.events, before.events, strict=True)
    )
    assert {it["organizer"] for it in (*before.events, *after.events)} == {f"mailto:{sender_address(settings())}"}


@pytest.mark.parametrize(
    ("zone", "start", "now", "subject", "sentence"),
    [
        ("UTC", "2026-03-03T14:00:00Z", "2026-03-02T14:00:00Z", "Tomorrow", "tomorrow at 14:00"),
        ("UTC", "2026-03-03T14:00:00Z", "2026-03-03T00:00:00Z", "Today", "today at 14:00"),
        ("UTC", "2026-03-02T23:00:00Z", "2026-03-02T00:00:00Z", "Today", "today at 23:00"),
        # By the offering's clocks, whatever day it is in UTC.
        ("Asia/Tokyo", "2026-03-02T15:30:00Z", "2026-03-02T14:30:00Z", "Tomorrow", "tomorrow at 00:30"),
        ("Asia/Tokyo", "2026-03-02T16:30:00Z", "2026-03-02T15:30:00Z", "Today", "today at 01:30"),
        # 24 hours before, across a day of 23 hours.
        (
            "Europe/Tallinn",
            "2026-03-29T21:30Z",
            "2026-03-28T21:30Z",
            "Mon 30 Mar 2026",
            "on Mon 30 Mar 2026 at 00:30",
        ),
    ],
)
def test_a_reminder_says_the_day_as_it_is_when_it_is_sent(world, db_session, zone, start, now, subject, sentence):
    ask(world)
    row = db_session.execute(select(OutgoingMail)).scalars().first()
    slot = {"uuid": str(make.unknown()), "start": start, "end": "2026-04-01T00:00:00Z"}
    row.kind, row.data = "reminder", {**row.data, "zone": zone, "slots": [slot]}
    message = compose(row, settings(), now=parse_instant(now))
    assert message["Subject"] == f"{subject}: Ice"
    text, html = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert f"Your booking of Microscope starts {sentence}." in text
    assert f">{subject}</h1>" in html


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "a\x00b", None])
def test_a_zone_that_is_not_known_any_more_stops_no_message(world, db_session, zone):
    ask(world)
    row = db_session.execute(select(OutgoingMail)).scalars().first()
    row.data = {**row.data, "zone": zone}
    text = compose(row, settings()).get_body(("plain",)).get_content()
    assert "When: Tue 3 Mar 2026, 14:00–15:00" in text
    assert "Time zone: UTC" in text


def reminded(world, db_session):
    """A reminder, written a day before its slot and not sent."""
    _, _, manager = world
    uuid = ask(world, hours(30, 31))
    bookings.accept_booking(make.actor(manager), uuid, now=NOW + timedelta(minutes=1))
    told(db_session)
    assert mail.write_reminders(NOW + timedelta(hours=7)) == 1
    return uuid


def test_a_late_reminder_is_sent_with_the_right_day(world, db_session):
    reminded(world, db_session)
    working = Fake()
    assert deliver_due(settings(), lambda: NOW + timedelta(hours=20), working) == 1
    assert working.sent[0][1]["Subject"] == "Today: Ice"


def test_a_reminder_that_is_no_longer_true_is_not_sent(world, db_session):
    _, _, manager = world
    working, actor = Fake(), make.actor(manager)
    changes = (
        lambda uuid: None,  # it has begun
        lambda uuid: bookings.cancel_booking(actor, uuid, now=NOW + timedelta(hours=8)),
        lambda uuid: bookings.reschedule_booking(actor, uuid, [hours(60, 61)], now=NOW + timedelta(hours=8)),
    )
    for change, at in zip(changes, (30, 9, 9), strict=True):
        uuid = reminded(world, db_session)
        change(uuid)
        deliver_due(settings(), lambda at=at: NOW + timedelta(hours=at), working)
        db_session.expire_all()
        row = db_session.execute(select(OutgoingMail).where(OutgoingMail.kind == "reminder")).scalar_one()
        assert (row.sent, row.next_attempt, row.error) == (
            None,
            None,
            "The booking has started, was moved or is no longer confirmed.",
        )
        told(db_session)
        if change is changes[0]:
            bookings.cancel_booking(actor, uuid, now=NOW + timedelta(hours=8))
            told(db_session)
    assert "reminder" not in {message["Subject"].partition(":")[0] for _, message in working.sent}


def test_what_is_booked_for_the_next_24_hours_is_not_reminded(world, db_session):
    _, _, manager = world
    for start, number in ((23, 0), (25, 1)):
        uuid = ask(world, hours(start, start + 1))
        bookings.accept_booking(make.actor(manager), uuid, now=NOW + timedelta(minutes=1))
        told(db_session)
        assert mail.write_reminders(NOW + timedelta(hours=2)) == number
        assert told(db_session) == number * [("reminder", "booker")]


def test_a_message_with_a_link_says_when_the_link_ends_however_late_it_is_sent(world, db_session):
    registration.ask_for_password("booker@example.org", "192.0.2.1", now=NOW)
    row = db_session.execute(select(OutgoingMail)).scalar_one()
    text = compose(row, settings(), "a-secret").get_body(("plain",)).get_content()
    assert "The link works once, until Mon 2 Mar 2026, 10:00 (UTC)." in text


def test_a_link_switches_one_kind_off_and_cannot_be_made_up(world, db_session):
    _, booker, _ = world
    token = unsubscribe_token(settings(), booker.id, "reminders")
    assert read_unsubscribe_token(settings(), token) == (booker.id, "reminders")
    for wrong in (token[:-8] + 8 * "x", "", "a.b.c", token.upper()):
        assert read_unsubscribe_token(settings(), wrong) is None


def test_every_kind_can_be_composed(world, db_session):
    uuid = ask(world)
    facts = db_session.execute(select(OutgoingMail)).scalars().first().data
    data = {**facts, "reason": "x", "organization": "Lab", "organization_uuid": "u", "booking": str(uuid)}
    data |= {"number": 3, "messages": [{"kind": "requested", **facts}, {"kind": "to_answer", **facts}]}
    data |= {"at": "2026-03-02T08:00:00Z", "expires": "never", "by": "link", "access_ended": True}
    data |= {"email": "new@example.org", "who": "Anna", "what": "Lab", "page": "/bookings/feed/", "google": "x"}
    for kind in MailKind:
        row = OutgoingMail(kind=kind.value, recipient="a@example.org", data=data, created=NOW, user_id=1)
        row.uuid = make.unknown()
        message = compose(row, settings(), "a-secret")
        assert message["Subject"]
        path = LINK_OF[kind].format("a-secret") if kind in LINK_OF else ""
        assert path in message.get_body(("plain",)).get_content()


def test_what_one_person_causes_too_often_goes_into_one_summary(world, db_session, limited):
    limited(max_mails_per_hour=2)
    _, booker, manager = world
    made = [ask(world, hours(30 + n, 31 + n)) for n in range(5)]
    bookings.cancel_booking(make.actor(booker), made[0], now=NOW + timedelta(minutes=10))
    rows = db_session.execute(select(OutgoingMail).order_by(OutgoingMail.id)).scalars().all()
    separate = [row for row in rows if not row.kind.endswith("_summary")]
    assert [(row.kind, row.recipient.partition("@")[0]) for row in separate] == 2 * [
        ("requested", "booker"),
        ("to_answer", "owner"),
        ("to_answer", "manager"),
    ]
    summaries = {(row.kind, row.recipient.partition("@")[0]): row for row in rows if row not in separate}
    assert set(summaries) == {
        ("bookings_summary", "booker"),
        ("requests_summary", "owner"),
        ("requests_summary", "manager"),
    }
    waiting = summaries["requests_summary", "manager"]
    assert (waiting.data["number"], waiting.next_attempt) == (4, NOW + timedelta(hours=1))
    assert [it["kind"] for it in waiting.data["messages"]] == 3 * ["to_answer"] + ["given_back"]
    # It is sent when the hour is over, once, and lists everything.
    fake = Fake()
    assert deliver_due(settings(), lambda: NOW + timedelta(minutes=59), fake) == 6
    assert deliver_due(settings(), lambda: NOW + timedelta(hours=1), fake) == 3
    [message] = [it for to, it in fake.sent if to == manager.email and "more messages" in it["Subject"]]
    assert message["Subject"] == "4 more messages about bookings by Booker"
    text = message.get_body(("plain",)).get_content()
    assert text.count("New request: Microscope: ") == 3
    assert text.count("Cancelled: Microscope: ") == 1
    # Then the next ones come one by one again.
    later = NOW + timedelta(hours=2)
    wish = BookingRequest(world[0].uuid, [hours(50, 51)])
    bookings.request_booking(make.actor(booker), wish, now=later)
    assert deliver_due(settings(), lambda: later, fake) == 3


def test_a_summary_that_is_being_sent_is_not_added_to(world, db_session, limited):
    limited(max_mails_per_hour=1)
    for number in range(2):
        ask(world, hours(30 + number, 31 + number))
    summaries = select(OutgoingMail).where(OutgoingMail.kind == "requests_summary", OutgoingMail.user_id == world[2].id)
    [first] = db_session.execute(summaries).scalars()
    first.attempts, first.next_attempt = 1, NOW + LEASE
    db_session.commit()
    ask(world, hours(40, 41))
    assert [it.data["number"] for it in db_session.execute(summaries).scalars()] == [1, 1]


def test_a_summary_says_how_many_it_does_not_list(world, db_session, limited, monkeypatch):
    limited(max_mails_per_hour=1)
    monkeypatch.setattr(summaries, "MAX_LISTED", 2)
    for number in range(6):
        ask(world, hours(30 + number, 31 + number))
    row = db_session.execute(select(OutgoingMail).where(OutgoingMail.kind == "bookings_summary")).scalar_one()
    assert (row.data["number"], len(row.data["messages"])) == (5, 2)
    assert "And: 3 more" in compose(row, settings()).get_body(("plain",)).get_content()


def test_whoever_does_not_want_a_kind_gets_no_summary_of_it_either(world, db_session, limited):
    limited(max_mails_per_hour=1)
    mail.set_unsubscribed_groups(world[2].id, ["requests"])
    db_session.expire_all()
    for number in range(3):
        ask(world, hours(30 + number, 31 + number))
    assert not db_session.execute(select(OutgoingMail).where(OutgoingMail.user_id == world[2].id)).first()


def test_answers_of_managers_are_not_limited(world, db_session, limited):
    limited(max_mails_per_hour=0)
    made = [ask(world, hours(30 + n, 31 + n)) for n in range(3)]
    assert len(told(db_session)) == 9
    limited(max_mails_per_hour=1)
    for uuid in made:
        bookings.accept_booking(make.actor(world[2]), uuid, now=NOW)
    assert told(db_session) == 3 * [("accepted", "booker")]


def test_what_managers_change_too_often_goes_into_a_summary(world, db_session, limited):
    uuid, manager = ask(world), make.actor(world[2])
    bookings.accept_booking(manager, uuid, now=NOW)
    told(db_session)
    limited(max_mails_per_hour=2)
    for number in range(25):
        bookings.reschedule_booking(manager, uuid, [hours(31 + number, 32 + number)], now=NOW)
    bookings.cancel_booking(manager, uuid, now=NOW)
    rows = db_session.execute(select(OutgoingMail).order_by(OutgoingMail.id)).scalars().all()
    assert [(row.kind, row.user_id) for row in rows] == [
        ("moved", world[1].id),
        ("moved", world[1].id),
        ("bookings_summary", world[1].id),
    ]
    assert (rows[2].data["number"], rows[2].next_attempt) == (24, NOW + timedelta(hours=1))
    text = compose(rows[2], settings()).get_body(("plain",)).get_content()
    assert "Manager changed many of your bookings" in " ".join(text.split())
    assert text.count("Moved: Microscope") == 23
    assert text.count("Cancelled: Microscope") == 1


def test_old_mail_is_forgotten(world, db_session):
    ask(world)
    deliver_due(settings(), lambda: NOW, Fake())
    mail.delete_old_records(NOW + timedelta(days=29))
    assert len(db_session.execute(select(OutgoingMail)).scalars().all()) == 3
    mail.delete_old_records(NOW + timedelta(days=31))
    assert db_session.execute(select(OutgoingMail)).first() is None


def test_a_connection_that_breaks_is_told_to_the_owners(world, db_session):
    offering, _, _ = world
    with transaction() as session:
        mail.notify_connection_broken(session, offering.organization_id, "Consent was withdrawn.", NOW)
    assert told(db_session) == [("reconnect", "owner")]
