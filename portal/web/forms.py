"""The forms of the pages. They check shape only; rules are the services' and come back as their words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, DateField, Field, Form, PasswordField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from portal.domain.messages import Message
from portal.domain.texts import line_problem
from portal.errors import Invalid
from portal.models import Role


def one_line(_form: Form, field: Field) -> None:
    """Refuse what is not one line: a name or an address."""
    if problem := line_problem(field.data or ""):
        raise ValidationError(f"This {problem}.")


class SignInForm(FlaskForm):
    """E-mail address and password."""

    # No address is refused for what it is: the answer is the same for every one.
    email = StringField("E-mail address", [InputRequired("Enter your e-mail address."), Length(max=320)])
    password = PasswordField("Password", [InputRequired("Enter your password.")])


class TokenForm(FlaskForm):
    """A new API token: its name and the last day on which it works; or, where it `may_be_endless`, that it never ends.

    A browser sends a date that it cannot read as an empty one, so an empty date means nothing.
    """

    name = StringField("Name", [InputRequired("Give the token a name."), Length(max=100), one_line])
    expires = DateField("Last day", [Optional()])
    never = BooleanField("Never expires")

    def __init__(self, *args: Any, may_be_endless: bool, **more: Any) -> None:
        super().__init__(*args, **more)
        self.may_be_endless = may_be_endless
        self.expires.flags.required = not may_be_endless

    def validate(self, extra_validators: object = None) -> bool:
        valid = bool(super().validate(extra_validators))
        if self.expires.data is None and not (self.never.data and self.may_be_endless):
            told = "Choose the last day, or tick “Never expires”." if self.may_be_endless else "Choose the last day."
            self.expires.errors = [told]
            return False
        return valid


class PasswordForm(FlaskForm):
    """The current password, and the new one twice."""

    current = PasswordField("Current password", [InputRequired("Enter your current password.")])
    new = PasswordField("New password", [InputRequired("Enter a new password.")])
    again = PasswordField("Confirm new password", [InputRequired("Enter the new password a second time.")])
    end_access = BooleanField("End my API tokens and calendar links, too")

    def validate(self, extra_validators: object = None) -> bool:
        if not super().validate(extra_validators):
            return False
        if self.new.data != self.again.data:
            self.again.errors = [*self.again.errors, "This is not the same as the new password."]
            return False
        return True


class AddressForm(FlaskForm):
    """An e-mail address to which a link is mailed."""

    email = StringField("E-mail address", [InputRequired("Enter your e-mail address."), Length(max=320), one_line])


class NewPasswordForm(FlaskForm):
    """A new password, twice."""

    new = PasswordField("Password", [InputRequired("Enter a password.")])
    again = PasswordField("Confirm password", [InputRequired("Enter the password a second time.")])

    def validate(self, extra_validators: object = None) -> bool:
        if not super().validate(extra_validators):
            return False
        if self.new.data != self.again.data:
            self.again.errors = [*self.again.errors, "This is not the same password."]
            return False
        return True


class RegistrationForm(NewPasswordForm):
    """Who somebody is, and their password."""

    full_name = StringField("Your name", [InputRequired("Enter your name."), Length(max=200), one_line])


class PersonForm(FlaskForm):
    """A person that staff make."""

    email = StringField("E-mail address", [InputRequired("Enter an e-mail address."), Length(max=320), one_line])
    full_name = StringField("Name", [Length(max=200), one_line])


class RoleForm(FlaskForm):
    """A role in an organization."""

    organization = StringField("Organization", [InputRequired("Enter its name or uuid."), one_line])
    role = SelectField("Role", [InputRequired("Choose a role.")], choices=[role.value for role in Role])


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


EMPTY = "This is empty. Enter a value, or tick the box to remove it."
INCOMPLETE = "The form arrived incomplete, so nothing was changed. Reload the page and try again."


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
        raise ValueError("Either enter something else here or remove it, not both.")
    if removed:
        return "" if shown else None
    if shown and empty:
        raise ValueError(EMPTY)
    return None if text == shown else text


def sentence(reason: str) -> str:
    """A reason as it is shown beside a field."""
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
