"""From a marker in Resolve to strips on its timeline with the real engine: a small clip, a built-in look."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from double import MediaFile
from restrip_resolve.actions.context import Context
from restrip_resolve.console import Console
from restrip_resolve.engine import connect
from restrip_resolve.menu import run
from restrip_resolve.settings import settings_path
from stage import Stage

from restrip.client.client import EngineUnreachable
from restrip.client.client import connect as connect_client


class Disk(dict[str, MediaFile]):
    """What the double can import: any movie that is really there, as PyAV reads it."""

    def get(self, path: str, default: Any = None) -> Any:
        if not Path(path).is_file():
            return super().get(path, default)
        with av.open(path) as movie:
            stream = movie.streams.video[0]
            frames = sum(1 for packet in movie.demux(stream) if packet.size)
            assert stream.average_rate is not None
            rate = f"{float(stream.average_rate):.3f}".rstrip("0").rstrip(".")
        return MediaFile(frames, rate, (stream.width, stream.height))


def moved_key(clip: Path, n: int, path: Path) -> Path:
    """A frame of the clip in other colours, returned by another program four pixels to the right and two down."""
    with av.open(str(clip)) as movie:
        rgb = next(frame for i, frame in enumerate(movie.decode(video=0)) if i == n).to_ndarray(format="rgb24")
    key = np.roll(255 - rgb[..., ::-1] // 2, (2, 4), (0, 1))
    av.VideoFrame.from_ndarray(np.ascontiguousarray(key), "rgb24").to_image().save(path)
    return path


@pytest.fixture
def _engine() -> Iterator[None]:
    yield
    # Its last reply may not reach us any more.
    with contextlib.suppress(EngineUnreachable), connect_client("test", start=False) as client:
        client.quit()


@pytest.mark.slow
@pytest.mark.usefixtures("_engine")
def test_from_markers_to_dissolves(carphone: Path, tmp_path: Path) -> None:
    clip = tmp_path / "carphone.mp4"
    shutil.copy(carphone, clip)
    settings_path().parent.mkdir(parents=True)
    settings_path().write_text(f"folder = {tmp_path}/out\nlook = neural:19\nfade = 4\n", "utf-8")
    stage = Stage.of("21.1", rate="29.97", start=108000)
    stage.double.world.disk = Disk()
    media = stage.double.media(str(clip), 120)
    stage.double.item(media, 20, 14, left=30)
    stage.double.timeline.playhead = 108025
    image = moved_key(clip, 33, tmp_path / "from elsewhere.png")
    for frame, note in ((23, f"image: {image}"), (30, "")):
        marker = {"color": "Cyan", "name": "Marker 1", "note": note, "duration": 1, "customData": ""}
        stage.double.timeline.markers[float(frame)] = marker
    opened: list[Path] = []
    context = Context(stage.double.resolve, Console(stage.said.append), connect, lambda path: not opened.append(path))
    assert run("stylize", context), stage.text()
    items = sorted(stage.double.timeline.video[1].items, key=lambda item: (item.kind, item.start))
    strips = [item for item in items if item.kind == "clip"]
    (dissolve,) = (item for item in items if item.kind == "transition")
    assert len(strips) == 2
    assert (strips[0].start, strips[1].end) == (108020, 108034) and strips[0].end == strips[1].start
    assert dissolve.length == 4 and dissolve.start + 2 == strips[0].end
    # Each strip holds all frames up to the neighbouring key, so that the seam can be dragged.
    assert [item.media.file.frames for item in strips if item.media and item.media.file] == [10, 11]
    assert not stage.double.world.misuse
    # The clip's pixels are 12:11, and it is told in square ones.
    assert re.search(r"key \d+ was moved 4\.[34] px right and 2\.0 px down: set back", stage.text()), stage.text()
    assert run("place", context) and "no finished result" in stage.text()
    assert run("settings", context), stage.text()
    assert opened == [settings_path()]
    text = settings_path().read_text("utf-8")
    assert "\nlook = neural:19\n" in text and text.count("\n#") > 20
