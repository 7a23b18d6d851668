"""The language of pages: how it is chosen, and texts, dates and numbers in it."""

import pickle
import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import flask_babel
import pytest
from flask import render_template_string

from portal.calendar_sync.errors import ProviderError
from portal.domain.browsers import browser_text
from portal.domain.messages import Message, Plural
from portal.domain.order_form import display_answers
from portal.domain.periods import Period
from portal.domain.zones import date_text, duration_text, instant_text, period_text
from portal.errors import Invalid
from portal.localization import collation_key, current_language, gettext, in_language, localized
from portal.schema import checks, links
from portal.services.accounts import clean_email
from portal.services.sign_in import SIGN_IN_FAILED
from portal.web.booking_form import clocks

TALLINN = ZoneInfo("Europe/Tallinn")
START = datetime(2026, 11, 24, 7, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9", "de"),
        ("sv,fi;q=0.7,en;q=0.3", "fi"),
        ("zh", "en"),
        ("*", "en"),
        ("de;q=0, fr;q=0.5", "fr"),
        ("en-XA", "en"),
        ("\xff;;q=x", "en"),
    ],
)
def test_without_a_choice_the_browser_decides(client, header, language):
    answer = client.get("/", headers={"Accept-Language": header})
    assert f'<html lang="{language}" dir="ltr">' in answer.text
    assert {"Cookie", "Accept-Language"} <= {it.strip() for it in answer.headers["Vary"].split(",")}


def test_a_choice_is_kept_in_a_cookie_and_leads_back(client):
    answer = client.get("/language/et/?next=/timeline/")
    assert (answer.status_code, answer.location) == (303, "/timeline/")
    assert '<html lang="et"' in client.get("/", headers={"Accept-Language": "de"}).text


@pytest.mark.parametrize("next_page", ["//evil.example", "https://evil.example/", "javascript:alert(1)", ""])
def test_a_choice_leads_nowhere_else(client, next_page):
    assert client.get("/language/et/", query_string={"next": next_page}).location == "/"


def test_an_unknown_language_is_not_found(client):
    assert client.get("/language/xx/").status_code == 404
    assert client.get("/language/en-XA/").status_code == 404


def test_the_account_decides_before_the_cookie(visitor, world):
    member = visitor("member")
    member.get("/language/fr/")
    assert '<html lang="fr"' in member.get("/").text
    member.post("/language/fi/", page="/")
    member.get("/language/fr/")
    assert '<html lang="fi"' in member.get("/", headers={"Accept-Language": "de"}).text
    assert '<html lang="fi"' in visitor("member").get("/").text


def test_a_copy_in_one_language_is_not_current_in_another(client):
    english = client.get("/")
    again = client.get("/", headers={"If-None-Match": english.headers["ETag"], "Accept-Language": "de"})
    assert again.status_code == 200


@pytest.mark.parametrize(
    "template",
    [
        '{{ _("Closed: %(period)s.", period=what) }}',
        "{% trans period=what %}Closed: {{ period }}.{% endtrans %}",
        '{{ ngettext("%(num)s: %(period)s", "%(num)s: %(period)s", 1, period=what) }}',
    ],
)
def test_parameters_in_templates_follow_the_language(app, template):
    with app.test_request_context(headers={"Accept-Language": "de"}):
        shown = render_template_string(template, what=duration_text(timedelta(days=2)))
    assert "2 Tage" in shown


def test_parameters_in_views_follow_the_language(app):
    length = duration_text(timedelta(days=2))
    with app.test_request_context(headers={"Accept-Language": "de"}):
        texts = [
            flask_babel.gettext("Closed: %(period)s.", period=length),
            flask_babel.ngettext("%(num)s: %(period)s", "%(num)s: %(period)s", 1, period=length),
            gettext("Closed: %(period)s.", period=length),
        ]
    assert all("2 Tage" in it for it in texts), texts


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("Firefox on Linux", "Firefox unter Linux"),
        ("Unknown browser on Linux", "Unbekannter Browser unter Linux"),
        ("Unknown browser", "Unbekannter Browser"),
        ("", "Unbekannter Browser"),
        ("Opera", "Opera"),
    ],
)
def test_names_of_browsers_follow_the_language(app, stored, shown):
    with app.app_context(), in_language("de"):
        assert localized(browser_text(stored)) == shown


