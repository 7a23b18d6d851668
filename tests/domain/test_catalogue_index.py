"""Columns of the catalogue index by id."""

import pytest

from portal.domain.catalogue_index import FACETS, CatalogueIndex, IndexedOffering


@pytest.fixture
def index() -> CatalogueIndex:
    """Offerings 1 (public) and 3; there is no 2."""
    found = CatalogueIndex()
    offerings = [
        IndexedOffering(
            id=number, key=b"name %d" % number, created=0.0, public=number == 1, category=1, organization=0,
            country="", state="Active", schedule=0,
        )
        for number in (3, 1)
    ]  # fmt: skip
    found.load(offerings, {facet: {} for facet in FACETS})
    return found


def test_ids_that_are_not_known_are_left_out(index: CatalogueIndex) -> None:
    assert index.width == 4
    assert list(index.mask([3, 4, 5])) == [0, 0, 0, 1]
    assert list(index.mask([])) == [0, 0, 0, 0]


def test_hidden_offerings_are_visible_to_those_who_may_see_them(index: CatalogueIndex) -> None:
    assert list(index.visible([])) == [0, 1, 0, 0]
    assert list(index.visible([2, 3, 4])) == [0, 1, 0, 1]


def test_offerings_are_ordered_by_name(index: CatalogueIndex) -> None:
    assert list(index.ids_by_name([])) == [1]
    assert list(index.ids_by_name([3])) == [1, 3]
