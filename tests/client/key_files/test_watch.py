"""Pictures of keys while other programs save them, looked at with a clock of the test's own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from restrip.client.key_files.news import KeyNews
from restrip.client.key_files.places import KeyPlaces
from restrip.client.key_files.watch import GONE_S, MOST_WAIT_S, QUIET_S, KeyWatch

END = b"IEND\xaeB`\x82"


def png(text: str) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + text.encode() + END


class Painter:
    """A folder with keys 0 and 45, its watch, and the time."""

    def __init__(self, folder: Path, frames: frozenset[int] | None = frozenset({0, 45})) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        for name in ("key_00000.png", "key_00045.png"):
            self.save(name, "as exported")
        self.now = 100.0
        self.watch = KeyWatch(KeyPlaces(folder=str(folder), frames=frames), clock=lambda: self.now)

    def save(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_bytes(png(text))
        return path

    def after(self, seconds: float) -> KeyNews:
        """What is told after so long, in looks of half a second; troubles, paths and sentences of all of them."""
        looks = []
        for _ in range(round(seconds / 0.5)):
            self.now += 0.5
            looks.append(self.watch.look())
        lists = {name: sum((getattr(look, name) for look in looks), ()) for name in KeyNews.__dataclass_fields__}
        return KeyNews(**lists)


def names(paths: tuple[str, ...]) -> list[str]:
    return [os.path.basename(path) for path in paths]


@pytest.fixture
def painter(tmp_path: Path) -> Painter:
    return Painter(tmp_path / "keys")


def test_nothing_is_told_of_keys_that_nobody_touches(painter: Painter) -> None:
    assert painter.after(20) == KeyNews()


def test_a_key_that_is_saved_is_told_once_when_it_is_still(painter: Painter) -> None:
    painter.save("key_00045.png", "blue")
    assert not painter.after(QUIET_S - 0.5).changed
    look = painter.after(20)
    assert names(look.saved) == ["key_00045.png"] and look.said() == "key_00045.png was saved."
    assert not (look.added or look.removed or look.troubles)


def test_a_burst_of_saves_of_several_keys_counts_once(painter: Painter) -> None:
    told = []
    for n in range(6):
        painter.save("key_00045.png", f"stroke {n}")
        if n == 3:
            painter.save("key_00000.png", "sky")
        told.append(painter.after(0.5))
    assert not any(look.changed for look in told)
    looks = []
    for _ in range(20):
        looks.append(painter.after(0.5))
    changed = [look for look in looks if look.changed]
    assert len(changed) == 1 and sorted(names(changed[0].saved)) == ["key_00000.png", "key_00045.png"]


def test_one_that_is_saved_without_end_holds_up_no_other_for_long(painter: Painter) -> None:
    painter.save("key_00000.png", "ready")
    seen: list[str] = []
    for n in range(round(2 * MOST_WAIT_S / 0.5)):
        painter.save("key_00045.png", f"autosave {n}")
        seen += names(painter.after(0.5).saved)
    assert seen == ["key_00000.png"]


def test_a_file_that_grows_is_waited_for(painter: Painter) -> None:
    whole = png("a large picture " * 40)
    for part in range(1, 10):
        (painter.folder / "key_00045.png").write_bytes(whole[: len(whole) * part // 10])
        assert not painter.after(QUIET_S + 1).changed  # A slow drive: still for a while, and not whole.
    (painter.folder / "key_00045.png").write_bytes(whole)
    assert names(painter.after(3).saved) == ["key_00045.png"]


def test_one_that_stays_unfinished_is_named_once_and_taken_when_it_is_whole(painter: Painter) -> None:
    (painter.folder / "key_00045.png").write_bytes(b"")
    look = painter.after(3 * MOST_WAIT_S)
    assert not look.changed and [error.code for error in look.troubles] == ["key-half-saved"]
    painter.save("key_00045.png", "whole at last")
    assert names(painter.after(3).saved) == ["key_00045.png"]


def test_a_save_by_renaming_and_one_by_deleting_count_like_any_other(painter: Painter, tmp_path: Path) -> None:
    painter.save("~key_00045.png", "aside")  # A name of a program's own, which ends like a key's.
    assert not painter.after(3).changed
    os.replace(painter.folder / "~key_00045.png", painter.folder / "key_00045.png")
    assert names(painter.after(3).saved) == ["key_00045.png"]
    (painter.folder / "key_00045.png").unlink()
    assert painter.after(1) == KeyNews()
    painter.save("key_00045.png", "written anew")
    look = painter.after(5)
    assert names(look.saved) == ["key_00045.png"] and not look.troubles and not look.removed


def test_temporary_files_of_programs_are_no_keys(painter: Painter) -> None:
    for name in (
        ".key_00045.png",
        "key_00045.png~",
        "key_00045.png.kra-tmp",
        "key_00045.tmp",
        "~psd45.png",
        "note.txt",
    ):
        painter.save(name, "x")
    assert painter.after(5) == KeyNews()


def test_the_same_picture_saved_again_is_nothing_new(painter: Painter) -> None:
    painter.save("key_00045.png", "blue")
    assert painter.after(3).changed
    painter.save("key_00045.png", "blue")
    assert painter.after(5) == KeyNews()


def test_another_picture_of_the_same_size_and_time_is_found(painter: Painter) -> None:
    painter.save("key_00045.png", "blue")
    seen = os.stat(painter.folder / "key_00045.png")
    assert painter.after(1.5).changed
    painter.save("key_00045.png", "teal")
    os.utime(painter.folder / "key_00045.png", ns=(seen.st_atime_ns, seen.st_mtime_ns))
    assert names(painter.after(8).saved) == ["key_00045.png"]


def test_a_key_that_is_gone_is_named_and_waited_for(painter: Painter) -> None:
    before = (painter.folder / "key_00045.png").read_bytes()
    (painter.folder / "key_00045.png").unlink()
    look = painter.after(GONE_S + 5)
    assert [error.code for error in look.troubles] == ["key-file-gone"] and not look.changed
    (painter.folder / "key_00045.png").write_bytes(before)
    look = painter.after(5)
    assert look.well == ("key_00045.png is back.",)


def test_a_folder_that_vanishes_is_named_once_and_goes_on_when_it_is_back(painter: Painter, tmp_path: Path) -> None:
    painter.folder.rename(tmp_path / "elsewhere")
    look = painter.after(30)
    assert [error.code for error in look.troubles] == ["key-folder-gone"] and not look.changed
    (tmp_path / "elsewhere" / "key_00000.png").write_bytes(png("painted meanwhile"))
    (tmp_path / "elsewhere").rename(painter.folder)
    look = painter.after(5)
    assert look.well and names(look.saved) == ["key_00000.png"] and not look.troubles


def test_a_drive_that_is_taken_out_leaves_an_empty_folder(painter: Painter) -> None:
    kept = {path.name: path.read_bytes() for path in painter.folder.iterdir()}
    for name in kept:
        (painter.folder / name).unlink()
    look = painter.after(10)
    assert [error.code for error in look.troubles] == ["key-folder-gone"] and not look.removed
    for name, content in kept.items():
        (painter.folder / name).write_bytes(content)
    assert painter.after(5).well


def test_where_the_folder_says_what_is_a_key_pictures_come_and_go(tmp_path: Path) -> None:
    painter = Painter(tmp_path / "keys", frames=None)
    painter.save("key_00060.png", "one more")
    assert names(painter.after(5).added) == ["key_00060.png"]
    (painter.folder / "key_00045.png").rename(painter.folder / "key_00047.png")
    looks = [look for look in (painter.after(0.5) for _ in range(12)) if look.changed]
    assert len(looks) == 1 and looks[0].said() == "key_00047.png is new, key_00045.png is gone."


def test_a_picture_of_a_frame_that_is_no_key_is_said(painter: Painter) -> None:
    painter.save("key_00060.png", "no key")
    look = painter.after(5)
    assert names(look.unused) == ["key_00060.png"] and not look.changed


def test_single_pictures_are_watched_wherever_they_lie(tmp_path: Path) -> None:
    path = tmp_path / "wave.psd.png"
    path.write_bytes(png("one"))
    now = [0.0]
    watch = KeyWatch(KeyPlaces((str(path),)), clock=lambda: now[0])
    path.write_bytes(png("two"))
    told = []
    for _ in range(6):
        now[0] += 0.5
        told.append(watch.look())
    assert [look.said() for look in told if look.changed] == ["wave.psd.png was saved."]


def test_a_folder_that_is_missing_at_first_is_named_and_its_keys_are_new_when_it_comes(tmp_path: Path) -> None:
    painter = Painter(tmp_path / "keys")
    shutil.rmtree(painter.folder)
    now = [0.0]
    watch = KeyWatch(KeyPlaces(folder=str(painter.folder), frames=frozenset({0})), clock=lambda: now[0])

    def after(seconds: float) -> list[KeyNews]:
        looks = []
        for _ in range(round(seconds / 0.5)):
            now[0] += 0.5
            looks.append(watch.look())
        return looks

    assert [error.code for look in after(10) for error in look.troubles] == ["key-folder-gone"]
    painter.folder.mkdir()
    painter.save("key_00000.png", "new")
    assert [names(look.added) for look in after(5) if look.changed] == [["key_00000.png"]]


def test_a_watch_goes_on_when_other_keys_are_wanted(painter: Painter) -> None:
    painter.save("key_00045.png", "saved in the moment of the change")
    painter.save("key_00060.png", "becomes a key")
    painter.watch.follow(KeyPlaces(folder=str(painter.folder), frames=frozenset({45, 60})))
    look = painter.after(5)
    assert names(look.saved) == ["key_00045.png"] and not look.added and not look.troubles
    painter.save("key_00000.png", "no key any more")
    assert painter.after(5) == KeyNews()
    painter.save("key_00060.png", "and is saved again")
    assert names(painter.after(5).saved) == ["key_00060.png"]


def test_a_document_beside_the_exported_picture_is_the_key_and_that_isnt_missed(
    painter: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("restrip.timeline.exported_keys.is_untouched", lambda path: str(path).endswith("00045.png"))
    picture = painter.save("key_00045.webp", "painted")
    news = painter.after(12)
    assert names(news.added) == [picture.name] and not news.saved and not news.removed and not news.troubles
    painter.save(picture.name, "and painted on")
    assert names(painter.after(4).saved) == [picture.name]
