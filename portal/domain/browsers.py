"""The name of a browser, by which its user recognizes it."""

from __future__ import annotations

from portal.domain.messages import Message

# The first match counts, since browsers also name others.
_PROGRAMS = {
    "Edg/": "Edge",
    "EdgA/": "Edge",
    "EdgiOS/": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser/": "Samsung Internet",
    "Firefox/": "Firefox",
    "FxiOS/": "Firefox",
    "CriOS/": "Chrome",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "CrOS": "ChromeOS",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}
UNKNOWN = "Unknown browser"
_ON = " on "


def browser_name(user_agent: str) -> str:
    """Such as "Firefox on Linux", made of known names only."""
    program = next((name for mark, name in _PROGRAMS.items() if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS.items() if mark in user_agent), "")
    if not program:
        program = UNKNOWN
    return f"{program}{_ON}{system}" if system else program


def browser_text(name: str) -> str:
    """A name from `browser_name`, as it was stored, as a text in the reader's language."""
    program, _on, system = name.partition(_ON)
    shown = Message("Unknown browser") if program in ("", UNKNOWN) else program
    return Message("%(browser)s on %(system)s", browser=shown, system=system) if system else shown
