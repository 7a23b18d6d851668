"""The forms of the pages, and what pages have in common for refused forms. Rules are checked by the services."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, DateField, Field, Form, PasswordField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from portal.domain.messages import Message
from portal.domain.passwords import check_length
from portal.domain.texts import line_problem
from portal.errors import Invalid
from portal.localization import localized
from portal.models import Role

# The validator fills in `max`.
TOO_LONG = _("Use at most %(max)d characters.")
ROLE_NAMES: Mapping[str, str] = {
    Role.OWNER: _("Owner"),
    Role.MANAGER: _("Manager"),
    Role.MEMBER: _("Member"),
}


def one_line(_form: Form, field: Field) -> None:
    """Refuse what is not one line: a name or an address."""
    if problem := line_problem(field.data or ""):
        raise ValidationError(Message("This %(problem)s.", problem=problem))


def long_enough(_form: Form, field: Field) -> None:
    """Refuse a password that is too short or too long together with the form's other errors, and not after them."""
    try:
        check_length(field.data or "")
    except Invalid as error:
        raise ValidationError(error.message) from None


class DayField(DateField):
    """A date. What is not one is not written back into the field: browsers would show it empty anyway."""

    def _value(self) -> str:
        return self.data.isoformat() if self.data else ""


class SignInForm(FlaskForm):
    """E-mail address and password."""

    # No address is refused for what it is: the answer is the same for every one.
    email = StringField(
        _("E-mail address"), [InputRequired(_("Enter your e-mail address.")), Length(max=320, message=TOO_LONG)]
    )
    password = PasswordField(_("Password"), [InputRequired(_("Enter your password."))])


class TokenForm(FlaskForm):
    """A new API token: its name and the last day on which it works; or, where it `may_be_endless`, that it never ends.

    A browser sends a date that it cannot read as an empty one, so an empty date means nothing.
    """

    name = StringField(
        _("Name"), [InputRequired(_("Enter a name for the token.")), Length(max=100, message=TOO_LONG), one_line]
    )
    expires = DayField(_("Last day"), [Optional()])
    never = BooleanField(_("Never expires"))

    def __init__(self, *args: Any, may_be_endless: bool, **more: Any) -> None:
        super().__init__(*args, **more)
        self.may_be_endless = may_be_endless
        self.expires.flags.required = not may_be_endless

    def validate(self, extra_validators: object = None) -> bool:
        valid = bool(super().validate(extra_validators))
        if self.expires.data is None and not (self.never.data and self.may_be_endless):
            missing = _("Choose the last day, or select “Never expires”.")
            self.expires.errors = [missing if self.may_be_endless else _("Choose the last day.")]
            return False
        return valid


class PasswordForm(FlaskForm):
    """The current password, and the new one twice."""

    current = PasswordField(_("Current password"), [InputRequired(_("Enter your current password."))])
    new = PasswordField(_("New password"), [InputRequired(_("Enter a new password.")), long_enough])
    again = PasswordField(_("Confirm new password"), [InputRequired(_("Enter the new password a second time."))])
    end_access = BooleanField(_("Also end my API tokens and calendar links"))

    def validate(self, extra_validators: object = None) -> bool:
        valid = bool(super().validate(extra_validators))
        if self.again.data and self.new.data != self.again.data:
            self.again.errors = [*self.again.errors, _("This is not the same as the new password.")]
            return False
        return valid


class AddressForm(FlaskForm):
    """An e-mail address to which a link is mailed."""

    email = StringField(
        _("E-mail address"),
        [InputRequired(_("Enter your e-mail address.")), Length(max=320, message=TOO_LONG), one_line],
    )


class NewPasswordForm(FlaskForm):
    """A new password, twice."""

    new = PasswordField(_("Password"), [InputRequired(_("Enter a password.")), long_enough])
    again = PasswordField(_("Confirm password"), [InputRequired(_("Enter the password a second time."))])

    def validate(self, extra_validators: object = None) -> bool:
        valid = bool(super().validate(extra_validators))
        if self.again.data and self.new.data != self.again.data:
            self.again.errors = [*self.again.errors, _("This is not the same as the password above.")]
            return False
        return valid


