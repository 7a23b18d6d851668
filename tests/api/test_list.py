"""GET and HEAD /api/booking-offerings/: order, pages, headers and fields to the letter (docs/api.md, Lists)."""

import contextvars
import json

import pytest
from werkzeug.test import create_environ, run_wsgi_app

from tests.support import builders as make
from tests.support.answers import told

LIST = "/api/booking-offerings/"
FIELDS = "field=uuid&field=url"
HOST = {"base_url": "https://h"}


@pytest.fixture
def many(owned):
    """23 offerings of one organization, named so that their order is known."""
    make.offerings([f"Instrument {number:02}" for number in range(23)], of=owned[0])


def names(answer):
    return [one["name"] for one in answer.json]


def test_an_empty_list_is_a_page(client, who):
    answer = client.get(LIST, headers=who["stranger"])
    assert (answer.status_code, answer.data) == (200, b"[]")
    assert answer.headers["X-Result-Count"] == "0"
    assert answer.headers["Link"] == (
        '<http://localhost/api/booking-offerings/>; rel="first", <http://localhost/api/booking-offerings/>; rel="last"'
    )


def test_the_link_header_is_the_published_one(client, who, many):
    # 23 offerings in fives: the example of Waldur's pages, page 2 of 5.
    answer = client.get(f"{LIST}?page=2&page_size=5&field=name", headers=who["stranger"], **HOST)
    assert names(answer) == [f"Instrument {number:02}" for number in range(5, 10)]
    assert answer.headers["Link"] == (
        '<https://h/api/booking-offerings/?field=name&page_size=5>; rel="first", '
        '<https://h/api/booking-offerings/?field=name&page_size=5>; rel="prev", '
        '<https://h/api/booking-offerings/?field=name&page=3&page_size=5>; rel="next", '
        '<https://h/api/booking-offerings/?field=name&page=5&page_size=5>; rel="last"'
    )


@pytest.mark.parametrize(
    ("query", "relations"),
    [
        ("", [("first", ""), ("next", "?page=2"), ("last", "?page=3")]),
        ("?page=3", [("first", ""), ("prev", "?page=2"), ("last", "?page=3")]),
        ("?page=last", [("first", ""), ("prev", "?page=2"), ("last", "?page=3")]),
        ("?page=", [("first", ""), ("next", "?page=2"), ("last", "?page=3")]),
        ("?page_size=100", [("first", "?page_size=100"), ("last", "?page_size=100")]),
        ("?page_size=0", [("first", "?page_size=0"), ("next", "?page=2&page_size=0"), ("last", "?page=3&page_size=0")]),
        (
            "?zz=1&aa=x,y z",
            [("first", "?aa=x%2Cy+z&zz=1"), ("next", "?aa=x%2Cy+z&page=2&zz=1"), ("last", "?aa=x%2Cy+z&page=3&zz=1")],
        ),
        (
            "?field=uuid&field=url",
            [("first", f"?{FIELDS}"), ("next", f"?{FIELDS}&page=2"), ("last", f"?{FIELDS}&page=3")],
        ),
        ("?field=&page=3", [("first", "?field="), ("prev", "?field=&page=2"), ("last", "?field=&page=3")]),
        ("?a=%3E%22", [("first", "?a=%3E%22"), ("next", "?a=%3E%22&page=2"), ("last", "?a=%3E%22&page=3")]),
    ],
)  # fmt: skip
def test_links_keep_the_query_sorted_and_encoded(client, who, many, query, relations):
    answer = client.get(LIST + query, headers=who["stranger"])
    wanted = ", ".join(f'<http://localhost{LIST}{after}>; rel="{rel}"' for rel, after in relations)
    assert answer.headers["Link"] == wanted
    # The published client cuts the header at every comma.
    assert answer.headers["Link"].count(",") == len(relations) - 1


