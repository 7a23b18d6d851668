"""Every route declares who may use it: its view has the attribute `guard`, set by a decorator of guards.py."""

import pytest


def views(app):
    return {endpoint: view for endpoint, view in app.view_functions.items() if endpoint.split(".")[-1] != "static"}


def guard_of(view) -> object:
    """The guard of a view function, or of the class behind a class-based view."""
    return getattr(view, "guard", None) or getattr(getattr(view, "view_class", None), "guard", None)


@pytest.mark.sqlite_only
def test_every_route_declares_its_guard(worker_app):
    unguarded = sorted(endpoint for endpoint, view in views(worker_app).items() if not guard_of(view))
    assert not unguarded, f"these views say nothing about who may use them: {unguarded}"


@pytest.mark.sqlite_only
def test_there_are_routes(worker_app):
    assert views(worker_app)


@pytest.mark.sqlite_only
def test_pages_and_api_do_not_share_addresses(worker_app):
    pages, api = set(), set()
    for rule in worker_app.url_map.iter_rules():
        view = worker_app.view_functions[rule.endpoint]
        if view.__module__.startswith("portal."):
            (api if view.__module__.startswith("portal.api") else pages).add(rule.rule)
    assert not pages & api


def test_a_view_without_a_guard_is_found():
    def bare():
        """No decorator."""

    assert guard_of(bare) is None
