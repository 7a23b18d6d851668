"""The OpenAPI document: valid, in agreement with the documented fields and with what the routes do."""

import json
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from portal.api.schema import document
from portal.schema.offering import FIELDS as ORDER
from tests.support.answers import told
from tests.support.shared import unavailable

ROOT = Path(__file__).resolve().parents[2]
TREE = json.loads((ROOT / "tests" / "data" / "fields.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def whole():
    return document()


def test_it_is_a_valid_openapi_document(client):
    answer = client.get("/api/schema/")
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    assert answer.json["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(answer.json).validate()


def resolved(whole, schema):
    """The schema behind references and `or null`, with what was said beside the reference."""
    if "anyOf" in schema:
        schema = {**schema, **schema["anyOf"][0]}
    if "$ref" in schema:
        *_, name = schema["$ref"].split("/")
        return {**whole["components"]["schemas"][name], **{k: v for k, v in schema.items() if k == "description"}}
    return schema


def described(whole, schema, prefix=""):
    """path -> schema, for every property below."""
    found = {}
    for name, one in schema["properties"].items():
        path = f"{prefix}{name}"
        found[path] = one
        target = resolved(whole, one)
        if target.get("type") == "array":
            target = resolved(whole, target["items"])
        if name in ("attributes", "options", "resource_options"):
            continue  # described more closely than the documentation does
        if "properties" in target:
            found |= described(whole, target, f"{path}.")
    return found


def documented(fields):
    for field in fields:
        yield field
        yield from documented(field["children"])


def types(schema):
    given = schema.get("type")
    return set(given if isinstance(given, list) else [given]) - {"null"}


def test_every_documented_field_with_type_format_enum_and_description(whole):
    found = described(whole, whole["components"]["schemas"]["Offering"])
    fields = {field["path"]: field for field in documented(TREE["fields"])}
    assert list(found) == list(fields)
    assert len(fields) == TREE["counts"]["total_including_nested"]
    for path, field in fields.items():
        schema = found[path]
        target = resolved(whole, schema)
        if field["is_array"]:
            assert types(schema) == {"array"}, path
        elif field["doc_type"] != "any":
            assert types(target) == {field["type"]}, path
        assert target.get("format") == field["format"], path
        if field["enum"]:
            assert target["enum"] == field["enum"], path
        if field["description"]:
            assert schema["description"] == field["description"], path


def test_fields_that_clients_cannot_read_as_null_are_not_nullable(whole):
    found = described(whole, whole["components"]["schemas"]["Offering"])
    for field in documented(TREE["fields"]):
        schema = found[field["path"]]
        nullable = "null" in (schema.get("type") or []) or {"type": "null"} in schema.get("anyOf", [])
        if field["python_client"]["null"] == "crash":
            assert not nullable, field["path"]


def test_components_have_the_names_of_the_published_client(whole):
    schemas = whole["components"]["schemas"]
    found = described(whole, schemas["Offering"])
    for field in documented(TREE["fields"]):
        name = field["python_client"]["type"].removeprefix("list[").removesuffix("]")
        if field["children"]:
            assert name in schemas, name
            reference = found[field["path"]]
            assert reference.get("items", reference)["$ref"] == f"#/components/schemas/{name}"
    assert {"OfferingState", "BillingTypeEnum", "BillingUnit", "CoreStates", "CountryEnum"} <= set(schemas)


def test_the_table_has_the_order_of_the_answers(whole):
    assert tuple(whole["components"]["schemas"]["Offering"]["properties"]) == ORDER
    assert tuple(whole["components"]["schemas"]["OfferingFieldEnum"]["enum"]) == ORDER


def test_parameters_are_the_documented_ones(whole):
    def query_of(path):
        operation = whole["paths"][path]["get"]
        found = (whole["components"]["parameters"][one["$ref"].split("/")[-1]] for one in operation["parameters"])
        return {one["name"]: one["schema"]["type"] for one in found if one["in"] == "query"}

    assert query_of("/api/booking-offerings/") == TREE["query_parameters"]["list"]
    assert query_of("/api/booking-offerings/{uuid}/") == TREE["query_parameters"]["retrieve"]


def test_paths_and_methods_are_those_of_the_routes(whole, worker_app):
    def spelled(rule):
        return rule.replace("<segment>", "{uuid}").replace("<plan_uuid>", "{plan_uuid}")

    served = {
        (spelled(rule.rule), method.lower())
        for rule in worker_app.url_map.iter_rules()
        if rule.endpoint.startswith("api.") and rule.rule.startswith(("/api/", "/api-auth/"))
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    told = {(path, method) for path, item in whole["paths"].items() for method in item if method in ("get", "post")}
    about_itself = {("/api/", "get"), ("/api/schema/", "get"), ("/api/docs/", "get")}
    assert told == served - about_itself


def test_generated_clients_get_the_module_paths_of_the_published_ones(whole):
    found = {
        operation["operationId"]: (operation["tags"], method, path)
        for path, item in whole["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    }
    offerings, resources = "/api/booking-offerings/", "/api/booking-resources/"
    public = "/api/marketplace-public-offerings/"
    calendar = ("google_calendar_sync", "share_google_calendar", "unshare_google_calendar")
    published = {
        "booking_offerings_list": (["booking-offerings"], "get", offerings),
        "booking_offerings_count": (["booking-offerings"], "head", offerings),
        "booking_offerings_retrieve": (["booking-offerings"], "get", f"{offerings}{{uuid}}/"),
        **{
            f"booking_offerings_{name}": (["booking-offerings"], "post", f"{offerings}{{uuid}}/{name}/")
            for name in calendar
        },
        "booking_resources_list": (["booking-resources"], "get", resources),
        "booking_resources_count": (["booking-resources"], "head", resources),
        "booking_resources_retrieve": (["booking-resources"], "get", f"{resources}{{uuid}}/"),
        "booking_resources_accept": (["booking-resources"], "post", f"{resources}{{uuid}}/accept/"),
        "booking_resources_reject": (["booking-resources"], "post", f"{resources}{{uuid}}/reject/"),
        "marketplace_orders_create": (["marketplace-orders"], "post", "/api/marketplace-orders/"),
        "marketplace_orders_retrieve": (["marketplace-orders"], "get", "/api/marketplace-orders/{uuid}/"),
        "marketplace_public_offerings_retrieve": (["marketplace-public-offerings"], "get", f"{public}{{uuid}}/"),
        "marketplace_public_offerings_plans_retrieve": (
            ["marketplace-public-offerings"],
            "get",
            f"{public}{{uuid}}/plans/{{plan_uuid}}/",
        ),
        "marketplace_bookings_list": (["marketplace-bookings"], "get", "/api/marketplace-bookings/{uuid}/"),
        "api_auth_password": (["api-auth"], "post", "/api-auth/password/"),
        "media_retrieve": (["media"], "get", "/api/media/{uuid}/"),
    }
    assert {name: found.get(name) for name in published} == published
    assert {tag for tags, _, _ in found.values() for tag in tags} == {tag["name"] for tag in whole["tags"]}


def test_tokens_are_described_as_the_header_and_as_a_bearer_scheme(whole):
    assert whole["security"] == [{"tokenAuth": []}, {"bearerAuth": []}]
    schemes = whole["components"]["securitySchemes"]
    assert (schemes["tokenAuth"]["type"], schemes["tokenAuth"]["name"]) == ("apiKey", "Authorization")
    assert (schemes["bearerAuth"]["type"], schemes["bearerAuth"]["scheme"]) == ("http", "bearer")


def test_filters_have_their_types(whole):
    parameters = whole["components"]["parameters"]
    names = [one["$ref"].split("/")[-1] for one in whole["paths"]["/api/booking-resources/"]["get"]["parameters"]]
    found = {parameters[name]["name"]: parameters[name]["schema"] for name in names}
    booleans = {name for name, schema in found.items() if schema.get("type") == "boolean"}
    names_of_flags = (
        "usage_based limit_based only_usage_based only_limit_based paused downscaled restrict_member_access "
        "is_attached has_terminate_date lexis_links_supported offering_shared offering_billable visible_to_providers "
        "exclude_pending_transitional"
    )
    assert booleans == set(names_of_flags.split())
    instants = {name for name, schema in found.items() if schema.get("format") == "date-time"}
    assert instants == {"created", "created_before", "modified", "modified_before"}
    assert found["component_count"] == found["limit_component_count"] == {"type": "number"}
    assert found["offering_uuid"] == {"type": "array", "items": {"type": "string", "format": "uuid"}}
    head = whole["paths"]["/api/booking-resources/"]["head"]
    assert [one["$ref"].split("/")[-1] for one in head["parameters"]] == names
    assert set(head["responses"]["200"]["headers"]) >= {"X-Result-Count", "Link"}


def test_head_and_etag_of_the_document(client):
    get, head = (client.open("/api/schema/", method=method) for method in ("GET", "HEAD"))
    assert told(get) == told(head)
    again = client.get("/api/schema/", headers={"If-None-Match": get.headers["ETag"]})
    assert again.status_code == 304


def test_the_page_lists_everything_without_scripts(client, whole):
    page = client.get("/api/docs/")
    assert page.status_code == 200
    text = page.get_data(as_text=True)
    for path in whole["paths"]:
        assert path in text
    for field in documented(TREE["fields"]):
        assert f"<code>{field['path']}</code>" in text
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe-eval" not in policy
    assert "//cdn" not in text


@pytest.mark.browser
@pytest.mark.sqlite_only
def test_swagger_ui_shows_the_document(whole, live_portal, browser_page, axe):
    if not (ROOT / "static/vendor/swagger-ui-bundle.js").is_file():
        unavailable("no Swagger UI: `make assets` fetches it")
    operations = sum(method in item for item in whole["paths"].values() for method in ("get", "head", "post"))
    browser_page.goto(f"{live_portal.url}/api/docs/")
    browser_page.wait_for_selector("#swagger-ui .opblock-summary-path")
    assert browser_page.locator("#swagger-ui .opblock-summary-path").count() == operations
    # What is our own is accessible; Swagger UI is an addition to it.
    browser_page.evaluate("document.querySelector('.explorer').remove()")
    assert axe(browser_page) == []
