"""What is in the cache is whole, and what is pruned is what nobody wants."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from restrip.jobs.cache import Cache

KEY = "ab" + "0" * 62


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path)


def fill(cache: Cache, key: str, size: int = 10, used: float | None = None) -> Path:
    with cache.make("segments", key) as draft:
        (draft.folder / "left.mp4").write_bytes(b"x" * size)
    entry = cache.find("segments", key)
    assert entry is not None
    if used is not None:
        os.utime(entry.folder / "facts.json", (used, used))
    return entry.folder


def test_an_entry_is_found_with_its_facts(cache: Cache) -> None:
    with cache.make("keys", KEY) as draft:
        (draft.folder / "picture.png").write_bytes(b"png")
        draft.facts["seed"] = 7
        assert cache.find("keys", KEY) is None
    entry = cache.find("keys", KEY)
    assert entry is not None
    assert entry.facts == {"seed": 7}
    assert entry.file("picture.png").read_bytes() == b"png"
    assert cache.find("segments", KEY) is None
    assert list((cache.root / "incoming").iterdir()) == []


def test_what_fails_leaves_nothing(cache: Cache) -> None:
    with pytest.raises(ValueError), cache.make("keys", KEY) as draft:
        (draft.folder / "picture.png").write_bytes(b"png")
        raise ValueError
    assert cache.find("keys", KEY) is None
    assert list((cache.root / "incoming").iterdir()) == []


@pytest.mark.parametrize("damage", ["shorter", "missing", "no facts", "facts are no JSON"])
def test_a_damaged_entry_is_not_found_and_is_made_anew(cache: Cache, damage: str) -> None:
    folder = fill(cache, KEY)
    if damage == "shorter":
        (folder / "left.mp4").write_bytes(b"x")
    elif damage == "missing":
        (folder / "left.mp4").unlink()
    elif damage == "no facts":
        (folder / "facts.json").unlink()
    else:
        (folder / "facts.json").write_text("{")
    assert cache.find("segments", KEY) is None
    fill(cache, KEY, 20)
    entry = cache.find("segments", KEY)
    assert entry is not None and entry.file("left.mp4").stat().st_size == 20


def test_two_that_make_the_same_end_with_one(cache: Cache) -> None:
    with cache.make("keys", KEY) as first:
        (first.folder / "picture.png").write_bytes(b"1")
        with cache.make("keys", KEY) as second:
            (second.folder / "picture.png").write_bytes(b"2")
    entry = cache.find("keys", KEY)
    assert entry is not None and entry.file("picture.png").read_bytes() == b"2"


def test_folders_of_pictures_are_entries_too(cache: Cache) -> None:
    with cache.make("segments", KEY) as draft:
        (draft.folder / "left").mkdir()
        (draft.folder / "left" / "1.png").write_bytes(b"1")
    assert cache.has("segments", KEY)
    entry = cache.find("segments", KEY)
    assert entry is not None
    entry.file("left").joinpath("1.png").unlink()
    assert not cache.has("segments", KEY)


def test_the_least_recently_used_goes_first_and_a_protected_one_never(cache: Cache) -> None:
    keys = [f"{n:02d}" + "0" * 62 for n in range(4)]
    mib = 2**20
    for n, key in enumerate(keys):
        fill(cache, key, mib, used=1000.0 + n)
    before = cache.usage({keys[0]})
    assert before.entries == 4 and before.mib > 4 and 1 < before.protected_mib < 1.1
    freed = cache.prune(2.5, protected={keys[0]})
    assert 2 < freed < 2.1
    assert [cache.has("segments", key) for key in keys] == [True, False, False, True]
    cache.prune(0, protected={keys[0]})
    assert [cache.has("segments", key) for key in keys] == [True, False, False, False]


def test_use_is_remembered(cache: Cache) -> None:
    keys = [f"{n:02d}" + "0" * 62 for n in range(2)]
    for n, key in enumerate(keys):
        fill(cache, key, 2**20, used=1000.0 + n)
    cache.find("segments", keys[0])
    cache.prune(1.5, protected=())
    assert [cache.has("segments", key) for key in keys] == [True, False]


def test_what_a_crash_left_is_cleared(cache: Cache) -> None:
    left = cache.root / "incoming" / "x.aside-1"
    left.mkdir(parents=True)
    (left / "left.mp4").write_bytes(b"half")
    cache.clear_incoming()
    assert not left.exists()


def test_drop_deletes_these_alone(cache: Cache) -> None:
    other = "cd" + "0" * 62
    fill(cache, KEY)
    fill(cache, other)
    assert len(cache.folders({KEY})) == 1
    cache.drop({KEY})
    assert [cache.has("segments", key) for key in (KEY, other)] == [False, True]


def test_what_a_killed_worker_left_is_cleared_while_others_write(cache: Cache) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    with cache.make("keys", KEY) as draft:
        named = draft.folder.name.replace(f"-{os.getpid()}-", f"-{dead.pid}-")
        left = [draft.folder.with_name(name) for name in (named, f"abc.aside-{dead.pid}")]
        for folder in left:
            folder.mkdir()
        cache.clear_abandoned()
        assert draft.folder.is_dir() and not any(folder.exists() for folder in left)
    assert cache.has("keys", KEY)
