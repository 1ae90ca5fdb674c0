"""What was used last is kept."""

from dataclasses import dataclass

from app.backends.llama.vision.cache import RecentlyUsed


@dataclass
class Thing:
    size: int


def test_the_least_recently_used_goes_first() -> None:
    cache = RecentlyUsed[Thing](100)
    for name in "abc":
        cache.add(name, Thing(30))
    assert cache.get("a") is not None
    cache.add("d", Thing(30))
    assert [name for name in "abcd" if cache.get(name)] == ["a", "c", "d"]
    assert cache.size == 90


def test_what_is_too_large_is_not_kept() -> None:
    cache = RecentlyUsed[Thing](100)
    cache.add("huge", Thing(101))
    assert cache.get("huge") is None
    assert len(cache) == cache.size == 0


def test_the_same_again_takes_its_place() -> None:
    cache = RecentlyUsed[Thing](100)
    cache.add("a", Thing(60))
    cache.add("a", Thing(70))
    assert cache.size == 70
    cache.clear()
    assert cache.get("a") is None
