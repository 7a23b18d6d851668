"""Changing one's own e-mail address: the form, and the page of the link that is mailed to the new address."""

from __future__ import annotations

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.errors import Invalid, NotFound
from portal.services import email_change as services
from portal.web.confirm import confirmed
from portal.web.errors import problem, too_early
from portal.web.forms import AddressForm, problems_of, put_error
from portal.web.guards import signed_in
from portal.web.people import current_actor

blueprint = Blueprint("email_change", __name__)


@blueprint.route("/account/email/", methods=["GET", "POST"])
@signed_in
@confirmed
def ask() -> ResponseReturnValue:
    """Ask for a link to the new address."""
    form = AddressForm()
    refused: Invalid | None = None
    if form.validate_on_submit():
        try:
            services.ask_for_email(current_actor(), form.email.data, request.remote_addr or "")
        except Invalid as error:
            put_error(form, error, default="email")
            refused = error
        else:
            flash(
                _("Check the mail of the new address. Your address changes when you open the link and confirm."), "good"
            )
            return redirect(url_for("accounts.account"), code=303)
    page = render_template(
        "accounts/address.html",
        form=form,
        title=_("Change your e-mail address"),
        says=_("You get a link at the new address. Nothing changes until you open it."),
        action=url_for("email_change.ask"),
        problems=problems_of(form),
        problems_intro=_("No link was mailed. Check:"),
        back=(url_for("accounts.account"), _("Back to your account")),
    )
    response = make_response(page, 400 if form.is_submitted() else 200)
    return too_early(response, refused) if refused else response


@blueprint.route("/email/<link>/", methods=["GET", "POST"])
@signed_in
def change(link: str) -> ResponseReturnValue:
    """Take the address of a mailed link. Asks first: opening it changes nothing."""
    actor = current_actor()
    try:
        if request.method == "POST":
            services.change_email(actor, link)
            flash(_("Your e-mail address was changed."), "good")
            return redirect(url_for("accounts.account"), code=303)
        email = services.asked_email(actor, link)
    except NotFound:
        return problem(
            400,
            title=_("This link has expired"),
            message=_("It was used, replaced by a newer link, or belongs to another account."),
            action=(url_for("email_change.ask"), _("Get a new link")),
        )
    except Invalid as error:
        return problem(400, message=error.message, action=(url_for("email_change.ask"), _("Choose another address")))
    page = render_template(
        "confirm.html",
        section="accounts",
        question=_("Change your e-mail address to %(email)s?", email=email),
        consequences=[
            _("You sign in with the new address, and mail goes there. Your old address gets a message about it.")
        ],
        action=url_for("email_change.change", link=link),
        verb=_("Change address"),
        danger=False,
        back=url_for("accounts.account"),
    )
    response = make_response(page)
    # The address is the secret. The host may be told: over https the form is refused without.
    response.headers["Referrer-Policy"] = "strict-origin"
    response.headers["Cache-Control"] = "no-store"
    return response