def test_following_next_reaches_everything_once(client, who, many):
    seen, address = [], f"{LIST}?page_size=4"
    while address:
        answer = client.get(address, headers=who["stranger"])
        seen += names(answer)
        links = dict(reversed(link.split("; ")) for link in answer.headers["Link"].split(", "))
        address = links.get('rel="next"', "").strip("<>")
    assert seen == [f"Instrument {number:02}" for number in range(23)]


@pytest.mark.parametrize("page", ["4", "0", "-1", "1.5", "abc", "1e3", "9" * 5000, "٢", "1_0", "+2+"])
def test_a_page_that_is_none_is_404(client, who, many, page):
    for method in ("GET", "HEAD"):
        answer = client.open(f"{LIST}?page={page}", method=method, headers=who["stranger"])
        if page == "+2+":  # a plus is a blank in a query
            assert answer.status_code == 200
        else:
            assert answer.status_code == 404
            assert answer.data == (b'{"detail":"Invalid page."}' if method == "GET" else b"")


@pytest.mark.parametrize(
    ("size", "shown"),
    [("0", 10), ("-1", 10), ("abc", 10), ("", 10), ("1.5", 10), ("7", 7), ("1000", 23), ("9" * 5000, 23)],
)
def test_an_odd_page_size_is_no_error(client, who, many, size, shown):
    answer = client.get(f"{LIST}?page_size={size}", headers=who["stranger"])
    assert (answer.status_code, len(answer.json)) == (200, shown)
    assert answer.headers["X-Result-Count"] == "23"


def test_the_maximum_is_300(client, who, owned):
    category = make.category()
    for number in range(301):
        make.add(
            make.Offering(
                name=f"{number:03}",
                sort_key=f"{number:03}",
                organization=owned[0],
                category=category,
                state="Active",
                shared=True,
            )
        )
    make.documents.refresh_all(make.db.session())
    make.db.session.commit()
    answer = client.get(f"{LIST}?page_size=1000&field=name", headers=who["stranger"])
    assert len(answer.json) == 300
    assert answer.headers["Link"].endswith(
        '<http://localhost/api/booking-offerings/?field=name&page=2&page_size=1000>; rel="last"'
    )


def test_the_last_of_repeated_parameters_counts(client, who, many):
    answer = client.get(f"{LIST}?page=1&page=3&page_size=2&page_size=10", headers=who["stranger"])
    assert len(answer.json) == 3


def test_order_is_by_casefolded_name_then_uuid(client, who, owned):
    for name in ("b", "A", "a", "Ä", "Z", "straße", "STRASSE"):
        make.offering(name, of=owned[0])
    answer = client.get(LIST, headers=who["stranger"])
    wanted = sorted(answer.json, key=lambda one: (one["name"].casefold(), one["uuid"]))
    assert names(answer) == [one["name"] for one in wanted]
    assert [name.casefold() for name in names(answer)] == ["a", "a", "b", "strasse", "strasse", "z", "ä"]


@pytest.mark.parametrize(
    "path", [LIST, f"{LIST}?page=2&page_size=5", f"{LIST}?field=name", f"{LIST}?page=99", f"{LIST}?page_size=1"]
)
def test_head_has_the_headers_of_get(client, who, many, path):
    get, head = (client.open(path, method=method, headers=who["stranger"]) for method in ("GET", "HEAD"))
    assert head.data == b""
    assert head.status_code == get.status_code
    assert told(head) == told(get)
    assert head.headers["Content-Length"] == str(len(get.data))
    assert head.headers["Content-Type"] == "application/json"


def test_fields_are_cut_in_the_servers_order(client, who, offering):
    answer = client.get(f"{LIST}?field=uuid&field=name&field=url&field=nonsense&field=name", headers=who["stranger"])
    assert (
        answer.data
        == (
            f'[{{"url":"http://localhost/api/booking-offerings/{offering.uuid}/",'
            f'"uuid":"{offering.uuid}","name":"Microscope"}}]'
        ).encode()
    )


