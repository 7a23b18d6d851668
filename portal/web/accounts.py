"""Signing in and out, and a person's own page: profile, password, API tokens."""

from __future__ import annotations

import re
import uuid as uuidlib
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_user, logout_user

from portal.domain import passwords
from portal.domain.http_headers import NO_STORE_NO_TRANSFORM
from portal.domain.mail import GROUPS
from portal.domain.messages import Message, Plural
from portal.domain.refusals import ALL_TIME
from portal.errors import Invalid, NotFound
from portal.extensions import settings
from portal.models.base import utcnow
from portal.queries import accounts as queries
from portal.services import accounts as services
from portal.services import mail, sessions
from portal.services import sign_in as sign_in_service
from portal.services.accounts import NewToken
from portal.web.confirm import confirmed
from portal.web.errors import too_early
from portal.web.forms import (
    INCOMPLETE,
    ROLE_NAMES,
    PasswordForm,
    Problem,
    SignInForm,
    TokenForm,
    problems_of,
    put_error,
)
from portal.web.guards import public, signed_in
from portal.web.kept_forms import fields_carried, fields_to_resume
from portal.web.links import local_path
from portal.web.people import current_actor, end_session, known_browser, remember_browser, start_session

blueprint = Blueprint("accounts", __name__)

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


@blueprint.route("/login", methods=["GET", "POST"])
@public
def sign_in() -> ResponseReturnValue:
    """The sign-in form. Afterwards people go where they were going, within this portal only."""
    onward = local_path(request.args.get("next"))
    if request.method != "POST" and current_user.is_authenticated:
        return redirect(onward or url_for("catalogue.index"), code=303)
    form, code = SignInForm(), 200
    refused: Invalid | None = None
    if form.validate_on_submit():
        try:
            user = sign_in_service.sign_in(
                form.email.data, form.password.data, request.remote_addr or "", browser=known_browser()
            )
        except Invalid as error:
            refused, code = error, 400
        else:
            kept = fields_to_resume() if onward else []
            start_session(user, login_user)
            if kept:
                return render_template("accounts/resume.html", action=onward, fields=kept)
            return redirect(onward or url_for("catalogue.index"), code=303)
    elif form.is_submitted():
        code = 400
    response = make_response(
        render_template(
            "accounts/sign_in.html",
            form=form,
            problems=[Problem("email", refused.message)] if refused else problems_of(form),
            problems_intro=_("You are not signed in. Check:"),
            next=onward,
            carried=fields_carried(),
            sign_up=settings().sign_up == "open",
        ),
        code,
    )
    return too_early(response, refused) if refused else response


@blueprint.post("/logout")
@public
def sign_out() -> ResponseReturnValue:
    """End this session."""
    end_session()
    logout_user()
    flash(_("You are signed out."), "good")
    response = redirect(url_for("catalogue.index"), code=303)
    # Pages of the catalogue are kept by browsers. (Cookies would be those of other portals on this host, too.)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@blueprint.get("/account/")
@signed_in
def account() -> ResponseReturnValue:
    """The person's own page."""
    return _account_page()


@blueprint.get("/account/<any(password, tokens):form>/")
@signed_in
def account_form(form: str) -> ResponseReturnValue:
    """The address that a refused form leaves in the browser, asked for anew, leads back to the form."""
    return redirect(f"{url_for('accounts.account')}#{form}", code=303)


@blueprint.post("/account/password/")
@signed_in
def change_password() -> ResponseReturnValue:
    """Change the password. Every other session ends; this one goes on."""
    form = PasswordForm()
    if not form.validate_on_submit():
        return _account_page(password_form=form, code=400)
    try:
        sign_in_service.change_password(
            current_actor(),
            form.current.data,
            form.new.data,
            request.remote_addr or "",
            browser=known_browser(),
            end_access=form.end_access.data,
        )
    except Invalid as error:
        put_error(form, error, default="new")
        return too_early(_account_page(password_form=form, code=400), error)
    user = queries.find_user(current_user.email)
    if user is None:
        raise NotFound("User")
    start_session(user, login_user)
    flash(_("Your password was changed. All other sessions are signed out."), "good")
    return redirect(url_for("accounts.account"), code=303)


@blueprint.post("/account/sessions/<digest>/end/")
@signed_in
def end_session_elsewhere(digest: str) -> ResponseReturnValue:
    """Sign one browser out."""
    if not _DIGEST.fullmatch(digest):
        raise NotFound("Session")
    sessions.end_session(current_actor(), bytes.fromhex(digest))
    flash(_("The browser is signed out."), "good")
    return redirect(f"{url_for('accounts.account')}#sessions", code=303)


@blueprint.post("/account/sessions/end/")
@signed_in
def end_other_sessions() -> ResponseReturnValue:
    """Sign all other browsers out."""
    remember_browser(sessions.end_other_sessions(current_actor(), current_user.get_id()))
    flash(_("All other browsers are signed out."), "good")
    return redirect(f"{url_for('accounts.account')}#sessions", code=303)


