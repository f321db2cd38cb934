"""Plans: exactly which frames of which file lie where, for each way of making seams."""

from __future__ import annotations

from itertools import pairwise

import pytest
from restrip_resolve.placing.plan import Dissolve, Piece, SeamsUnavailable, methods, plan_of
from stage import manifest_of, spec_of

from restrip.client.job import Output
from restrip.timeline import FrameRange

START = 90000
MANIFEST = manifest_of(spec_of(30, (10, 20)), {1: (12, 18)})


def places(pieces: tuple[Piece, ...]) -> list[tuple[int, int, int, int]]:
    return [(p.layer, p.record - START, p.first, p.length) for p in pieces]


def test_transitions_cut_in_the_middle_of_the_fade() -> None:
    plan = plan_of(MANIFEST, START, "transitions")
    # Strip 0 holds frames 0..20, strip 1 frames 10..30; the cut lies at 15.
    assert places(plan.pieces) == [(0, 0, 0, 15), (0, 15, 5, 15)]
    assert plan.dissolves == (Dissolve(0, FrameRange(START + 12, START + 18)),)
    assert [p.file_frames for p in plan.pieces] == [20, 20]


@pytest.mark.parametrize(("late", "cut"), [(False, 14), (True, 15)])
def test_an_odd_fade_can_be_rounded_either_way(late: bool, cut: int) -> None:
    plan = plan_of(manifest_of(spec_of(30, (10, 20)), {1: (12, 17)}), START, "transitions", late=late)
    assert places(plan.pieces) == [(0, 0, 0, cut), (0, cut, cut - 10, 30 - cut)]
    assert plan.dissolves[0].frames == FrameRange(START + 12, START + 17)


@pytest.mark.parametrize(("fade", "cut"), [((14, 14), 14), ((14, 15), 15)])
def test_fades_of_no_and_of_one_frame_are_cuts(fade: tuple[int, int], cut: int) -> None:
    """A fade of one frame mixes nothing: its only frame shows the left strip."""
    plan = plan_of(manifest_of(spec_of(30, (10, 20)), {1: fade}), START, "transitions")
    assert places(plan.pieces) == [(0, 0, 0, cut), (0, cut, cut - 10, 30 - cut)]
    assert plan.dissolves == ()


def test_two_tracks_alternate_and_the_upper_fades() -> None:
    manifest = manifest_of(spec_of(100, (10, 40, 70)), {1: (20, 28), 2: (50, 60)})
    plan = plan_of(manifest, START, "fusion")
    assert places(plan.pieces) == [(0, 0, 0, 28), (1, 20, 10, 40), (0, 50, 10, 50)]
    assert [p.opacity for p in plan.pieces] == [(), ((0, 0.0), (8, 1.0), (30, 1.0), (40, 0.0)), ()]
    assert plan.layers == 2


def test_one_key_needs_one_track_and_no_seam() -> None:
    plan = plan_of(manifest_of(spec_of(50, (20,))), START, "fusion")
    assert plan.layers == 1 and places(plan.pieces) == [(0, 0, 0, 50)]


def test_baked_is_one_piece() -> None:
    manifest = manifest_of(spec_of(30, (10, 20), output=Output(baked=True)))
    assert places(plan_of(manifest, START, "baked").pieces) == [(0, 0, 0, 30)]


def test_cuts_have_no_dissolves() -> None:
    plan = plan_of(MANIFEST, START, "cuts")
    assert places(plan.pieces) == [(0, 0, 0, 15), (0, 15, 5, 15)] and plan.dissolves == ()


def test_a_shot_border_is_a_cut_everywhere() -> None:
    manifest = manifest_of(spec_of(40, (10, 30), cuts=(22,)))
    for method in ("transitions", "fusion", "cuts", "nested"):
        plan = plan_of(manifest, START, method)
        assert [(p.record - START, p.length, p.first) for p in plan.pieces] == [(0, 22, 0), (22, 18, 0)]
        assert plan.dissolves == () and not any(p.opacity for p in plan.pieces)


def test_a_result_with_a_gap_is_refused() -> None:
    from dataclasses import replace

    broken = replace(MANIFEST, strips=MANIFEST.strips[1:], fades=())
    with pytest.raises(SeamsUnavailable, match="gap"):
        plan_of(broken, START, "cuts")
    with pytest.raises(SeamsUnavailable, match="shorter"):
        plan_of(replace(MANIFEST, strips=MANIFEST.strips[:1], fades=()), START, "cuts")
    with pytest.raises(SeamsUnavailable, match="more than its file"):
        plan_of(manifest_of(spec_of(30, (10, 20)), {1: (18, 22)}), START, "fusion")


@pytest.mark.parametrize(
    ("choice", "dissolves", "baked", "ways"),
    [
        ("auto", True, True, ("transitions", "baked", "fusion")),
        ("auto", True, False, ("transitions", "fusion")),
        ("auto", False, True, ("baked", "fusion")),
        ("auto", False, False, ("fusion",)),
        ("nested", False, False, ("nested",)),
        ("cuts", True, True, ("cuts",)),
    ],
)
def test_ways_in_their_order(choice: str, dissolves: bool, baked: bool, ways: tuple[str, ...]) -> None:
    manifest = manifest_of(spec_of(30, (10, 20), output=Output(baked=baked)))
    assert methods(manifest, choice, dissolves=dissolves) == ways


def test_results_without_seams_are_just_put_there() -> None:
    assert methods(manifest_of(spec_of(30, (10,))), "auto", dissolves=True) == ("cuts",)


@pytest.mark.parametrize("choice", ["transitions", "baked"])
def test_a_way_that_isnt_there_is_refused_with_the_remedy(choice: str) -> None:
    with pytest.raises(SeamsUnavailable, match="auto"):
        methods(MANIFEST, choice, dissolves=False)


def test_one_strip_a_shot_of_every_frame_mode() -> None:
    """There the strips' keys are those of the shots' first frames, far apart."""
    from dataclasses import replace

    from restrip.client.job import StripFile
    from restrip.timeline import Crossfade

    edges = (0, 12, 30, 40)
    strips = tuple(
        StripFile(first, FrameRange(first, end), FrameRange(first, end), f"/s{first}.mp4", "")
        for first, end in pairwise(edges)
    )
    fades = tuple(Crossfade(a.key, b.key, FrameRange(b.key, b.key)) for a, b in pairwise(strips))
    manifest = replace(manifest_of(spec_of(40, tuple(range(40)))), strips=strips, fades=fades)
    for method in ("transitions", "fusion", "cuts"):
        plan = plan_of(manifest, START, method)
        assert [(p.record - START, p.first, p.length) for p in plan.pieces] == [(0, 0, 12), (12, 0, 18), (30, 0, 10)]
    assert methods(manifest, "auto", dissolves=True) == ("cuts",)
