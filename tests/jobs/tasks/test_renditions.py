from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from restrip.jobs.tasks.renditions import Renditions
from restrip.media import Frame, MovieWriter
from restrip.timeline import Rate

FRAMES = [Frame(np.full((48, 64, 3), 40 * n, np.uint8)) for n in range(4)]
NAMES = ["left", "right", "joint"]


class Opened:
    """Opens writers in a folder, and knows which."""

    def __init__(self, folder: Path, kind: str = "h264") -> None:
        self.folder, self.kind, self.names = folder, kind, []
        folder.mkdir()

    def __call__(self, name: str) -> MovieWriter:
        self.names.append(name)
        ending = ".mp4" if self.kind == "h264" else ""
        return MovieWriter(self.folder / f"{name}{ending}", (64, 48), Rate.of(25), self.kind)


def written(opened: Opened, alike: bool, names: list[str] = NAMES) -> Renditions:
    with Renditions(names, opened) as renditions:
        for frame in FRAMES:
            for writer in renditions.writers(alike).values():
                writer.write(frame)
    return renditions


@pytest.mark.parametrize("kind", ["h264", "png"])
def test_twins_are_encoded_once_and_are_the_same_files(tmp_path: Path, kind: str) -> None:
    both, once = Opened(tmp_path / "both", kind), Opened(tmp_path / "once", kind)
    assert not written(both, alike=False).twins and both.names == NAMES
    assert written(once, alike=True).twins and once.names == ["left", "joint"]
    files = [sorted(p.relative_to(o.folder) for p in o.folder.rglob("*")) for o in (both, once)]
    assert files[0] == files[1] and any(str(file).startswith("right") for file in files[0])
    for file in files[0]:
        if (both.folder / file).is_file():
            assert (both.folder / file).read_bytes() == (once.folder / file).read_bytes()


@pytest.mark.parametrize("names", [["left"], ["right"], ["joint"]])
def test_a_rendition_alone_has_no_twin(tmp_path: Path, names: list[str]) -> None:
    opened = Opened(tmp_path / "out")
    assert not written(opened, alike=True, names=names).twins
    assert opened.names == names and [p.stem for p in opened.folder.iterdir()] == names


def test_twins_that_part_are_no_twins(tmp_path: Path) -> None:
    opened = Opened(tmp_path / "out")
    with pytest.raises(RuntimeError, match="alike"), Renditions(NAMES, opened) as renditions:
        renditions.writers(True)["left"].write(FRAMES[0])
        renditions.writers(False)
    assert list(opened.folder.iterdir()) == []
