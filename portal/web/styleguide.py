"""The styleguide for staff: every piece that pages are made of, in all tones and states."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.web.forms import NewPasswordForm, RegistrationForm, problems_of
from portal.web.guards import staff_only

blueprint = Blueprint("styleguide", __name__, url_prefix="/styleguide")

TONES = ("info", "good", "warn", "bad")
CHIPS = ("idle", "busy", *TONES)


@blueprint.get("/")
@staff_only
def styleguide() -> ResponseReturnValue:
    """Notices, errors, the confirmation, buttons, chips, tables and forms."""
    return render_template(
        "manage/styleguide.html",
        tones=TONES,
        chips=CHIPS,
        form=RegistrationForm(formdata=None),
        refused=_refused_form(),
    )


@blueprint.get("/errors/")
@staff_only
def errors() -> ResponseReturnValue:
    """A refused form: the summary, the title and the fields."""
    form = _refused_form()
    return render_template("manage/styleguide_errors.html", form=form, problems=problems_of(form))


@blueprint.get("/confirm/")
@staff_only
def confirm() -> ResponseReturnValue:
    """The question before something that can't be undone. Its button leads back."""
    return render_template(
        "confirm.html",
        section="manage",
        question=_("Delete the example?"),
        consequences=[_("Say here what follows. You can't undo this.")],
        action=url_for("styleguide.styleguide"),
        verb="",
        danger=True,
        back=url_for("styleguide.styleguide"),
    )


def _refused_form() -> NewPasswordForm:
    form = NewPasswordForm(formdata=None, prefix="refused-")
    form.new.errors = [_("Enter a password.")]
    form.again.errors = [_("Enter the password a second time.")]
    return form
