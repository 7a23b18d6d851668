"""A parent and its children that answer the same components and plans: all of them go in, and come out as they came."""

from __future__ import annotations

import io
import itertools
import json
from typing import Any

import pytest
from sqlalchemy import select

from portal.models import Component, Plan
from portal.transfer.exporter import export_offerings
from portal.transfer.importer import import_offerings
from tests.support.samples import another, bare, child_of

PARTS = ("components", "plans")


def family() -> list[dict[str, Any]]:
    parent = another(1)
    return [parent, child_of(parent), child_of(parent, name="Another child")]


def exported() -> dict[str, dict[str, Any]]:
    stream = io.BytesIO()
    export_offerings(stream)
    return {it["uuid"]: it for it in json.loads(stream.getvalue())}


def shared(record: dict[str, Any]) -> list[Any]:
    """What must be the same in each of them: all but the addresses of the plans, which name the offering."""
    plans = [{key: value for key, value in plan.items() if key != "url"} for plan in record["plans"]]
    return [record["components"], plans]


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_each_has_them_in_whatever_order_they_come(db_session: Any, together: bool, order: tuple[int, ...]) -> None:
    records = family()
    import_offerings([records[0]])
    expected = shared(exported()[records[0]["uuid"]])
    import_offerings([records[0] | {"components": [], "plans": []}])
    given = [records[place] for place in order]
    for batch in [given] if together else [[it] for it in given]:
        assert import_offerings(batch).failed == []
    found = exported()
    for record in records:
        assert shared(found[record["uuid"]]) == expected
        assert all(record["uuid"] in plan["url"] for plan in found[record["uuid"]]["plans"])
    assert import_offerings(given).unchanged == 3
    report = import_offerings(list(found.values()))
    assert (report.created, report.failed) == (0, [])
    assert exported() == found
    # Each has rows of its own.
    for model in (Component, Plan):
        rows = db_session.execute(select(model.uuid, model.published_uuid)).all()
        assert len({row.uuid for row in rows}) == len(rows) == 3 * len({row.published_uuid for row in rows})


def test_one_gives_them_up_and_takes_them_again(db_session: Any) -> None:
    records = family()
    import_offerings(records)
    before = exported()
    assert import_offerings([records[0] | {"components": [], "plans": []}]).failed == []
    assert shared(exported()[records[1]["uuid"]]) == shared(before[records[1]["uuid"]])
    assert import_offerings([records[0]]).updated == 1
    assert exported() == before


@pytest.mark.parametrize("key", PARTS)
def test_they_are_not_for_offerings_outside_the_family(db_session: Any, key: str) -> None:
    records = family()
    import_offerings(records)
    # Even if the one that had them first has given them up.
    import_offerings([records[0] | {"components": [], "plans": []}])
    stranger = bare(name="Stranger", **{it: records[0][it] for it in PARTS[: PARTS.index(key) + 1]})
    if key == "plans":
        stranger["components"] = another(3)["components"]
    report = import_offerings([stranger])
    assert [it.field for it in report.failed] == [f"{key}[0].uuid"]
    orphan = stranger | {"parent_uuid": "5403dcf7-1e86-4291-83da-51627e9fa0b4"}
    assert [it.field for it in import_offerings([orphan]).failed] == [f"{key}[0].uuid"]


def test_other_parts_are_never_shared(db_session: Any) -> None:
    parent = another(1)
    report = import_offerings([parent, child_of(parent, roles=parent["roles"])])
    assert [it.field for it in report.failed] == ["roles[0].uuid"]
