"""What is loaded at its first use is made once, whoever comes first, and again where that failed."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from types import ModuleType

import pytest

from portal.deferred import Deferred


@pytest.fixture
def module(monkeypatch):
    found = ModuleType("made_up")
    found.made = []
    monkeypatch.setitem(sys.modules, found.__name__, found)
    return found


def test_many_threads_make_one(module):
    class Thing:
        name = "thing"

        def __init__(self, number):
            module.made.append(number)
            time.sleep(0.02)

    module.Thing = Thing
    deferred, barrier = Deferred("made_up", "Thing", 7), Barrier(8)

    def use(_number):
        barrier.wait()
        return deferred.name

    assert module.made == []
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(use, range(8))) == ["thing"] * 8
    assert module.made == [7]


def test_what_failed_is_tried_again(module):
    def opened():
        module.made.append(1)
        if len(module.made) == 1:
            raise OSError("out of reach")
        return len

    module.opened = opened
    deferred = Deferred("made_up", "opened")
    with pytest.raises(OSError, match="out of reach"):
        deferred("abc")
    assert deferred("abc") == 3
    assert deferred("abcd") == 4
    assert len(module.made) == 2
