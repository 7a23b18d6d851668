"""Puts the HTML face into the application."""

from __future__ import annotations

from typing import Any

from flask import Flask
from jinja2 import StrictUndefined

from portal.extensions import csrf, settings
from portal.localization import register_localization
from portal.web import (
    accounts,
    bookings,
    catalogue,
    confirm,
    email_change,
    feeds,
    google,
    hours,
    language,
    manage,
    moving,
    new_offerings,
    notifications,
    offerings,
    price_list,
    registration,
    requests,
    rules,
    staff,
    styleguide,
    timeline,
)
from portal.web.assets import FONTS, HTMX, present, register_assets, static_url
from portal.web.filters import register_filters
from portal.web.guards import limit_writes
from portal.web.headers import register_headers
from portal.web.links import url_with
from portal.web.people import account_language, register_people, waiting_requests
from portal.web.script_texts import script_texts

FACES = (
    *(catalogue, timeline, accounts, bookings, moving, feeds, requests, manage, offerings, hours, rules),
    *(registration, confirm, email_change, staff, google, language, new_offerings, price_list, styleguide),
)


def register(app: Flask) -> None:
    """Register the blueprints of the pages and the template filters."""
    app.config["CURRENCY"] = app.extensions["portal.settings"].currency
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.add_template_global(static_url)
    app.add_template_global(url_with)
    app.add_template_global(script_texts)
    register_localization(app, account_language)
    register_filters(app)
    register_headers(app)
    register_assets(app)
    register_people(app)
    app.before_request(limit_writes)
    for face in (*FACES, notifications):
        app.register_blueprint(face.blueprint)
    # Google sends a channel's token, and no form.
    csrf.exempt(notifications.blueprint)
    # It checks the form's token itself, except where a mail program unsubscribes.
    csrf.exempt(registration.mail_off)

    @app.context_processor
    def _common() -> dict[str, Any]:
        return {
            "site_name": settings().site_name,
            "section": "",
            "problems": (),
            "problems_intro": "",
            "waiting_requests": waiting_requests,
            "fonts": [font for font in FONTS if present(font)],
            "htmx": present(HTMX),
        }