@pytest.mark.parametrize("query", ["field=", "field=nonsense", "field=name,uuid", "field=NAME", "field=plans.name"])
def test_no_known_field_means_the_whole_object(client, who, offering, query):
    whole = client.get(LIST, headers=who["stranger"])
    assert client.get(f"{LIST}?{query}", headers=who["stranger"]).data == whole.data


def test_other_parameters_are_ignored(client, who, many):
    answer = client.get(f"{LIST}?o=-name&name=nothing&state=Draft&format=xml", headers=who["stranger"])
    assert names(answer) == [f"Instrument {number:02}" for number in range(10)]


def test_three_statements_whatever_the_number_of_rows(client, who, many, query_counter):
    client.get(LIST, headers=who["stranger"]).close()
    for query in ("", "?page_size=100", "?page=2", "?field=name"):
        for person in ("stranger", "owner", "staff"):
            client.get(LIST, headers=who[person]).close()
            with query_counter() as counted:
                client.get(LIST + query, headers=who[person]).close()
            assert counted.number <= 3, counted.statements


def test_an_etag_saves_the_body(client, who, many):
    first = client.get(LIST, headers=who["stranger"])
    etag = first.headers["ETag"]
    assert etag.startswith('"')
    for given in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        again = client.get(LIST, headers={**who["stranger"], "If-None-Match": given})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == etag
        assert again.headers["X-Result-Count"] == "23"
        assert again.headers["Link"] == first.headers["Link"]
    assert client.get(LIST, headers={**who["stranger"], "If-None-Match": '"other"'}).status_code == 200
    # What is not there is not "not modified".
    for path in (f"{LIST}?page=99", f"{LIST}{make.unknown()}/"):
        assert client.get(path, headers={**who["stranger"], "If-None-Match": "*"}).status_code == 404


def test_an_etag_changes_with_the_answer(client, who, many, owned):
    etags = {
        client.get(path, headers=who["stranger"]).headers["ETag"]
        for path in (LIST, f"{LIST}?page=2", f"{LIST}?field=name")
    }
    etags |= {client.get(LIST, headers=who["staff"]).headers["ETag"]}
    make.offering("Zeppelin", of=owned[0])
    etags |= {client.get(LIST, headers=who["stranger"]).headers["ETag"]}
    assert len(etags) == 5


def test_the_host_of_the_request_is_the_base_of_every_address(client, who, sample):
    one = json.loads(client.get(LIST, headers=who["staff"], base_url="https://booking.example.com:8443").data)[0]
    base = "https://booking.example.com:8443/api/"
    for name in ("url", "customer", "project", "category"):
        assert one[name].startswith(base)
        assert one[name].endswith("/")
    assert one["plans"][0]["url"].startswith(base)
    assert one["roles"][0]["url"].startswith(base)


# What the framework's own check lets through.
NO_NAMES = ("a" * 64, "a..b", ".", "a." * 130)


@pytest.mark.parametrize(("path", "status"), [("/login", 400), ("/api/", 400)])
def test_what_is_no_host_is_refused(app, path, status):
    for host in (*NO_NAMES, "xn--0.example"):  # the last one is too much for the test client
        environ = create_environ(path, environ_overrides={"HTTP_HOST": host})
        _body, said, _headers = contextvars.Context().run(run_wsgi_app, app, environ)
        assert int(said[:3]) == status, host


def test_addresses_are_never_made_of_a_host_that_is_none(client, who, owned):
    made = make.offering("One", of=owned[0])
    for path in (LIST, f"{LIST}{made.uuid}/", "/api/"):
        for host in ('a"b', "a>b", "a b", "a,b", "a@b", "[::1", "a:99999999", *NO_NAMES, ""):
            answer = client.get(path, headers=who["stranger"], environ_overrides={"HTTP_HOST": host})
            assert (answer.status_code, answer.json) == (400, {"detail": "Invalid Host header."}), (path, host)
