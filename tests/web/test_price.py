"""The estimated price: in the summary that follows the form, on the page without scripts, and on the booking's page."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from sqlalchemy import select

from portal.domain.periods import Period
from portal.extensions import db
from portal.models import Booking, Component, Offering, PlanComponent
from portal.services import bookings as services
from tests.support import builders as make
from tests.support.builders import NOW
from tests.web.conftest import PASSWORD, Visitor, build_world
from tests.web.test_browser import sign_in

pytestmark = pytest.mark.sqlite_only


def priced(offering, name="Standard", price="12.50"):
    """A plan that takes so much an hour."""
    component = make.add(
        Component(offering_id=offering.id, type=f"hour-{name}", name="Beam", measured_unit="hour", billing_type="usage")
    )
    plan = make.plan(offering, name)
    make.add(PlanComponent(plan_id=plan.id, component_id=component.id, price=Decimal(price), amount=1))
    make.change(offering)
    return plan


@pytest.fixture
def frozen():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
@make.together()
def house(frozen, db_session):
    offering = make.offering("Microscope", of=make.organization("Lab"))
    booker = make.user("booker@example.org", password=PASSWORD)
    rival = make.user("rival@example.org", password=PASSWORD)
    return offering, priced(offering), booker, rival


def wall(hour):
    return (NOW + timedelta(hours=hour)).strftime("%Y-%m-%dT%H:%M")


def rows(*periods):
    return {"start": [wall(a) for a, _ in periods], "end": [wall(b) for _, b in periods]}


def total(page):
    found = re.search(r'Estimated total</th><td class="amount"><strong>[^\d]*([\d.,]+)', page)
    return found and found[1]


def test_the_summary_follows_the_form(app, house):
    offering, _, _, rival = house
    wish = services.BookingRequest(offering.uuid, [Period(NOW + timedelta(hours=5), NOW + timedelta(hours=6))])
    services.request_booking(make.actor(rival), wish, now=NOW)
    person = Visitor(app.test_client()).sign_in("booker")
    path, page = f"/offerings/{offering.uuid}/book/summary/", f"/offerings/{offering.uuid}/book/"
    one = person.post(path, rows((1, 3)), page=page).text
    assert total(one) == "25.00"
    assert "<html" not in one
    more = person.post(path, rows((1, 3), (5, 6)), page=page).text
    assert total(more) == "37.50"
    assert more.count('class="error"') == 1
    assert "Held by a request" in more
    assert "No times chosen yet." in person.post(path, rows(), page=page).text
    priced(offering, "Night", "2")
    assert "Choose a plan to see the price." in person.post(path, rows((1, 3)), page=page).text


def component(plan, billing, price, unit, **more):
    """A further component of a plan."""
    made = Component(offering_id=plan.offering_id, type=f"{billing}-{unit}", name=f"{billing} {unit}", **more)
    made.measured_unit, made.billing_type = unit, billing
    make.add(made)
    make.add(PlanComponent(plan_id=plan.id, component_id=made.id, price=Decimal(price), amount=0))
    return made


def test_persons_of_the_order_form_shifts_and_overage_are_counted_on_both_pages(app, house):
    offering, plan, booker, _ = house
    offering.options = {"options": {"people": {"type": "integer", "label": "Participants", "min": 1, "max": 12}}}
    over = component(plan, "usage", "55", "h")
    component(plan, "limit", "100", "hour", limit_amount=3, overage_component=over.uuid)
    component(plan, "limit", "350", "8 h shift")
    component(plan, "one", "290", "person")
    component(plan, "usage", "14.50", "litre")
    make.change(offering)
    person = Visitor(app.test_client()).sign_in("booker")
    path, page = f"/offerings/{offering.uuid}/book/summary/", f"/offerings/{offering.uuid}/book/"
    # 2 × 12.50 + 2 × 100 + 1 × 350 + 8 × 290
    shown = person.post(path, {**rows((1, 3)), "answer-people": "8"}, page=page).text
    assert total(shown) == "2,895.00"
    assert [reason in shown for reason in ("Not in the total", "billed on use", "only past 3 hours")] == [True] * 3
    unanswered = person.post(path, {**rows((1, 3)), "answer-people": "many"}, page=page).text
    assert total(unanswered) == "575.00"
    assert "the number of persons is not known" in unanswered
    wish = services.BookingRequest(
        offering.uuid,
        [Period(NOW + timedelta(hours=1), NOW + timedelta(hours=5))],
        plan_uuid=plan.uuid,
        answers={"people": 8},
    )
    made = services.request_booking(make.actor(booker), wish, now=NOW).uuid
    # 4 × 12.50 + 3 × 100 + 1 × 55 + 1 × 350 + 8 × 290
    assert total(person.get(f"/bookings/{made}/").text) == "3,075.00"


def test_a_price_that_cannot_be_known_is_on_request(app, house):
    offering = make.offering("Beam line", of=make.organization("Source"))
    component(make.plan(offering), "limit", "350", "shift")
    make.change(offering)
    person = Visitor(app.test_client()).sign_in("booker")
    path, page = f"/offerings/{offering.uuid}/book/summary/", f"/offerings/{offering.uuid}/book/"
    shown = person.post(path, rows((1, 3)), page=page).text
    assert "Price on request" in shown
    assert "/ shift" in shown


def test_the_card_and_the_page_say_the_price_of_using_the_thing(client, house):
    offering = make.offering("Beam line", of=make.organization("Source"))
    plan = make.plan(offering)
    over = component(plan, "usage", "95", "hour")
    component(plan, "usage", "0", "2 h", overage_component=over.uuid)
    component(plan, "usage", "14.50", "litre")
    make.change(offering)
    card = client.get("/?search=Beam").text.partition('<dt class="price">From</dt>')[2]
    assert card.startswith('<dd class="price">free</dd>')
    assert "<dt>From</dt><dd>free</dd>" in client.get(f"/offerings/{offering.uuid}/").text


def test_without_scripts_a_button_shows_the_same(app, house, db_session):
    offering, _, _, _ = house
    person, page = Visitor(app.test_client()).sign_in("booker"), f"/offerings/{offering.uuid}/book/"
    answer = person.post(page, {**rows((1, 5)), "check": "1"}, page=page)
    assert (answer.status_code, total(answer.text)) == (200, "50.00")
    assert "Check times and price" in answer.text
    assert db_session.execute(select(Booking)).first() is None


def test_a_booking_tells_what_it_will_cost_until_it_has_ended(app, house):
    offering, plan, booker, _ = house
    periods = [Period(NOW + timedelta(hours=1), NOW + timedelta(hours=3))]
    made = services.request_booking(
        make.actor(booker), services.BookingRequest(offering.uuid, periods, plan_uuid=plan.uuid), now=NOW
    ).uuid
    person = Visitor(app.test_client()).sign_in("booker")
    shown = person.get(f"/bookings/{made}/").text
    assert "Estimated price" in shown
    assert total(shown) == "25.00"
    services.cancel_booking(make.actor(booker), made, now=NOW)
    assert "Estimated price" not in person.get(f"/bookings/{made}/").text


def test_a_script_that_asks_for_a_part_does_not_get_the_sign_in_page(client, house):
    path = f"/offerings/{house[0].uuid}/book/"
    assert client.get(path).status_code == 303
    answer = client.get(path, headers={"HX-Request": "true"})
    assert (answer.status_code, answer.text) == (401, "")


@pytest.mark.browser
def test_the_price_follows_what_is_typed(live_portal, browser_page):
    with live_portal.app.app_context():
        offering = build_world().scope
        priced(db.session.execute(select(Offering).where(Offering.uuid == offering)).scalar_one())
    sign_in(browser_page, live_portal)
    browser_page.goto(f"{live_portal.url}/offerings/{offering}/book/")
    browser_page.click("text=Enter exact times")
    browser_page.fill("#start-0", "2030-03-04T10:00")
    browser_page.fill("#end-0", "2030-03-04T12:00")
    browser_page.locator("#name").focus()
    browser_page.wait_for_selector("#summary >> text=25.00")
    browser_page.fill("#end-0", "2030-03-04T14:00")
    browser_page.locator("#name").focus()
    browser_page.wait_for_selector("#summary >> text=50.00")
    assert browser_page.locator("main h1").count() == 1
