"""One form of an address, whichever way it is typed."""

import re

import pytest

from portal.domain.addresses import LONGEST, account_address, normal_address, sought_address
from portal.domain.messages import Message


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "anna@münchen.de",
            "Anna@xn--mnchen-3ya.de",
            "ANNA@MÜNCHEN.DE",
            "anna@mu\u0308nchen.de",
            " anna@münchen.de\n",
        ),
        *("anna@XN--MNCHEN-3YA.DE", "anna@münchen。de", "ANNA@MU\u0308NCHEN.de"),
    ],
)
def test_every_spelling_is_the_same_address(typed: str) -> None:
    assert normal_address(typed) == sought_address(typed) == account_address(typed) == "anna@münchen.de"


@pytest.mark.parametrize("address", ["õun@example.org", "õun@münchen.de", "anna", "a b@example.org", "=?x@example.org"])
def test_what_cannot_be_mailed_gets_no_account(address: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        account_address(address)


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ("anna", "an address has an @, as in name@example.org."),
        ("@example.org", "enter the part before the @."),
        ("anna@", "enter the part after the @."),
        ("anna@exa mple.org", "check the part after the @."),
        ("anna@.org", "check the part after the @."),
        ("an na@example.org", "check the part before the @."),
        ("anna@home@example.org", "check the part before the @."),
        ("a." * 40 + "@example.org", "check the part before the @."),
    ],
)
def test_a_refusal_says_which_part_is_wrong(address: str, fault: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(fault)}$") as refused:
        normal_address(address)
    assert isinstance(refused.value.args[0], Message)


def test_looking_an_address_up_never_fails() -> None:
    for text in (
        "",
        "nobody",
        "a@b@c",
        "x" * 10_000,
        "a\ud800@example.org",
        "a\x00@example.org",
        "@",
        "a@" + "x." * 400,
    ):
        assert len(sought_address(text)) <= LONGEST
