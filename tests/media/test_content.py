"""Stamps and hashes of files: what is another file has another one."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from restrip.media import content
from restrip.media.content import HashBook, content_of, stamp_of
from restrip.media.files import MediaMissing, MediaUnreadable, OutputUnwritable, written


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process that knows nothing; files are small, and are kept as soon as they are hashed."""
    monkeypatch.setattr(HashBook, "_seen", {})
    for name, value in (("WHOLE_BYTES", 4000), ("SAMPLED_BYTES", 3000), ("LEAST_CHUNK_BYTES", 100)):
        monkeypatch.setattr(content, name, value)
    monkeypatch.setattr(content, "CHUNK_BYTES", 100)
    monkeypatch.setattr(content, "KEPT_FROM_BYTES", 1)
    monkeypatch.setattr(content, "SETTLED_NS", 0)


@pytest.fixture
def book(tmp_path: Path) -> HashBook:
    return HashBook(tmp_path / "book" / "hashes.json")


def replaced(path: Path, data: bytes) -> None:
    """Another file in the place of `path`, with the same time of change."""
    seen = path.stat()
    other = path.with_name("other")
    other.write_bytes(data)
    os.utime(other, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    other.replace(path)
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (seen.st_size, seen.st_mtime_ns)


def test_a_hash_is_made_once_and_kept_by_the_stamp(book: HashBook, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"1" * 100)
    assert book.of_file(path) == hashlib.sha256(b"1" * 100).hexdigest() == book.of([path]).sha256
    HashBook._seen.clear()
    kept = json.loads(book.path.read_text())
    (name,) = (name for name in kept if name.startswith("whole"))
    kept[name][1] = "from the book"
    book.path.write_text(json.dumps(kept))
    assert book.of_file(path) == "from the book"
    replaced(path, b"2" * 100)
    assert book.of_file(path) == hashlib.sha256(b"2" * 100).hexdigest()


@pytest.mark.parametrize("text", ["damaged", "[]", '{"whole x": 3}', '{"whole x": ["a", 1, []]}', "[" * 3000, ""])
def test_a_damaged_book_is_begun_anew(book: HashBook, tmp_path: Path, text: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"1")
    book.path.parent.mkdir()
    book.path.write_text(text.replace("whole x", f"whole {path}"))
    assert book.of_file(path) == hashlib.sha256(b"1").hexdigest()


def test_what_may_change_within_one_tick_isnt_kept(
    book: HashBook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content, "SETTLED_NS", 10**12)
    path = tmp_path / "x"
    path.write_bytes(b"1")
    book.of_file(path)
    assert not book.path.exists() and not HashBook._seen


@pytest.mark.parametrize("size", [100, 3999, 4000, 4001, 60_000])
def test_a_replaced_movie_is_noticed_small_or_large(book: HashBook, tmp_path: Path, size: int) -> None:
    path = tmp_path / "x"
    path.write_bytes(bytes(n * 31 % 251 for n in range(size)))
    before, stamp = book.of([path]), stamp_of([path])
    assert bool(before.times) == (size > 4000)
    replaced(path, bytes(n * 37 % 251 for n in range(size)))
    assert stamp_of([path]).data == stamp.data and stamp_of([path]) != stamp
    assert book.of([path]).key != before.key


@pytest.mark.parametrize("place", [0, 30_000, 59_999])
def test_samples_take_in_both_ends_and_the_whole_length(book: HashBook, tmp_path: Path, place: int) -> None:
    path = tmp_path / "x"
    path.write_bytes(bytes(60_000))
    before = book.of([path])
    data = bytearray(60_000)
    data[max(0, place - 2000) : place + 2000] = b"x" * len(data[max(0, place - 2000) : place + 2000])
    replaced(path, bytes(data))
    assert book.of([path]).sha256 != before.sha256


def test_between_two_samples_the_time_of_change_tells(book: HashBook, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(bytes(60_000))
    os.utime(path, ns=(1, 1))
    before = book.of([path])
    with open(path, "r+b") as file:
        file.seek(150)
        file.write(b"x")
    assert book.of([path]).sha256 == before.sha256
    assert book.of([path]).key != before.key


def test_of_a_sequence_each_picture_and_their_order_count(book: HashBook, tmp_path: Path) -> None:
    for size in (100, 2000):
        paths = [tmp_path / f"{size}-{n}.png" for n in range(5)]
        for n, path in enumerate(paths):
            path.write_bytes(bytes([n]) * size)
        before = book.of(paths)
        assert book.of(paths[::-1]).key != before.key and book.of(paths[:4]).key != before.key
        moved = [path.rename(path.with_name(f"moved-{path.name}")) for path in paths]
        assert book.of(moved) == before
        replaced(moved[3], bytes([9]) * size)
        assert book.of(moved).key != before.key


def test_files_that_are_read_whole_are_told_by_each(book: HashBook, tmp_path: Path) -> None:
    paths = [tmp_path / "a", tmp_path / "b"]
    for path in paths:
        path.write_bytes(bytes(60_000))
    before = book.of(paths, whole=True)
    data = bytearray(60_000)
    data[150] = 1
    replaced(paths[1], bytes(data))
    assert book.of(paths, whole=True) != before and not before.times


def test_what_is_no_file_is_named_and_never_waited_for(book: HashBook, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (
        tmp_path,
        tmp_path / "pipe",
        Path("/dev/zero"),
        Path("/dev/null"),
        tmp_path / ("x" * 300),
        Path("a\0"),
    ):
        with pytest.raises(MediaUnreadable):
            book.of([path])
    with pytest.raises(MediaUnreadable, match="it is a folder"):
        book.of([tmp_path])
    with pytest.raises(MediaMissing):
        book.of([tmp_path / "none"])


def test_a_file_never_takes_the_name_of_a_device_or_a_pipe(tmp_path: Path) -> None:
    """Whoever is root may rename over /dev/null."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputUnwritable, match="device or a pipe"), written(tmp_path / "pipe") as aside:
        aside.write_text("x")
    assert (tmp_path / "pipe").is_fifo() and [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_a_movie_is_told_by_samples_unless_all_of_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(bytes(5000))
    assert content_of([path], whole=True).sha256 == hashlib.sha256(bytes(5000)).hexdigest()
    assert content_of([path]).sha256 != hashlib.sha256(bytes(5000)).hexdigest()
