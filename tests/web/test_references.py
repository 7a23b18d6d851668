"""What an offering refers to is shown to those who may see it: in lists, in one offering, on its page."""

import json

import pytest

from portal.documents import store as documents
from portal.extensions import db
from portal.models import (
    ComplianceChecklist,
    Membership,
    Offering,
    OfferingDocument,
    Project,
    Scope,
    offering_organization_groups,
)
from tests.support import builders as make
from tests.web.conftest import PASSWORD, Visitor

LIST = "/api/booking-offerings/?page_size=300"
PEOPLE = ("stranger", "member", "manager", "staff")
PARENT = ("parent_uuid", "parent_name", "parent_description")
PROJECT = ("project", "project_uuid", "project_name")
SCOPE = ("scope", "scope_uuid", "scope_name", "scope_state", "scope_error_message")
PLATFORM = "Hidden platform"
TEXT = "Words of the platform"


@pytest.fixture
@make.together()
def lab(db_session):
    """A child with everything that it can refer to, and people: all but the stranger have a role at its provider."""
    provider = make.organization("Provider")
    platform = make.offering(PLATFORM, of=provider, description=TEXT, plugin_options={"from": "parent"})
    project = make.add(Project(name="Quiet project", organization_id=provider.id))
    checklist = make.add(ComplianceChecklist(link="https://lists.example.org/checklist/7/"))
    child = make.offering(
        "Child",
        of=provider,
        parent_id=platform.id,
        parent_uuid=platform.uuid,
        parent_name="Its name long ago",
        project_id=project.id,
        checklist_id=checklist.id,
        has_compliance_requirements=True,
        plugin_options={"from": "child"},
    )
    make.add(
        Scope(offering_id=child.id, link="https://scope.example.org/", name="Server room", error_message="Vacuum lost")
    )
    rewrite(child)
    people = {who: make.user(f"{who}@example.org", staff=who == "staff", password=PASSWORD) for who in PEOPLE}
    for who in ("member", "manager"):
        make.role(people[who], provider, who)
    keys = {who: make.token(user) for who, user in people.items()}
    db.session.commit()
    return {
        "platform": platform.id,
        "child": child.id,
        "project": project.id,
        "stranger": people["stranger"].id,
        "tokens": {who: {"Authorization": f"Token {key}"} for who, key in keys.items()},
    }


@pytest.fixture
def ask(app, lab):
    """`ask(who)`: the child as a list shows it, as it is retrieved, and its page."""
    uuid = db.session.get_one(Offering, lab["child"]).uuid
    browsers = {}

    def ask(who):
        browser = browsers.get(who) or browsers.setdefault(who, Visitor(app.test_client()).sign_in(who))
        client = app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = lab["tokens"][who]["Authorization"]
        listed = [it for it in client.get(LIST).json if it["uuid"] == str(uuid)]
        page = browser.get(f"/offerings/{uuid}/")
        if not listed:
            assert client.get(f"/api/booking-offerings/{uuid}/").status_code == page.status_code == 404
            return None
        return listed[0], client.get(f"/api/booking-offerings/{uuid}/").json, page.text

    return ask


def rewrite(*offerings):
    documents.refresh(db.session(), [it.id for it in offerings])
    db.session.commit()


def change(offering_id, **values):
    """As an editor does it: the offering's own document is written anew, and no other."""
    offering = db.session.get_one(Offering, offering_id)
    for name, value in values.items():
        setattr(offering, name, value)
    rewrite(offering)


def hide_as_draft(lab):
    change(lab["platform"], state="Draft")


def hide_from_groups(lab):
    # As a migration or a command could do it: nothing writes a document.
    group = make.group("Closed circle")
    db.session.execute(
        offering_organization_groups.insert().values(offering_id=lab["platform"], group_id=group.id, position=0)
    )
    db.session.commit()


def hide_as_unshared(lab):
    change(lab["platform"], shared=False)


HIDDEN = [(hide_as_draft, {"manager", "staff"}), (hide_from_groups, {"manager", "staff"})]
HIDDEN += [(hide_as_unshared, {"member", "manager", "staff"})]


@pytest.mark.parametrize(("hide", "seen_by"), HIDDEN)
def test_a_hidden_parent_does_not_show_through_its_child(ask, lab, hide, seen_by):
    platform = str(db.session.get_one(Offering, lab["platform"]).uuid)
    for who in PEOPLE:
        listed, one, page = ask(who)
        assert (one["parent_uuid"], one["parent_name"], one["parent_description"]) == (platform, PLATFORM, TEXT), who
        assert one["plugin_options"] == {"from": "parent"}
        assert PLATFORM in page
    # What was answered before is remembered, and must not be answered again.
    hide(lab)
    for who in PEOPLE:
        listed, one, page = ask(who)
        sees = who in seen_by
        for answer in (listed, one):
            assert [answer[key] is not None for key in PARENT] == [sees] * 3, (who, answer)
            assert (platform in json.dumps(answer)) is sees
        assert one["plugin_options"] == {"from": "parent" if sees else "child"}, who
        assert listed["plugin_options"] == {"from": "child"}
        for text in (PLATFORM, TEXT, platform):
            assert (text in page) is sees, (who, text)
        assert "Its name long ago" not in page


