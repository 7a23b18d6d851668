from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.identifiers import format_uuid, parse_uuid

DASHED = "6f1c2b7e-0d54-4c3a-9b8e-1f2a3c4d5e6f"


@given(st.uuids(), st.booleans(), st.booleans())
def test_dashed_and_hex_are_read_in_any_case_and_dashed_is_written(uuid: UUID, upper: bool, dashed: bool) -> None:
    text = str(uuid) if dashed else uuid.hex
    assert parse_uuid(text.upper() if upper else text) == uuid
    assert format_uuid(uuid) == str(uuid)


@pytest.mark.parametrize(
    "text",
    [
        f"{{{DASHED}}}",
        f"urn:uuid:{DASHED}",
        f" {DASHED}",
        f"{DASHED}\n",
        DASHED[:-1],
        DASHED + "0",
        DASHED.replace("-", "", 1),
        DASHED.replace("6", "６", 1),
        "6f1c2b7e0d54-4c3a9b8e1f2a-3c4d5e6f",
        "",
        "g" * 32,
        None,
        7,
    ],
)
def test_nothing_else_is_a_uuid(text: object) -> None:
    with pytest.raises(ValueError, match="not a UUID"):
        parse_uuid(text)


def test_a_uuid_stays_itself() -> None:
    assert parse_uuid(UUID(DASHED)) == UUID(DASHED)
