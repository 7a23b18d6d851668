"""Accounts by mailed links: register, forget a password, accept an invitation; and switching a kind of mail off.

Opening a link changes nothing: each leads to a page with a form.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_user

from portal.domain import passwords
from portal.domain.http_headers import NO_STORE_NO_TRANSFORM
from portal.domain.mail import GROUPS
from portal.domain.messages import Message
from portal.errors import Forbidden, Invalid, NotFound, TooManyAttempts
from portal.extensions import csrf, settings
from portal.localization import localized
from portal.mail.compose import read_unsubscribe_token
from portal.services import mail, registration
from portal.web.errors import problem, too_early
from portal.web.forms import AddressForm, NewPasswordForm, Problem, RegistrationForm, problems_of, put_error
from portal.web.guards import public
from portal.web.people import start_session

blueprint = Blueprint("registration", __name__)

SENT = Message("Check your e-mail. If the address is right, you get a link within a few minutes.")


@blueprint.route("/register/", methods=["GET", "POST"])
@public
def register() -> ResponseReturnValue:
    """Ask for an account, where people may make one by themselves."""
    if settings().sign_up != "open":
        raise Forbidden(Message("Staff create accounts."))
    return _ask(
        _("Create an account"),
        _("You get a link by mail to choose a password."),
        url_for("registration.register"),
        registration.ask_to_register,
    )


@blueprint.route("/password/", methods=["GET", "POST"])
@public
def forgotten() -> ResponseReturnValue:
    """Ask for a link with which a new password is chosen."""
    return _ask(
        _("Choose a new password"),
        _("You get a link by mail to choose a new password."),
        url_for("registration.forgotten"),
        registration.ask_for_password,
    )


@blueprint.route("/register/<link>/", methods=["GET", "POST"])
@public
def finish(link: str) -> ResponseReturnValue:
    """Make the account that a mailed link is for."""
    form = RegistrationForm()
    email = _email_of(link, ("register",))
    if not email:
        return _gone((url_for("registration.register"), _("Get a new link")))
    if form.validate_on_submit():
        try:
            user = registration.finish_registration(link, form.full_name.data, form.new.data)
        except Invalid as error:
            put_error(form, error, default="new")
        else:
            start_session(user, login_user)
            flash(_("Your account is created, and you are signed in."), "good")
            return redirect(url_for("catalogue.index"), code=303)
    return _chosen(form, email, _("Finish your account"), url_for("registration.finish", link=link))


@blueprint.route("/password/<link>/", methods=["GET", "POST"])
@public
def choose(link: str) -> ResponseReturnValue:
    """Choose a password with a mailed link."""
    form = NewPasswordForm()
    email = _email_of(link, ("password", "invite"))
    if not email:
        return _gone((url_for("registration.forgotten"), _("Get a new link")))
    if form.validate_on_submit():
        try:
            user = registration.set_password_by_link(link, form.new.data)
        except Invalid as error:
            put_error(form, error, default="new")
        else:
            start_session(user, login_user)
            flash(_("Your password is set. All other sessions are signed out."), "good")
            return redirect(url_for("catalogue.index"), code=303)
    says = _("This signs you out everywhere else, and ends the API tokens and calendar links of your account.")
    return _chosen(form, email, _("Choose a password"), url_for("registration.choose", link=link), says)


@blueprint.route("/mail/off/<token>/", methods=["GET", "POST"])
@public
def mail_off(token: str) -> ResponseReturnValue:
    """Switch off the kind of mail that a link in it names: asks first.

    A mail program may do it with one click (RFC 8058), without a cookie and without a form of ours: for that body
    alone the CSRF token is not needed. The link itself is what only the recipient has.
    """
    one_click = request.method == "POST" and request.form.to_dict(flat=False) == {"List-Unsubscribe": ["One-Click"]}
    if not one_click:
        csrf.protect()
    found = read_unsubscribe_token(settings(), token)
    if found is None or found[1] not in GROUPS:
        raise NotFound("Link")
    if request.method == "POST":
        mail.unsubscribe(*found)
        if one_click:
            return Response("This kind of mail is switched off.\n", mimetype="text/plain")
        flash(_("You no longer get this kind of mail. You can turn it on again on your account page."), "good")
        return redirect(url_for("catalogue.index"), code=303)
    return render_template(
        "confirm.html",
        section="accounts",
        question=_("Unsubscribe from this kind of mail?"),
        consequences=[GROUPS[found[1]]],
        action=url_for("registration.mail_off", token=token),
        verb=_("Unsubscribe"),
        danger=False,
        back=url_for("catalogue.index"),
    )


def _ask(title: str, says: str, action: str, ask: Callable[[str, str], None]) -> ResponseReturnValue:
    form = AddressForm()
    refused: TooManyAttempts | None = None
    if form.validate_on_submit():
        try:
            ask(form.email.data, request.remote_addr or "")
        except TooManyAttempts as error:
            refused = error
        except Invalid as error:
            put_error(form, error, default="email")
        else:
            flash(localized(SENT), "good")
            return redirect(url_for("accounts.sign_in"), code=303)
    page = render_template(
        "accounts/address.html",
        form=form,
        title=title,
        says=says,
        action=action,
        problems=[Problem("email", refused.message)] if refused else problems_of(form),
        problems_intro=_("No link was mailed. Check:"),
        back=(url_for("accounts.sign_in"), _("Back to sign in")),
    )
    response = make_response(page, 400 if form.is_submitted() else 200)
    return too_early(response, refused) if refused else response


def _email_of(link: str, purposes: tuple[str, ...]) -> str:
    """Whose link it is; "" where it has been used, or has ended."""
    try:
        return registration.link_email(link, purposes)
    except NotFound:
        return ""


def _gone(action: tuple[str, str]) -> ResponseReturnValue:
    return problem(400, title=_("This link has expired"), message=registration.GONE, action=action)


def _chosen(form: NewPasswordForm, email: str, title: str, action: str, says: str = "") -> ResponseReturnValue:
    page = render_template(
        "accounts/choose.html",
        form=form,
        email=email,
        title=title,
        action=action,
        says=says,
        password_help=passwords.HELP,
        problems=problems_of(form),
    )
    response = make_response(page, 400 if form.is_submitted() else 200)
    # The address is the secret. The host may be told: over https the form is refused without.
    response.headers["Referrer-Policy"] = "strict-origin"
    response.headers["Cache-Control"] = NO_STORE_NO_TRANSFORM
    return response
