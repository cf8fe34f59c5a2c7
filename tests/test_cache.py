"""One cache for all: each result is made once, bounded, and let go with another version."""

import threading
from functools import partial

import pytest

from locator.cache import Cache
from locator.errors import InputError


def test_each_result_is_made_once_and_no_more_is_kept_than_may_be() -> None:
    cache: Cache[bytes] = Cache(10, len)
    made: list[str] = []

    def make(name: str, size: int) -> bytes:
        made.append(name)
        return b"x" * size

    for name in ("a", "b", "a", "c", "a", "b"):  # b went when c came
        cache.get(name, partial(make, name, 4))
    assert made == ["a", "b", "c", "b"]
    assert cache.size == 8
    cache.get("large", partial(make, "large", 99))
    assert len(cache.get("large", lambda: b"")) == 99
    assert len(cache) == 1
    with pytest.raises(InputError, match="wrong"):
        cache.get("bad", lambda: (_ for _ in ()).throw(InputError("wrong")))
    assert cache.get("bad", lambda: b"good") == b"good"


def test_another_version_lets_go_of_what_was_made_from_the_last() -> None:
    cache: Cache[str] = Cache(10)
    for version in ("1", "2"):
        for name in "ab":
            assert cache.get(name, lambda v=version: v, version=version) == version
        assert len(cache) == 2
    assert cache.find("a", version="1") is None


def test_many_who_ask_at_once_wait_for_one() -> None:
    cache: Cache[int] = Cache(10)
    begin, made = threading.Barrier(8), []

    def ask() -> None:
        begin.wait()
        cache.get("same", lambda: made.append(1) or 1)  # type: ignore[func-returns-value]

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]
