"""Work that is recorded once and played from then on, by a stand-in for CUDA graphs."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scenes import Pictures, negative, occluder, styled, texture

from restrip.propagate import PropagateSettings
from restrip.timeline import FrameRange

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

from taped import TapeRecorder, taped_stages  # noqa: E402

from restrip.propagate.gpu import segment_walk  # noqa: E402
from restrip.propagate.gpu.graphs import Graphs  # noqa: E402
from restrip.propagate.gpu.segment_walk import SegmentWalk  # noqa: E402

SIZE = (48, 36)


def carried(frames, keys, notes=None, stages=None, **settings):
    """A segment, and how much was recorded for it."""
    stages, recorder = stages or taped_stages()
    first, end = 0 if keys[0] is None else keys[0].frame, len(frames) if keys[1] is None else keys[1].frame
    window, notes = Pictures(frames, FrameRange(first, end)), [] if notes is None else notes
    report = lambda done, total, note="": notes.append(note)  # noqa: E731
    out = list(SegmentWalk(window, keys, PropagateSettings(baked=True, **settings), report, stages).frames())
    return [[getattr(one, name) for name in ("left", "right", "baked")] for one in out], recorder.count


def same(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        for a, b in zip(one, other, strict=True):
            assert (a is None) == (b is None)
            if a is not None:
                np.testing.assert_array_equal(a.rgb, b.rgb)


@pytest.fixture(scope="module")
def moving():
    return occluder(5, SIZE, (2, 1))[0]


def keys_of(frames, strange, last=4):
    """A negative as the look, or two paints."""
    if strange:
        return styled(frames, 0, texture(SIZE, 71, 1.0)), styled(frames, last, texture(SIZE, 72, 1.0))
    return tuple(styled(frames, n, negative(frames[n])) for n in (0, last))


@pytest.mark.parametrize(
    ("settings", "recorded"),
    [
        ({"strokes": "smooth"}, 2),  # motion, and a frame
        ({"strokes": "crisp"}, 4),  # and both keys' pieces
        ({"strokes": "smooth", "fade": FrameRange(2, 3), "lean": 0.0}, 2),  # strips of one key each
        ({"strokes": "crisp", "quick": True}, 4),
    ],
)
def test_a_segment_is_the_same_to_the_bit(moving, settings, recorded):
    keys = keys_of(moving, settings["strokes"] == "crisp")
    plain, none = carried(moving, keys, **settings)
    played, count = carried(moving, keys, notes := [], graphs=True, **settings)
    same(played, plain)
    assert (none, count, [note for note in notes if note]) == (0, recorded, [])
    assert any(np.any(a[0].rgb != b[0].rgb) for a, b in pairwise(plain[1:]))


@pytest.mark.parametrize("side", [0, 1])
def test_a_segment_of_one_key_is_the_same(moving, side):
    keys = list(keys_of(moving, True))
    keys[1 - side] = None
    frames = moving[:4] if side else moving
    for strokes in ("smooth", "crisp"):
        plain = carried(frames, tuple(keys), strokes=strokes)[0]
        played, count = carried(frames, tuple(keys), graphs=True, strokes=strokes)
        same(played, plain)
        assert count >= 2


def test_strokes_over_an_average_and_walks_in_blocks_are_the_same(moving, monkeypatch):
    """One key's motion is walked again while the other's is on its way: they share what is recorded."""
    monkeypatch.setattr(segment_walk, "block_frames", lambda size: 2)
    monkeypatch.setattr(segment_walk, "field_block_frames", lambda size: 2)
    parts = lambda left, *rest: torch.linspace(0, 1, left.shape[1]).expand(left.shape[:2]).contiguous()  # noqa: E731
    monkeypatch.setattr(segment_walk, "parts_of", parts)
    deep = [frame.astype(np.uint16) * 257 for frame in moving]
    keys = tuple(styled(deep, key.frame, key.picture.rgb.astype(np.uint16) * 257) for key in keys_of(moving, True))
    plain = carried(deep, keys)[0]
    played, count = carried(deep, keys, graphs=True)
    same(played, plain)
    assert count == 4


def test_what_is_played_and_differs_is_dropped_and_told(moving):
    class Wrong(TapeRecorder):
        def __call__(self, function):
            play, out = super().__call__(function)

            def wrong():
                play()
                next(iter(out.values())).flatten()[3:4].add_(1)

            return wrong, out

    class Refusing(TapeRecorder):
        def __call__(self, function):
            self.count += 1
            raise RuntimeError("operation not permitted when stream is capturing\nmore")

    plain = carried(moving, keys_of(moving, False), strokes="smooth")[0]
    for kind, why in ((Wrong, "isn't what was recorded"), (Refusing, "is capturing.")):
        recorder, notes = kind(), []
        stages = replace(taped_stages()[0], recorder=lambda recorder=recorder: recorder)
        played, count = carried(
            moving, keys_of(moving, False), notes, (stages, recorder), strokes="smooth", graphs=True
        )
        same(played, plain)
        notes = [note for note in notes if note]
        assert count == 1 and len(notes) == 1 and why in notes[0], notes


def test_work_is_recorded_once_for_each_shape_and_owns_what_it_gives():
    recorder, starts = TapeRecorder(), []

    def work(given):
        starts.append(len(given["a"]))
        return {"sum": given["a"] + given["b"], "a": given["a"]}

    graphs = Graphs(recorder)
    add = graphs.work("add", work)
    with torch.inference_mode():
        made = [add({"a": torch.full((n,), float(n)), "b": torch.ones(n)}) for n in (2, 2, 3, 2, 3)]
        two = torch.full((2,), 8.0)
        last = graphs.work("add", work)({"a": two, "b": torch.ones(2)})
        assert last["sum"].tolist() == [9, 9]
        last["a"].zero_()
    assert [one["sum"].tolist() for one in made] == [[3, 3], [3, 3], [4, 4, 4], [3, 3], [4, 4, 4]]
    assert starts == [2, 2, 3, 3] and recorder.count == 2
    assert two.tolist() == [8, 8]
    graphs.close()
    assert graphs.work("add", work)({"a": two, "b": two})["sum"].tolist() == [16, 16] and recorder.count == 2
