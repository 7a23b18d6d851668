"""Names that never change: every uuid of the demo follows from its words, so a second import updates the first."""

from __future__ import annotations

from uuid import UUID, uuid5

NAMESPACE = UUID("5b0c9f4e-3d0a-5c0e-9a7b-2f6b1d8e4c31")


def uuid_of(*words: str) -> UUID:
    """The uuid of a thing called by these words, e.g. ("offering", "aurora-mx")."""
    return uuid5(NAMESPACE, "/".join(words))
