"""A job cut off at any step that changes the disk, and gone on with, ends with the very same files.

The cut is made in this process: from the n-th change on, every change of the disk fails with an exception that nothing
catches, so that not even cleaning up succeeds, as after kill -9 or a power cut.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from job_bench import Hand, Little

from restrip.client.job import JobSpec, Manifest, Output
from restrip.jobs.cache import Cache

CHANGES = ("fsync", "replace", "rename", "unlink", "mkdir", "rmdir", "link")


class PowerCut(KeyboardInterrupt):
    """Nothing can be changed any more, and the process is of no use: it is passed on as what ends one."""


@dataclass
class Disk:
    """Counts changes and fails from number `last` on."""

    last: int
    count: int = 0
    on_change: list[Callable[[str, tuple[Any, ...]], None]] = field(default_factory=list)

    def change(self, name: str, real: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self.count += 1
        if self.count >= self.last:
            raise PowerCut
        for look in self.on_change:
            look(name, args)
        return real(*args, **kwargs)


@contextmanager
def disk(last: int) -> Iterator[Disk]:
    made = Disk(last)
    with pytest.MonkeyPatch.context() as patch:
        for name in CHANGES:
            real = getattr(os, name)
            patch.setattr(os, name, lambda *a, _n=name, _r=real, **k: made.change(_n, _r, *a, **k))
        real_tree = shutil.rmtree
        patch.setattr(shutil, "rmtree", lambda *a, **k: made.change("rmtree", real_tree, *a, **k))
        yield made


def job(little: Little, job_id: str, out: Path) -> JobSpec:
    # Lossless, so that every bit counts.
    output = Output(folder=str(out), preview=True, otio=str(out / "a.otio"), format="ffv1")
    return little.job(job_id, 2, 6, length=9, output=output)


def go_on(hand: Hand, spec: JobSpec) -> Manifest:
    """What the engine does when a job is resumed."""
    Cache(hand.state).clear_incoming()
    shutil.rmtree(hand.folder(spec.job_id), ignore_errors=True)
    return hand.run(spec)


def files_of(manifest: Manifest) -> list[str]:
    assert Path(manifest.preview).stat().st_size > 1000 and Path(manifest.otio).exists()
    return [strip.sha256 for strip in manifest.strips]


def entries(hand: Hand) -> dict[Path, int]:
    """Every finished picture and movie in the cache, with its inode."""
    cache = hand.state / "cache"
    return {
        path: path.stat().st_ino
        for kind in ("keys", "segments")
        for facts in sorted((cache / kind).glob("??/*/facts.json"))
        for path in facts.parent.iterdir()
    }


def cut_and_go_on(little: Little, place: Path, last: int, whole: list[str]) -> int:
    """Cut at change `last`, go on, compare. Returns how many entries were there already, -1 when it never came."""
    hand = Hand(place / "state")
    spec = job(little, "job-1", place / "out")
    try:
        with disk(last):
            hand.run(spec)
        return -1
    except PowerCut:
        pass
    there = entries(hand)
    manifest = go_on(hand.again(), spec)
    assert files_of(manifest) == whole
    assert entries(hand).items() >= there.items(), "something finished was rendered again"
    assert not list((hand.state / "cache" / "incoming").glob("*"))
    return len(there)


@pytest.fixture(scope="module")
def whole(little: Little, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], int]:
    """The files of an undisturbed job, and how many changes it made."""
    place = tmp_path_factory.mktemp("whole")
    # Once before: the first one also keeps kernels that it compiles, which are changes of the disk too.
    Hand(place / "first").run(job(little, "job-1", place / "first-out"))
    with disk(10**9) as made:
        manifest = Hand(place / "state").run(job(little, "job-1", place / "out"))
    return files_of(manifest), made.count


def test_a_cut_now_and_then(little: Little, tmp_path: Path, whole: tuple[list[str], int]) -> None:
    files, changes = whole
    assert changes > 80
    there = [
        cut_and_go_on(little, _made(tmp_path / str(last)), last, files) for last in range(3, changes, changes // 9)
    ]
    assert there == sorted(there) and there[0] == 0 and there[-1] > 4


@pytest.mark.slow
def test_a_cut_at_every_change(little: Little, tmp_path: Path, whole: tuple[list[str], int]) -> None:
    files, changes = whole
    for last in range(1, changes + 2):
        if cut_and_go_on(little, _made(tmp_path / str(last)), last, files) < 0:
            assert last > changes - 10
            return
    raise AssertionError("the job made more changes than the undisturbed one")


def _made(path: Path) -> Path:
    path.mkdir()
    return path


def test_files_are_on_the_disk_before_anything_names_them(little: Little, tmp_path: Path) -> None:
    """When an entry, a job's state or a manifest takes its name, what it names was flushed before."""
    flushed: set[int] = set()
    named: list[str] = []

    def look(name: str, args: tuple[Any, ...]) -> None:
        if name == "fsync":
            flushed.add(os.fstat(args[0]).st_ino)
        elif name in ("rename", "replace"):
            source = Path(args[0])
            named.append(Path(args[1]).name)
            inside = [path for path in source.rglob("*") if path.is_file()] if source.is_dir() else [source]
            for path in inside:
                assert path.stat().st_ino in flushed, f"{path} is named before it is on the disk"

    with disk(10**9) as made:
        made.on_change.append(look)
        manifest = Hand(tmp_path / "state").run(job(little, "job-1", tmp_path / "out"))
    for strip in manifest.strips:
        assert Path(strip.file).stat().st_ino in flushed
    assert named[-1] == "manifest.json" and named.count("manifest.json") == 2
    assert Path(manifest.strips[-1].file).name in named
