"""Whoever loses sight of something loses it in feeds, bookings and mail. What they booked stays theirs to know."""

import json
from datetime import timedelta

import pytest
import time_machine
from icalendar import Calendar
from sqlalchemy import delete, select

from portal.documents import store as documents
from portal.domain.periods import Period
from portal.errors import Forbidden, SignInRequired
from portal.extensions import db
from portal.models import Booking, CalendarFeed, Membership, Offering, Organization, OutgoingMail, Project, User
from portal.policies import SYSTEM
from portal.services import bookings, feeds
from tests.support import builders as make
from tests.support.builders import NOW
from tests.web.conftest import PASSWORD, Visitor

LIST = "/api/booking-resources/"
FORM = {"options": {"sample": {"type": "string", "label": "Old question"}}}
# What the offering was called and said when it was booked, and what is written into it once it is hidden.
OLD = ("Old microscope", "Old provider", "Old plan", "Old question")
NEW = ("Newname", "Newprovider", "Newplan", "Newquestion", "Newwords", "New-slug", "Newproject", "Newparent")


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(NOW, tick=False):
        yield


def period(hour):
    return Period(NOW + timedelta(hours=hour), NOW + timedelta(hours=hour + 1))


@pytest.fixture
def lab(db_session):
    """An offering that everybody sees, with a plan and a form, booked by a member of its organization."""
    with make.together():
        provider = make.organization("Old provider")
        offering = make.offering("Old microscope", of=provider, options=FORM)
        plan = make.plan(offering, "Old plan")
        project = make.add(Project(name="Old project", organization_id=provider.id))
        booker = make.role(make.user("booker@example.org", password=PASSWORD), provider, "member")
        boss = make.role(make.user("boss@example.org", password=PASSWORD), provider, "owner")
        tokens = {user.id: {"Authorization": f"Token {make.token(user)}"} for user in (booker, boss)}
    wish = bookings.BookingRequest(
        offering.uuid,
        [period(2)],
        "My sample",
        plan_uuid=plan.uuid,
        project_uuid=project.uuid,
        answers={"sample": "ice"},
    )
    made = bookings.request_booking(make.actor(booker), wish, now=NOW).uuid
    db.session.commit()
    return {
        "offering": offering.id,
        "provider": provider.id,
        "booker": make.actor(booker),
        "boss": make.actor(boss),
        "booking": made,
        "token": tokens[booker.id],
        "bosses": tokens[boss.id],
    }


def rewrite_everything(lab):
    """Its owner writes new texts into it."""
    offering = db.session.get_one(Offering, lab["offering"])
    offering.name, offering.description, offering.slug = "Newname", "Newwords", "New-slug"
    offering.full_description = offering.paused_reason = "Newwords"
    offering.options = {"options": {"sample": {"type": "string", "label": "Newquestion"}}}
    offering.plugin_options = {"backend_id_display_label": "Newwords"}
    offering.parent_uuid, offering.parent_name = make.unknown(), "Newparent"
    for plan in offering.plans:
        plan.name = plan.description = "Newplan"
    db.session.get_one(Organization, lab["provider"]).name = "Newprovider"
    db.session.execute(select(Project)).scalar_one().name = "Newproject"
    documents.refresh(db.session(), [offering.id])
    db.session.commit()


def leave(lab):
    db.session.execute(delete(Membership).where(Membership.user_id == lab["booker"].user_id))
    db.session.commit()


def archive(lab):
    db.session.get_one(Offering, lab["offering"]).state = "Archived"
    # Nor the project.
    leave(lab)


def restrict(lab):
    offering = db.session.get_one(Offering, lab["offering"])
    offering.organization_groups.append(make.group("Circle"))
    leave(lab)


def unshare_and_leave(lab):
    db.session.get_one(Offering, lab["offering"]).shared = False
    leave(lab)


HIDING = [archive, restrict, unshare_and_leave]


def own_feed(lab):
    return feeds.create_user_feed(lab["booker"])


@pytest.mark.parametrize("hide", HIDING)
def test_a_booker_keeps_what_they_were_shown_and_reads_nothing_new(app, client, lab, hide):
    secret, booking = own_feed(lab), lab["booking"]
    hide(lab)
    rewrite_everything(lab)
    person = Visitor(app.test_client()).sign_in("booker")
    one = f"{LIST}{booking}/"
    answers = {
        "page": person.get(f"/bookings/{booking}/"),
        "list": person.get("/bookings/"),
        "question": person.get(f"/bookings/{booking}/cancel/"),
        "file": person.get(f"/bookings/{booking}/booking.ics"),
        "feed": client.get(f"/feeds/{secret}.ics"),
        "api": client.get(one, headers=lab["token"]),
        "api list": client.get(LIST, headers=lab["token"]),
    }
    for where, answer in answers.items():
        assert answer.status_code == 200, where
        assert [text for text in NEW if text in answer.text] == [], where
        assert "My sample" in answer.text
    for where in ("page", "list", "file", "feed", "api", "api list"):
        assert "Old microscope" in answers[where].text, where
    for text in (*OLD, "Old project", "ice", "You can no longer see this offering"):
        assert text in answers["page"].text
    offering = answers["api"].json["offering_uuid"]
    assert f'href="/offerings/{offering}/' not in answers["page"].text
    assert person.get(f"/offerings/{offering}/").status_code == 404
    found = answers["api"].json
    assert (found["offering_name"], found["provider_name"], found["plan_name"]) == OLD[:3]
    assert (found["project_name"], found["plan_description"]) == ("Old project", None)
    assert found["creation_order"]["offering_name"] == "Old microscope"
    assert not {"offering_description", "offering_state", "offering_plugin_options", "category_uuid"} & found.keys()