def test_answers_to_order_forms_follow_the_language(app):
    options = {"order": ["agree"], "options": {"agree": {"type": "boolean", "label": "Zustimmung"}}}
    with app.app_context(), in_language("de"):
        shown = [
            localized(text) for answer in (True, False) for _label, text in display_answers(options, {"agree": answer})
        ]
    assert shown == ["ja", "nein"]


@pytest.mark.parametrize(
    ("refuse", "error", "shown"),
    [
        (lambda: clean_email("anna"), Invalid, "Das ist keine E-Mail-Adresse: "),
        (lambda: checks.instant("2026-01-01"), checks.InvalidValue, "ist ein Datum ohne Uhrzeit"),
        (lambda: links.link()("foo"), checks.InvalidValue, "http oder https"),
    ],
)
def test_reasons_inside_reasons_follow_the_language(app, refuse, error, shown):
    with pytest.raises(error) as refused:
        refuse()
    with app.app_context(), in_language("de"):
        text = localized(refused.value.args[0])
    assert shown in text
    assert not re.search(r"\b(an|the|has|is|or)\b", text)


def test_stored_reasons_and_refusals_of_services_follow_the_language(app):
    sentences = {it.sentence for it in (ProviderError, *subclasses(ProviderError))}
    with app.app_context(), in_language("de"):
        untranslated = [it for it in sentences if localized(Message(it)) == it]
        assert localized(SIGN_IN_FAILED) == "Die E-Mail-Adresse oder das Passwort ist falsch."
    assert untranslated == []


def subclasses(base):
    for it in base.__subclasses__():
        yield it
        yield from subclasses(it)


def test_the_utc_times_of_a_booking_follow_the_language(app):
    with app.app_context(), in_language("de"):
        shown = clocks(Period(START, START + timedelta(hours=2)), TALLINN)["utc"]
    assert shown == "Di., 24. Nov. 2026, 07:05–09:05 UTC"


def test_dates_and_lengths_follow_the_language(app):
    texts = [
        date_text(date(2026, 11, 24)),
        instant_text(START, TALLINN),
        period_text(Period(START, START + timedelta(hours=2)), TALLINN),
        duration_text(timedelta(hours=1, minutes=30)),
        duration_text(timedelta(days=2)),
    ]
    with app.app_context():
        assert [localized(it) for it in texts] == [
            "Tue 24 Nov 2026",
            "Tue 24 Nov 2026, 09:05 (Europe/Tallinn)",
            "Tue 24 Nov 2026, 09:05–11:05",
            "1 hour and 30 minutes",
            "2 days",
        ]
        with in_language("de"):
            assert [localized(it) for it in texts] == [
                "Di., 24. Nov. 2026",
                "Di., 24. Nov. 2026, 09:05 (Europe/Tallinn)",
                "Di., 24. Nov. 2026, 09:05–11:05",
                "1 Stunde und 30 Minuten",
                "2 Tage",
            ]
        assert current_language() == "en"


def test_messages_are_english_until_they_are_shown(app):
    app.config["PSEUDO_LANGUAGES"] = True
    closed = Message("Closed: %(period)s.", period=date_text(date(2026, 11, 24)))
    hours = Plural("%(number)s hour", "%(number)s hours", 1200)
    assert (closed, hours) == ("Closed: Tue 24 Nov 2026.", "1,200 hours")
    with app.app_context(), in_language("en-XA"):
        assert localized(closed) == "[Çlöšéd: Tue, 24 Nov 2026. ẋẋẋ]"
        assert localized(pickle.loads(pickle.dumps(hours))) == "[1,200 höûrš ẋẋẋ]"
    del app.config["PSEUDO_LANGUAGES"]


def test_names_sort_by_the_alphabet_of_the_language(app):
    names = ["Zoo", "Ölmaschine", "Oval", "Äkta", "Apfel", "Uhr", "Vaakum", "Šokk", "Sool", "Žurnaal", "Täht"]
    with app.app_context():
        expected = {
            "de": "Äkta Apfel Ölmaschine Oval Šokk Sool Täht Uhr Vaakum Zoo Žurnaal",
            "et": "Apfel Oval Sool Šokk Zoo Žurnaal Täht Uhr Vaakum Äkta Ölmaschine",
        }
        for language, order in expected.items():
            with in_language(language):
                assert sorted(names, key=collation_key) == order.split()
