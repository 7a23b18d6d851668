"""The page of prices, as forms send it: everything here works without JavaScript."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from portal.domain.pricing import typed_price
from portal.extensions import db
from portal.models import Booking, Offering, Plan, User
from portal.policies import SYSTEM
from portal.transfer.importer import import_offerings
from portal.transfer.price_list import PriceList, booked_plans, save_prices
from tests.support.forms import Form
from tests.support.samples import sample


@pytest.fixture
def page(visitor, world):
    form = Form(visitor("manager"), f"/manage/offerings/{world.scope}/prices/")
    form.uuid = world.scope
    return form


def plans(uuid):
    db.session.expire_all()
    offering = db.session.query(Offering).filter_by(uuid=uuid).one()
    found = db.session.query(Plan).filter_by(offering_id=offering.id).order_by(Plan.position)
    return {
        plan.name: {part.component.name: (part.component.billing_type, part.price) for part in plan.components}
        for plan in found
    }


def add_two_plans(page):
    """One component and two plans, as a person makes them."""
    page.send("add", "component")
    (item,) = [page.fields["component"]]
    page.send("add", "plan", **{f"name-{item}": "Microscope time"})
    page.send("add", "plan")
    first, second = page.fields["plan"]
    return page.send(
        **{
            f"name-{first}": "Academic",
            f"price-{first}-{item}": "9",
            f"name-{second}": "Industry",
            f"price-{second}-{item}": "27,50",
        }
    )


def test_two_plans_are_made_and_the_catalogue_shows_the_price(page, visitor):
    assert add_two_plans(page).status_code == 303
    assert plans(page.uuid) == {
        "Academic": {"Microscope time": ("usage", Decimal(9))},
        "Industry": {"Microscope time": ("usage", Decimal("27.5"))},
    }
    assert "3 hours cost €27.00" in page.load().answer.text
    assert "3 hours cost €82.50" in page.answer.text
    assert "€27.50" in visitor().get(f"/offerings/{page.uuid}/").text


def test_a_price_is_changed_and_everything_else_stays(page, visitor, world):
    import_offerings([sample() | {"uuid": str(world.scope)}])
    owner = Form(visitor("staff"), page.path)
    before = db.session.query(Offering).filter_by(uuid=world.scope).one()
    kept = [(it.type, it.article_code, it.limit_amount, it.min_value) for it in before.components]
    prices = [name for name in owner.fields if name.startswith("price-")]
    assert prices
    unchanged = owner.send()
    assert unchanged.status_code == 303
    assert "Nothing was different" in owner.load().answer.text
    assert owner.send(**{prices[0]: "1234.5678"}).status_code == 303
    db.session.expire_all()
    after = db.session.query(Offering).filter_by(uuid=world.scope).one()
    assert [(it.type, it.article_code, it.limit_amount, it.min_value) for it in after.components] == kept
    assert Decimal("1234.5678") in {part.price for plan in after.plans for part in plan.components}


@pytest.mark.parametrize(
    "typed", ["", " ", "x", "-1", "1,250", "1.250.000", "٣", "1e3", "NaN", "9" * 13, "1.12345678901", "€5"]
)
def test_a_text_that_is_no_price_is_an_error_at_its_field(page, typed):
    add_two_plans(page)
    page.load()
    field = next(name for name in page.fields if name.startswith("price-"))
    before = plans(page.uuid)
    answer = page.send(**{field: typed})
    assert answer.status_code == 400
    assert f'href="#{field}"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert plans(page.uuid) == before


@pytest.mark.parametrize(
    ("text", "price"), [("0", "0"), ("12", "12"), (" 12,50 ", "12.50"), ("0.125", "0.125"), ("1.2500", "1.25")]
)
def test_prices_as_people_type_them(text, price):
    assert typed_price(text) == Decimal(price)


def test_a_plan_with_bookings_is_archived_never_removed(page, visitor):
    add_two_plans(page)
    plan = db.session.query(Plan).filter_by(name="Academic").one()
    user = db.session.query(User).filter_by(email="member@example.org").one()
    when = datetime(2026, 1, 5, tzinfo=UTC)
    of = {"offering_id": plan.offering_id, "user_id": user.id, "plan_id": plan.id}
    db.session.add(Booking(**of, state="confirmed", name="Run", created=when))
    db.session.commit()
    assert booked_plans(page.uuid) == {str(plan.uuid)}
    text = page.load().answer.text
    assert "Has bookings, so it cannot be removed." in text
    key = str(plan.uuid)
    page.send("remove", key)
    assert key in page.fields["plan"]
    refused = page.load().send("keep", "1", plan=[it for it in page.fields["plan"] if it != key])
    assert refused.status_code == 409
    assert "can only be archived" in refused.text
    assert page.load().send(**{f"archived-{key}": "1"}).status_code == 303
    db.session.expire_all()
    assert db.session.query(Plan).filter_by(uuid=plan.uuid).one().archived


def replace_component(page, price):
    """Remove the only component, and add one of the same name."""
    page.load().send("remove", page.fields["component"])
    page.send("add", "component")
    new = page.fields["component"]
    typed = {name: price for name in page.fields if name.startswith("price-")}
    return page.send(**{f"name-{new}": "Microscope time"}, **typed)


def test_a_component_is_replaced_by_one_of_the_same_name(page):
    add_two_plans(page)
    assert replace_component(page, "7").status_code == 303
    assert plans(page.uuid) == {name: {"Microscope time": ("usage", Decimal(7))} for name in ("Academic", "Industry")}


def test_a_component_of_a_plan_with_bookings_is_not_replaced(page):
    add_two_plans(page)
    before = plans(page.uuid)
    db.session.query(Plan).filter_by(name="Academic").one().resources_elsewhere = 1
    db.session.commit()
    refused = replace_component(page, "7")
    assert refused.status_code == 409
    assert "cannot be removed" in refused.text
    assert plans(page.uuid) == before


def test_rows_are_removed_only_by_saving(page):
    add_two_plans(page)
    _, second = page.load().fields["plan"]
    page.send("remove", second)
    assert set(plans(page.uuid)) == {"Academic", "Industry"}
    assert page.send().status_code == 303
    assert set(plans(page.uuid)) == {"Academic"}


def test_what_somebody_else_has_changed_is_not_written_over(page, world):
    add_two_plans(page)
    page.load()
    offering = db.session.query(Offering).filter_by(uuid=world.scope).one()
    (component,) = offering.components
    row = {"uuid": component.uuid.hex, "type": component.type, "name": "Other"}
    digest = page.fields["before"]
    assert save_prices(SYSTEM, world.scope, PriceList([row], []), expected=digest)
    answer = page.send()
    assert answer.status_code == 409
    assert "Somebody else has changed the prices" in answer.text
    assert plans(world.scope) == {}


@pytest.mark.parametrize(
    "broken", [{"plan": "x"}, {"plan": ["new1", "new1"]}, {"component": "../etc"}, {"before": None}]
)
def test_a_form_that_no_page_has_changes_nothing(page, broken):
    add_two_plans(page)
    fields = {**page.load().fields, **broken}
    answer = page.visitor.client.post(page.path, data={key: it for key, it in fields.items() if it is not None})
    assert answer.status_code == 400
    assert set(plans(page.uuid)) == {"Academic", "Industry"}


def test_a_new_plan_needs_a_name_of_its_own(page):
    add_two_plans(page)
    page.load().send("add", "plan")
    fresh = page.fields["plan"][-1]
    (price,) = [name for name in page.fields if name.startswith(f"price-{fresh}-")]
    answer = page.send(**{f"name-{fresh}": "Academic", price: "1"})
    assert answer.status_code == 400
    assert f'href="#name-{fresh}"' in answer.text
    assert set(plans(page.uuid)) == {"Academic", "Industry"}