def test_those_who_see_it_read_what_it_is_now(client, lab):
    rewrite_everything(lab)
    mine = client.get(f"{LIST}{lab['booking']}/", headers=lab["token"]).json
    theirs = client.get(f"{LIST}{lab['booking']}/", headers=lab["bosses"]).json
    assert mine["offering_name"] == theirs["offering_name"] == "Newname"
    assert mine["offering_description"] == "Newwords"
    assert mine["project_name"] == theirs["project_name"] == "Newproject"
    # It is in no database here, so it is for those who manage the offering.
    assert "parent_offering_name" not in mine
    assert theirs["parent_offering_name"] == "Newparent"
    archive(lab)
    assert client.get(f"{LIST}{lab['booking']}/", headers=lab["bosses"]).json["offering_name"] == "Newname"


@pytest.mark.parametrize("hide", HIDING)
def test_a_booking_of_what_is_hidden_is_cancelled_and_not_moved(app, client, lab, hide):
    hide(lab)
    path = f"/bookings/{lab['booking']}/"
    person = Visitor(app.test_client()).sign_in("booker")
    page = person.get(path).text
    assert f"{path}move/" not in page
    assert f"{path}cancel/" in page
    form = {"start": "2026-03-02T13:00", "end": "2026-03-02T14:00", "book": "1"}
    for answer in (person.get(f"{path}move/"), person.post(f"{path}move/", form, page=path)):
        assert answer.status_code == 403
        assert "the booking can&#39;t be moved. You can still cancel it." in answer.text
    slots = {"slots": [{"start": "2026-03-02T13:00:00Z", "end": "2026-03-02T14:00:00Z"}]}
    refused = client.post(f"{LIST}{lab['booking']}/reschedule/", json=slots, headers=lab["token"])
    assert (refused.status_code, refused.json) == (403, {"detail": bookings.NOT_SEEN})
    with pytest.raises(Forbidden):
        bookings.reschedule_booking(lab["booker"], lab["booking"], [period(5)], now=NOW)
    kept = db.session.execute(select(Booking)).scalar_one()
    assert [it.start for it in kept.slots] == [period(2).start]
    assert person.post(f"{path}cancel/", {"reason": ""}, page=f"{path}cancel/").status_code == 303
    db.session.expire_all()
    assert db.session.execute(select(Booking.state)).scalar_one() == "cancelled"


def test_who_manages_it_moves_it_all_the_same(lab):
    restrict(lab)
    assert bookings.reschedule_booking(lab["boss"], lab["booking"], [period(5)], now=NOW)


def test_a_booker_who_moves_it_is_shown_it_anew(client, lab):
    rewrite_everything(lab)
    bookings.reschedule_booking(lab["booker"], lab["booking"], [period(5)], now=NOW)
    archive(lab)
    assert client.get(f"{LIST}{lab['booking']}/", headers=lab["token"]).json["offering_name"] == "Newname"


def test_a_booking_older_than_what_is_kept_shows_its_own_words(app, client, lab):
    db.session.execute(select(Booking)).scalar_one().as_booked = None
    archive(lab)
    rewrite_everything(lab)
    page = Visitor(app.test_client()).sign_in("booker").get(f"/bookings/{lab['booking']}/").text
    assert [text for text in NEW if text in page] == []
    assert "ice" in page
    assert client.get(f"{LIST}{lab['booking']}/", headers=lab["token"]).json["offering_name"] == "My sample"


def test_mail_to_a_booker_tells_nothing_new_either(lab):
    archive(lab)
    rewrite_everything(lab)
    bookings.reject_booking(lab["boss"], lab["booking"], "Moved away", now=NOW)
    told = db.session.execute(select(OutgoingMail).where(OutgoingMail.kind == "rejected")).scalar_one()
    assert (told.data["offering"], told.data["provider"]) == OLD[:2]
    assert [text for text in NEW if text in json.dumps(told.data)] == []


FILTERS = [
    *("offering_slug=New-slug", "offering_type=Marketplace.Booking", "offering_shared=true", "offering_billable=true"),
    *("query=Newname", "category_uuid={category}", "parent_offering_uuid={parent}", "provider_uuid={provider}"),
    *("customer_uuid={provider}", "project_name=Newproject", "connected_customer_uuid={provider}"),
    *("service_manager_uuid={boss}", "usage_based=false", "only_limit_based=false"),
]