def test_one_field_or_a_tag_tells_no_more(app, ask, lab):
    hide_as_draft(lab)
    uuid = db.session.get_one(Offering, lab["child"]).uuid
    answers = {}
    for who in ("stranger", "manager"):
        headers = lab["tokens"][who]
        for path in (f"{LIST}&field=parent_name&field=uuid", f"/api/booking-offerings/{uuid}/?field=parent_name"):
            first = app.test_client().get(path, headers=headers)
            known = {**headers, "If-None-Match": first.headers["ETag"]}
            assert app.test_client().get(path, headers=known).status_code == 304
            answers[who, path] = first
        found = answers[who, f"/api/booking-offerings/{uuid}/?field=parent_name"].json
        assert found == {"parent_name": None if who == "stranger" else PLATFORM}
        assert (PLATFORM in answers[who, f"{LIST}&field=parent_name&field=uuid"].text) is (who == "manager")
    for path in {path for _, path in answers}:
        assert answers["stranger", path].headers["ETag"] != answers["manager", path].headers["ETag"]


def test_filters_searches_and_orders_ask_the_parent_nothing(app, lab):
    hide_as_draft(lab)
    anybody = app.test_client()
    for query in (f"?q={PLATFORM}", "?q=Words", "?q=ago"):
        assert "Child" not in anybody.get(f"/{query}").text
    headers = lab["tokens"]["stranger"]
    whole = app.test_client().get(LIST, headers=headers).json
    for query in ("parent_uuid=00000000-0000-4000-8000-000000000000", "parent_name=x", "o=-parent_name", "query=zzz"):
        # They are no filters of this list: whatever is asked for, the same comes back.
        assert app.test_client().get(f"{LIST}&{query}", headers=headers).json == whole


def test_a_parent_that_is_not_here_is_for_those_who_manage_the_child(ask, lab):
    change(lab["child"], parent_id=None, parent_name="Far away", parent_description="Elsewhere")
    for who in PEOPLE:
        listed, one, page = ask(who)
        sees = who in ("manager", "staff")
        assert [answer["parent_name"] for answer in (listed, one)] == ["Far away" if sees else None] * 2
        assert ("Far away" in page) is ("Elsewhere" in page) is sees, who


def test_those_who_manage_the_child_alone_see_no_draft_of_another_house(ask, lab):
    other = make.organization("Other provider")
    change(lab["platform"], state="Draft", organization_id=other.id)
    for who in PEOPLE:
        listed, one, page = ask(who)
        sees = who == "staff"
        assert {answer["parent_name"] for answer in (listed, one)} == {PLATFORM if sees else None}, who
        assert (PLATFORM in page) is sees


def test_a_project_is_for_its_members_and_for_those_who_manage_the_offering(ask, lab):
    for who in PEOPLE:
        listed, one, page = ask(who)
        sees = who != "stranger"
        for answer in (listed, one):
            assert [answer[key] is not None for key in PROJECT] == [sees] * 3, (who, answer)
        assert ("Quiet project" in page) is sees
    # It moves to another organization: its members see it now, and the ones before do not.
    other = make.organization("Other provider")
    db.session.add(Membership(user_id=lab["stranger"], organization=other, role="member"))
    db.session.get_one(Project, lab["project"]).organization_id = other.id
    db.session.commit()
    seen = {who: ask(who)[1]["project_name"] is not None for who in PEOPLE}
    assert seen == {"stranger": True, "member": False, "manager": True, "staff": True}


def test_a_scope_is_for_those_who_manage_the_offering(ask, lab):
    for who in PEOPLE:
        listed, one, page = ask(who)
        sees = who in ("manager", "staff")
        for answer in (listed, one):
            assert [key in answer for key in SCOPE] == [sees] * 5, who
        assert ("Vacuum lost" in page) is sees, who


def test_what_the_offering_says_of_itself_goes_with_it(ask, lab):
    for who in PEOPLE:
        listed, one, page = ask(who)
        for answer in (listed, one):
            assert answer["customer_name"] == "Provider"
            assert answer["category_title"] == "Category of Child"
            assert answer["compliance_checklist"] == "https://lists.example.org/checklist/7/"
            assert answer["has_compliance_requirements"] is True
        assert "Provider" in page
        assert "Category of Child" in page


def test_groups_and_plans_for_groups_are_for_those_in_one_of_them(ask, lab):
    child = db.session.get_one(Offering, lab["child"])
    circle = make.group("Inner circle")
    make.plan(child, "For everybody")
    make.plan(child, "For the circle", groups=(circle,))
    for who in PEOPLE:
        listed, one, page = ask(who)
        sees = who in ("manager", "staff")
        for answer in (listed, one):
            assert ["For everybody" in json.dumps(answer), "For the circle" in json.dumps(answer)] == [True, sees], who
            assert ("Inner circle" in json.dumps(answer)) is sees
        assert ("For the circle" in page) is sees, who
    child.organization_groups.append(circle)
    rewrite(child)
    for who in PEOPLE:
        found = ask(who)
        assert (found is not None) is (who in ("manager", "staff")), who
        if found is not None:
            assert [it["name"] for it in found[0]["organization_groups"]] == ["Inner circle"]


def test_documents_with_references_are_marked(lab):
    marks = dict(db.session.execute(db.select(OfferingDocument.offering_id, OfferingDocument.restricted)).all())
    assert marks == {lab["child"]: True, lab["platform"]: False}
