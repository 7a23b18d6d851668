"""Forms that were sent after the session had ended: what was typed is kept through signing in.

The sign-in page carries the fields. After signing in, a page leads back to the form, which is then shown as it was
sent, and not carried out: another site may have sent it.
"""

from __future__ import annotations

from collections.abc import Sequence

from flask import request

# Views that show their form, and do nothing, where they are sent RESUMED.
RESUMABLE = frozenset({"bookings.book", "moving.move", "rules.edit", "hours.edit", "offerings.edit"})
RESUMED = "resumed"
_PREFIX = "kept-"

Fields = Sequence[tuple[str, str]]


def fields_to_keep() -> Fields:
    """The fields of a form that was sent by somebody who is not signed in, named as the sign-in page carries them."""
    if request.method != "POST" or request.endpoint not in RESUMABLE:
        return []
    return [(f"{_PREFIX}{name}", value) for name, value in request.form.items(multi=True) if name != "csrf_token"]


def fields_carried() -> Fields:
    """The fields that the sign-in page has carried, by the same names."""
    return [(name, value) for name, value in request.form.items(multi=True) if name.startswith(_PREFIX)]


def fields_to_resume() -> Fields:
    """The fields that the sign-in page has carried, by the names that their form gave them."""
    return [(name.removeprefix(_PREFIX), value) for name, value in fields_carried()]


def is_resumed() -> bool:
    """Whether the form comes from the page that leads back to it."""
    return RESUMED in request.form


def is_preview() -> bool:
    """Whether the form is to be shown as it would be saved, and not saved."""
    return "preview" in request.form or is_resumed()