@pytest.mark.parametrize("query", FILTERS)
def test_a_filter_finds_out_nothing_about_what_is_hidden(client, lab, query):
    rewrite_everything(lab)
    offering = db.session.get_one(Offering, lab["offering"])
    names = {
        "category": offering.category.uuid,
        "parent": offering.parent_uuid,
        "provider": offering.organization.uuid,
        "boss": db.session.execute(select(User.uuid).where(User.id == lab["boss"].user_id)).scalar_one(),
    }
    query = query.format(**names)

    def found(who):
        return len(client.get(f"{LIST}?{query}", headers=lab[who]).json)

    asked_for_itself = query.startswith("query")
    hidden_parent = query.startswith("parent")
    assert found("bosses") == (0 if asked_for_itself else 1)
    assert found("token") == (0 if asked_for_itself or hidden_parent else 1)
    archive(lab)
    assert found("token") == 0
    assert found("bosses") == (0 if asked_for_itself else 1)
    assert len(client.get(f"{LIST}?offering_uuid={offering.uuid}", headers=lab["token"]).json) == 1


def works(client, secret):
    answer = client.get(f"/feeds/{secret}.ics")
    if answer.status_code != 200:
        # As if there were no such address.
        other = "A" * len(secret)
        unknown = client.get(f"/feeds/{other}.ics")
        assert (answer.status_code, answer.text.replace(secret, other)) == (unknown.status_code, unknown.text)
        assert answer.status_code == 404
        return False
    return len(Calendar.from_ical(answer.data).events) == 1


def give_role(lab, role):
    db.session.add(Membership(user_id=lab["boss"].user_id, organization_id=lab["provider"], role=role))
    db.session.commit()


def set_person(user_id, **values):
    for name, value in values.items():
        setattr(db.session.get_one(User, user_id), name, value)
    db.session.commit()


def test_an_organizations_feed_ends_with_its_makers_role_and_account(client, lab):
    organization = db.session.get_one(Organization, lab["provider"]).uuid
    secret = feeds.create_organization_feed(lab["boss"], organization)
    assert works(client, secret)
    db.session.execute(delete(Membership).where(Membership.user_id == lab["boss"].user_id))
    db.session.commit()
    assert not works(client, secret)
    give_role(lab, "member")
    assert not works(client, secret)
    db.session.execute(delete(Membership).where(Membership.user_id == lab["boss"].user_id))
    give_role(lab, "manager")
    assert works(client, secret)
    set_person(lab["boss"].user_id, is_active=False)
    assert not works(client, secret)


def test_a_feed_that_staff_made_ends_when_they_are_staff_no_more(client, lab):
    organization = db.session.get_one(Organization, lab["provider"]).uuid
    staff = make.user(staff=True)
    secret = feeds.create_organization_feed(make.actor(staff), organization)
    assert works(client, secret)
    set_person(staff.id, is_staff=False)
    assert not works(client, secret)


def test_a_feed_of_nobody_is_none(client, lab):
    organization = db.session.get_one(Organization, lab["provider"]).uuid
    with pytest.raises(SignInRequired):
        feeds.create_organization_feed(SYSTEM, organization)
    secret = feeds.create_organization_feed(lab["boss"], organization)
    # As one that was made before the portal noted by whom.
    db.session.execute(select(CalendarFeed)).scalar_one().maker_id = None
    db.session.commit()
    assert not works(client, secret)


def test_the_page_says_why_an_address_ended(app, client, lab):
    organization = db.session.get_one(Organization, lab["provider"]).uuid
    path = f"/manage/organizations/{organization}/feed/"
    other = make.user("other@example.org", password=PASSWORD)
    make.role(other, db.session.get_one(Organization, lab["provider"]), "manager")
    secret = feeds.create_organization_feed(make.actor(other), organization)
    boss = Visitor(app.test_client()).sign_in("boss")
    assert "can't be shown again" in boss.get(path).text
    set_person(other.id, is_active=False)
    page = boss.get(path).text
    assert "The link no longer works." in page
    assert "Other created it and no longer manages Old provider." in page
    assert boss.post(path, {"make": "1"}, page=path).status_code == 201
    assert not works(client, secret)
    assert "can't be shown again" in boss.get(path).text


def test_a_deactivated_person_has_no_feed(client, lab):
    secret = own_feed(lab)
    assert works(client, secret)
    set_person(lab["booker"].user_id, is_active=False)
    assert not works(client, secret)


@pytest.mark.parametrize("hide", HIDING)
def test_an_offerings_feed_is_gone_once_it_is_hidden(client, lab, hide):
    uuid = db.session.get_one(Offering, lab["offering"]).uuid
    assert client.get(f"/offerings/{uuid}/calendar.ics").status_code == 200
    hide(lab)
    other = make.unknown()
    gone, unknown = (client.get(f"/offerings/{it}/calendar.ics") for it in (uuid, other))
    assert gone.status_code == unknown.status_code == 404
    assert gone.text.replace(str(uuid), str(other)) == unknown.text