@blueprint.post("/account/mail/")
@signed_in
def mail_wanted() -> ResponseReturnValue:
    """Keep which kinds of mail the person wants, of those whose boxes the form had (`shown`)."""
    wanted, shown = set(request.form.getlist("wanted")), set(request.form.getlist("shown"))
    if not shown or not wanted <= shown <= GROUPS.keys():
        # Without its boxes a form would switch everything off.
        raise Invalid(INCOMPLETE)
    kept = {group for group in queries.mail_off(current_actor()) if group not in shown}
    mail.set_unsubscribed_groups(current_user.user_id, [group for group in GROUPS if group in kept | (shown - wanted)])
    flash(_("Your mail settings are saved."), "good")
    return redirect(f"{url_for('accounts.account')}#mail", code=303)


@blueprint.post("/account/tokens/")
@signed_in
@confirmed
def create_token() -> ResponseReturnValue:
    """Make an API token and show it, this once: the answer is never kept anywhere."""
    form = TokenForm(may_be_endless=_may_be_endless())
    if not form.validate_on_submit():
        return _account_page(token_form=form, code=400)
    try:
        token = services.create_token(
            current_actor(),
            current_user.user_id,
            form.name.data,
            expires=_end_of(form.expires.data),
            endless=form.never.data,
        )
    except Invalid as error:
        put_error(form, error, default="name")
        return _account_page(token_form=form, code=400)
    return _account_page(new_token=token, code=201)


@blueprint.route("/account/tokens/<uuid:uuid>/revoke/", methods=["GET", "POST"])
@signed_in
def revoke_token(uuid: uuidlib.UUID) -> ResponseReturnValue:
    """Ask, then revoke one's own token."""
    actor = current_actor()
    token = next((token for token in queries.tokens_of(actor) if token.uuid == uuid), None)
    if request.method == "POST":
        # Staff may revoke a token of somebody else, too.
        services.revoke_token(actor, uuid)
        flash(_("The token “%(name)s” is revoked.", name=token.name) if token else _("The token is revoked."), "good")
        return redirect(f"{url_for('accounts.account')}#tokens", code=303)
    if token is None:
        raise NotFound("Token")
    return render_template(
        "confirm.html",
        section="accounts",
        question=_("Revoke the token “%(name)s”?", name=token.name),
        consequences=[_("Programs that use it lose access at once. You can't undo this.")],
        action=url_for("accounts.revoke_token", uuid=uuid),
        verb=_("Revoke token"),
        danger=True,
        back=url_for("accounts.account"),
    )


def _zone() -> str:
    return settings().timezone


def _may_be_endless() -> bool:
    """Whether tokens may be made that never expire."""
    return not settings().token_days


def _usual_last_day() -> date:
    """What the form offers: TOKEN_DAYS from now, a year where tokens may be endless."""
    return datetime.now(ZoneInfo(_zone())).date() + timedelta(days=settings().token_days or 365)


def _expires_help(token_days: int) -> str:
    if not token_days:
        return Message("The token works until the end of this day.")
    return Plural(
        "The token works until the end of this day, at most %(number)s day from now.",
        "The token works until the end of this day, at most %(number)s days from now.",
        token_days,
    )


def _end_of(day: date | None) -> datetime | None:
    if day is None:
        return None
    if not ALL_TIME.start.year < day.year < ALL_TIME.end.year:
        raise Invalid(Message("Choose a day before the year %(year)s.", year=ALL_TIME.end.year), "expires")
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(_zone()))


def _account_page(
    *,
    token_form: TokenForm | None = None,
    password_form: PasswordForm | None = None,
    new_token: NewToken | None = None,
    code: int = 200,
) -> Response:
    actor = current_actor()
    response = make_response(
        render_template(
            "accounts/account.html",
            person=current_user,
            roles=[(ROLE_NAMES[it.role], it.organization_name) for it in queries.roles_of(actor)],
            tokens=queries.tokens_of(actor),
            sessions=queries.sessions_of(actor, utcnow() - sessions.SESSION_LASTS),
            this_session=services.token_digest(current_user.get_id()),
            # Two forms share the page: only the one that was sent is filled from the request.
            token_form=token_form
            or TokenForm(formdata=None, expires=_usual_last_day(), may_be_endless=_may_be_endless()),
            token_days=settings().token_days,
            expires_help=_expires_help(settings().token_days),
            password_form=password_form or PasswordForm(formdata=None),
            problems=[it for form in (token_form, password_form) if form for it in problems_of(form)],
            password_help=passwords.HELP,
            new_token=new_token,
            mail_groups=GROUPS,
            mail_off=queries.mail_off(actor),
            now=utcnow(),
            zone=_zone(),
        ),
        code,
    )
    response.headers["Cache-Control"] = NO_STORE_NO_TRANSFORM
    return response
