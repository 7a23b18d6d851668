"""Words are found as people type them."""

import pytest

from portal.domain.search_words import indexed_words, search_words


@pytest.mark.parametrize(
    ("text", "sought"),
    [
        ("RV Havørn", "havorn"),
        ("Tromsø", "tromso"),
        ("Łódź", "lodz"),
        ("Đà Nẵng", "da nang"),
        ("Diyarbakır", "diyarbakir"),
        ("Œuvre, cœur", "coeur"),
        ("Ærø", "aero"),
        ("Þingvellir", "thingvellir"),
        ("Straße", "strasse"),
        ("電子顕微鏡", "顕微鏡"),
        ("走査型電子顕微鏡 SEM", "電子"),
        ("レーザー顕微鏡", "顕微"),
        ("EPR装置", "装置"),
        ("กล้องจุลทรรศน์", "จุลทรรศน์"),
    ],
)
def test_what_people_type_is_found(text: str, sought: str) -> None:
    indexed = indexed_words(text)
    parts = search_words(sought)
    assert parts
    assert all(any(word.startswith(part) for word in indexed) for part in parts)
