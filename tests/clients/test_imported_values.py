"""Values that other portals send and published clients cannot read: imported, or refused, and never answered."""

import copy
import json
import os
import subprocess
import sys

import pytest
from sqlalchemy import select, update

from portal.documents import store
from portal.documents.read import read_page, to_json
from portal.extensions import db
from portal.models import Offering
from portal.policies import SYSTEM
from portal.transfer.importer import import_offerings
from tests.support.samples import another
from tools.prepare import CLIENT_VERSIONS

pytestmark = [pytest.mark.sqlite_only, pytest.mark.parametrize("version", CLIENT_VERSIONS)]

VALUES = [None, "", "x", 5, 1.5, True, [], ["x"], [None], [{}], {}, {"x": 1}, {"x": None}, "2026-01-01", "2026-13-01"]
PLUGIN_OPTIONS = (
    *("username_generation_policy", "storage_mode", "deployment_mode", "account_name_generation_policy"),
    *("account_scope", "billing_source", "uid_source", "gid_source", "resource_role_map", "resource_project_role_map"),
    *("latest_date_for_resource_termination", "action_on_usage_limit", "resource_projects_limit_policy", "unknown"),
)
OF_QUESTIONS = (
    *("type", "cascade_config", "component_multiplier_config", "component_formula_config", "component_sum_config"),
    *("storage_folder_config", "default_configs", "validators", "visible_if", "choices", "default", "min", "unknown"),
)
# Objects that are not empty, and lack what clients require in them.
CONFIGS = [
    {"steps": [{"name": "a", "label": "A", "type": "x"}]},
    {"steps": [{"name": "a", "label": "A", "type": "select_string", "choices": []}]},
    {"steps": [{"name": "a", "label": "A", "type": "select_string", "choices": "x"}]},
    {"steps": [{"label": "A"}]},
    {"field": "a", "values": None},
    {"component_type": "cpu"},
    [{"type": "near", "target_field": "a"}],
]
TOP = ("backend_metadata", "state", "country", "options", "resource_options", "plugin_options", "attributes", "created")
PROGRAM = """
import json, sys
from waldur_api_client.models.offering import Offering
failed = {}
for document in json.load(sys.stdin):
    try:
        Offering.from_dict(document)
    except Exception as error:
        failed[document["name"]] = repr(error)
json.dump(failed, sys.stdout)
"""


def records():
    """An offering for each of these values in each place, named by them."""
    number = 0
    for paths in (
        *([("plugin_options", key), VALUES] for key in PLUGIN_OPTIONS),
        *([(key,), VALUES] for key in TOP),
        *([("options", key), VALUES] for key in ("order", "options")),
        *([("components", 0, key), VALUES] for key in ("billing_type", "limit_period", "limit_amount", "max_value")),
        *([("plans", 0, "unit"), VALUES],),
        *([("options", "options", "q", key), [*VALUES, *CONFIGS]] for key in OF_QUESTIONS),
    ):
        for value in paths[1]:
            number += 1
            record = another(number)
            record["options"]["options"]["q"] = {"type": "string", "label": "Q"}
            inner = record
            for key in paths[0][:-1]:
                inner = inner[key]
            inner[paths[0][-1]] = copy.deepcopy(value)
            yield record | {"name": f"{'.'.join(map(str, paths[0]))} = {json.dumps(value)}"}


def unreadable(waldur_client_dirs, version):
    """The offerings that a client fails to read, with its error."""
    ids = db.session.scalars(select(Offering.id)).all()
    environ = {**os.environ, "PYTHONPATH": str(waldur_client_dirs[version])}
    answered = to_json(read_page(SYSTEM, "http://localhost", (), ids, None))
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, env=environ, input=answered, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_no_imported_value_makes_a_client_fail(db_session, waldur_client_dirs, version):
    given = list(records())
    report = import_offerings(given)
    assert report.created > len(given) / 2
    assert report.created + len(report.failed) == len(given)
    assert unreadable(waldur_client_dirs, version) == {}


def test_no_value_of_an_earlier_version_makes_a_client_fail(db_session, waldur_client_dirs, version):
    import_offerings([another(1)])
    db_session.execute(
        update(Offering).values(
            plugin_options={"uid_source": None, "latest_date_for_resource_termination": "soon"},
            options={"options": {"q": {"type": "string", "label": "Q", "visible_if": None, "cascade_config": {}}}},
            resource_options={"options": {"q": {"type": "storage_folder_manager", "label": "Q"}}, "order": ["q"]},
            backend_metadata="x",
        )
    )
    store.refresh_all(db_session())
    db_session.commit()
    assert unreadable(waldur_client_dirs, version) == {}
