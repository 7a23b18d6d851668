"""What a password may be."""

import pytest

from portal.domain.passwords import MAX_PASSWORD, MIN_PASSWORD, check_password, normalized
from portal.errors import Invalid
from portal.services.password_guesses import Zxcvbn

ABOUT = ("ana.maria@optics-lab.example", "Ana María Ångström", "Booking portal")


@pytest.fixture(scope="module")
def estimator():
    return Zxcvbn()


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "k3u7-x9vq-m2hd-p8wt",
        "три тёмных облака над морем",
        "lamp Tallinn walrus",
        "x7#Lq9!vR2$k",
        "a" + "nfw7 2jd0 " * 25,
    ],
)
def test_what_is_hard_to_guess_is_taken(estimator, password):
    check_password(password, ABOUT, estimator)


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "Password123!",
        "P@ssw0rd1234",
        "Welcome2024!",
        "changeme1234",
        "passwordpassword",
        "password password",
        "qwertyuiop12",
        "1q2w3e4r5t6y",
        "123456789012",
        "aaaaaaaaaaaa",
        "abcdefghijkl",
        "ana.maria@optics-lab.example",
        "ANA.MARIA@optics-lab.example1",
        "anamaria12345",
        "Ana María Ångström",
        "angstrom optics",
        "bookingportal",
        "optics-lab.example",
    ],
)
def test_what_is_common_or_about_the_person_is_refused(estimator, password):
    with pytest.raises(Invalid, match="easy to guess"):
        check_password(password, ABOUT, estimator)


def test_a_password_has_a_length_in_its_one_spelling(estimator):
    # Each letter is two code points as some keyboards send it: eleven letters are too few all the same.
    decomposed = "e\u0301" * (MIN_PASSWORD - 1)
    assert len(decomposed) > MIN_PASSWORD
    for password in ("", "x7#Lq9!vR2$", decomposed):
        with pytest.raises(Invalid, match=f"at least {MIN_PASSWORD} characters"):
            check_password(password, (), estimator)
    with pytest.raises(Invalid, match=f"at most {MAX_PASSWORD} characters"):
        check_password("k3u7" * 64 + "x", (), estimator)


def test_one_spelling():
    assert normalized("re\u0301sume\u0301") == "r\u00e9sum\u00e9"
    assert normalized("ﬁ Ⅷ") == "ﬁ Ⅷ", "letters that only look alike stay different"
