"""The texts that scripts show, in the reader's language: put on the page by base.html, read by static/js/texts.js."""

from __future__ import annotations

from flask_babel import gettext as _


def script_texts() -> dict[str, str]:
    """Key -> text. Parameters stay in the text for the script to fill."""
    return {
        "date": _("Enter the whole date: day, month and year."),
        "datetime-local": _("Enter the whole date and time."),
        "time": _("Enter the whole time of day."),
        "number": _("Enter a number."),
        "unreadable": _("This can't be read."),
        "required": _("This is required."),
        "least": _("Enter %(number)s or more.", number="%(number)s"),
        "most": _("Enter %(number)s or less.", number="%(number)s"),
        "own_time": _("%(period)s your time (%(zone)s)", period="%(period)s", zone="%(zone)s"),
    }
