"""Pictures and files are for those who see an offering that names them, whoever was given the address before."""

import pytest
from sqlalchemy import select

from portal.documents import store as documents
from portal.extensions import db
from portal.models import Membership, Offering, OfferingFile, media_uses
from portal.policies import SYSTEM
from portal.services.media import store_media
from tests.support import builders as make
from tests.web.conftest import PASSWORD, Visitor

PEOPLE = ("nobody", "stranger", "member", "manager", "staff")


@pytest.fixture
@make.together()
def lab(db_session):
    """An offering with a picture, a manual and a picture in its description, and people."""
    provider = make.organization("Provider")
    kept = {name: store_media(SYSTEM, name, "image/png", name.encode()) for name in ("picture", "manual", "inline")}
    link = {name: f"/api/media/{it.uuid}/" for name, it in kept.items()}
    offering = make.offering(
        "Microscope", of=provider, image=link["picture"], full_description=f"<img src='{link['inline']}'>"
    )
    make.add(OfferingFile(offering_id=offering.id, name="Manual", file=link["manual"]))
    rewrite(offering)
    users = {who: make.user(f"{who}@example.org", staff=who == "staff", password=PASSWORD) for who in PEOPLE[1:]}
    for who in ("member", "manager"):
        make.role(users[who], provider, who)
    keys = {who: make.token(user) for who, user in users.items()}
    db.session.commit()
    return {
        "offering": offering.id,
        "links": link,
        "users": {who: user.id for who, user in users.items()},
        "tokens": {who: {"Authorization": f"Token {key}"} for who, key in keys.items()} | {"nobody": {}},
    }


def rewrite(offering):
    documents.refresh(db.session(), [offering.id])
    db.session.commit()


def change(lab, **values):
    offering = db.session.get_one(Offering, lab["offering"])
    for name, value in values.items():
        setattr(offering, name, value)
    rewrite(offering)
    return offering


@pytest.fixture
def ask(app, lab):
    """`ask(who)`: the statuses with a token and in a browser, which must be the same for every picture."""
    browsers = {}

    def ask(who):
        if who not in browsers:
            browsers[who] = Visitor(app.test_client())
            if who != "nobody":
                browsers[who].sign_in(who)
        answers = [
            client.get(link, headers=headers, buffered=True)
            for link in lab["links"].values()
            for client, headers in ((app.test_client(), lab["tokens"][who]), (browsers[who], {}))
        ]
        for it in answers:
            if it.status_code != 200:
                assert it.json == {"detail": "No File matches the given query."}
        [status] = {it.status_code for it in answers}
        return status == 200, {it.headers["Cache-Control"] for it in answers}

    return ask


def seen_by(ask):
    return {who for who in PEOPLE if ask(who)[0]}


def test_everybody_has_what_an_offering_shows_to_everybody(ask, lab):
    assert seen_by(ask) == set(PEOPLE)
    assert ask("nobody")[1] == {"public, max-age=300"}
    assert {str(it) for it in db.session.scalars(select(media_uses.c.media_uuid))} == {
        link.split("/")[3] for link in lab["links"].values()
    }


@pytest.mark.parametrize(
    ("values", "people"),
    [
        ({"state": "Draft"}, {"manager", "staff"}),
        ({"state": "Archived"}, {"manager", "staff"}),
        ({"shared": False}, {"member", "manager", "staff"}),
    ],
)
def test_they_are_hidden_with_the_offering(ask, lab, values, people):
    assert seen_by(ask) == set(PEOPLE)
    change(lab, **values)
    assert seen_by(ask) == people
    # What only some may see stays in no cache.
    assert ask("manager")[1] == {"no-store"}


def test_members_of_a_group_have_what_is_restricted_to_it(ask, lab):
    circle = make.group("Circle")
    inside = make.organization("Inside", (circle,))
    change(lab, organization_groups=[circle])
    assert seen_by(ask) == {"manager", "staff"}
    db.session.add(Membership(user_id=lab["users"]["stranger"], organization_id=inside.id, role="member"))
    db.session.commit()
    assert seen_by(ask) == {"stranger", "manager", "staff"}


def test_a_picture_of_two_offerings_is_for_those_who_see_one_of_them(ask, lab):
    change(lab, state="Draft")
    links = lab["links"]
    other = make.offering("Other", of=make.organization("Other provider"), full_description=" ".join(links.values()))
    assert seen_by(ask) == set(PEOPLE)
    other.full_description = ""
    rewrite(other)
    assert seen_by(ask) == {"manager", "staff"}
    # Named by no offering, it is nobody's secret.
    offering = change(lab, image=None, full_description="")
    for file in list(offering.files):
        db.session.delete(file)
    db.session.commit()
    rewrite(offering)
    assert db.session.scalars(select(media_uses)).all() == []
    assert seen_by(ask) == set(PEOPLE)


def test_the_page_of_a_draft_shows_its_picture_to_its_manager(app, lab):
    offering = change(lab, state="Draft")
    browser = Visitor(app.test_client()).sign_in("manager")
    link = lab["links"]["picture"]
    assert f'src="{link}"' in browser.get(f"/offerings/{offering.uuid}/").text
    answer = browser.get(link, buffered=True)
    assert (answer.status_code, answer.headers["Cross-Origin-Resource-Policy"]) == (200, "same-origin")
    etag = answer.headers["ETag"]
    assert browser.get(link, headers={"If-None-Match": etag}, buffered=True).status_code == 304
    change(lab, state="Archived", organization_id=make.organization("Another").id)
    assert browser.get(link, headers={"If-None-Match": etag}, buffered=True).status_code == 404


def test_links_are_found_in_any_form(lab):
    offering = db.session.get_one(Offering, lab["offering"])
    one, two, three = make.unknown(), make.unknown(), make.unknown()
    offering.getting_started = f"https://here.example/api/media/{one.hex.upper()}/ and /api/media/{two}"
    offering.attributes = {"guide": [f'<a href="/api/media/{three}/">']}
    rewrite(offering)
    known = set(db.session.scalars(select(media_uses.c.media_uuid)))
    assert {one, two, three} <= known
    # Written again without a change, nothing changes.
    assert documents.refresh(db.session(), [offering.id]) == 0
    assert set(db.session.scalars(select(media_uses.c.media_uuid))) == known
