"""The demo's sign-ins: random passwords, generated once per installation and stored in its instance folder."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from portal.config import Settings, is_loopback
from portal.errors import ConfigError

FILE = "demo-accounts.json"
# Staff and owners; the others are in the file.
SHOWN = 6


@dataclass(frozen=True, slots=True)
class SignIn:
    """A demo sign-in; `what` describes its roles."""

    email: str
    password: str
    what: str


def refuse_public_host(settings: Settings) -> None:
    """Raise ConfigError where others could reach the demo, unless that is meant: its content is well known."""
    if not settings.demo_public and not is_loopback(settings.host):
        raise ConfigError(
            f"The demo has well-known content and prints its passwords, so it does not start on HOST={settings.host}. "
            "Use a loopback address, or set DEMO_PUBLIC=1 if you mean it."
        )


def new_password() -> str:
    """A password that can be read out and typed: four groups of four letters and digits (about 80 bits)."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(4)) for _ in range(4))


def save_sign_ins(instance: Path, sign_ins: list[SignIn]) -> None:
    """Write the sign-ins to a file that only its owner can read."""
    path = instance / FILE
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump([asdict(sign_in) for sign_in in sign_ins], file, indent=1, ensure_ascii=False)
    fresh.replace(path)


def read_sign_ins(instance: Path) -> list[SignIn]:
    """The sign-ins of the first start; none where the demo was not loaded."""
    path = instance / FILE
    if not path.is_file():
        return []
    return [SignIn(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))]


def sign_in_help(instance: Path, sign_ins: list[SignIn], token: str = "") -> str:
    """How to sign in: the first sign-ins, where the others are, and the API token if one was created now."""
    if not sign_ins:
        return ""
    width = max(len(it.email) for it in sign_ins)
    lines = ["", "Demo sign-ins (password behind the address):"]
    lines += [f"  {it.email:<{width}}  {it.password}  {it.what}" for it in sign_ins[:SHOWN]]
    if len(sign_ins) > SHOWN:
        lines.append(f"  … and {len(sign_ins) - SHOWN} more in {instance / FILE}")
    lines.append("")
    if token:
        lines.append(f"Staff API token (shown once, {sign_ins[0].email}): {token}")
    else:
        lines.append(f"Another API token: .venv/bin/flask --app wsgi users token {sign_ins[0].email}")
    return "\n".join(lines)