class RegistrationForm(NewPasswordForm):
    """Who somebody is, and their password."""

    full_name = StringField(
        _("Your name"), [InputRequired(_("Enter your name.")), Length(max=200, message=TOO_LONG), one_line]
    )


class PersonForm(FlaskForm):
    """A person that staff make."""

    email = StringField(
        _("E-mail address"), [InputRequired(_("Enter an e-mail address.")), Length(max=320, message=TOO_LONG), one_line]
    )
    full_name = StringField(_("Name"), [Length(max=200, message=TOO_LONG), one_line])


class RoleForm(FlaskForm):
    """A role in an organization."""

    organization = StringField(
        _("Organization"), [InputRequired(_("Enter the name or UUID of the organization.")), one_line]
    )
    role = SelectField(
        _("Role"),
        [InputRequired(_("Choose a role."))],
        choices=[SelectChoice(role.value, ROLE_NAMES[role]) for role in Role],
    )


class Errors(dict[str, str]):
    """What is wrong, by field; "" for a field with which nothing is."""

    def __missing__(self, _field: str) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class Problem:
    """One error of a refused form, for the summary at the top of the page.

    `field` is the id of its input, "" where it belongs to none; `label` is what the field is called.
    """

    field: str
    text: str
    label: str = ""

    @property
    def line(self) -> str:
        """The error with the field's name before it."""
        return Message("%(label)s: %(text)s", label=self.label, text=self.text) if self.label else self.text


def problems_of(form: Form) -> list[Problem]:
    """All errors of a WTForms form."""
    return [Problem(field.id, error, field.label.text) for field in form for error in field.errors]


EMPTY = Message("This is empty. Enter a value, or select the box to remove it.")
INCOMPLETE = Message("The form was incomplete, so nothing was changed. Reload the page and try again.")


def rows_of(form: MultiDict[str, str], names: Sequence[str]) -> list[tuple[str, ...]]:
    """The rows of a form whose fields repeat, with the fields of each in this order.

    Raises Invalid where rows lack fields: nobody could say which row a value belongs to.
    """
    columns = [form.getlist(name) for name in names]
    if len({len(column) for column in columns}) > 1:
        raise Invalid(INCOMPLETE)
    return list(zip(*columns, strict=True))


def change_of(text: str, shown: str, *, removed: bool) -> str | None:
    """What a field that may hold nothing is to hold; None where it stays as it is. `shown`: what is stored, as text.

    Whatever a browser cannot read arrives empty, so an empty field removes nothing: the box beside it (`removed`) does.
    Raises ValueError with the reason, for people.
    """
    empty = not text.strip()
    if removed and not empty and text != shown:
        raise ValueError(Message("Either enter another value or remove it, not both."))
    if removed:
        return "" if shown else None
    if shown and empty:
        raise ValueError(EMPTY)
    return None if text == shown else text


def reason_of(error: ValueError) -> str:
    """The text of an error, which can be shown in other languages."""
    return error.args[0] if error.args and isinstance(error.args[0], str) else str(error)


def sentence(reason: str) -> str:
    """A reason as it is shown beside a field, in the reader's language."""
    reason = localized(reason)
    return f"{reason[:1].upper()}{reason[1:]}{'' if reason.endswith('.') else '.'}"


def begun_text(seen: Mapping[str, str]) -> str:
    """What a form began from (a digest for each key), as its hidden field `before` holds it."""
    return " ".join(f"{key}:{digest}" for key, digest in seen.items())


def begun_from(text: str, keys: Iterable[str]) -> dict[str, str]:
    """The same read back; "" (which no digest is) for a key of which the field does not say it."""
    pairs = dict(part.partition(":")[::2] for part in text.split())
    return {key: pairs.get(key, "") for key in keys}


def put_error(form: Form, error: Invalid, *, default: str) -> None:
    """Show a service's refusal at the field it names, or at `default`."""
    names = {"password": "new"}
    wanted = names.get(error.field or "", error.field or "")
    field = form._fields.get(wanted) or form._fields[default]
    field.errors = [*field.errors, error.message]
