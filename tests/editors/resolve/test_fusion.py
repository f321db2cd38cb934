"""Fades as compositions: written into Resolve's text, read back, and evaluated frame by frame."""

from __future__ import annotations

import pytest
from double.comp import EMPTY, Parser, opacity, write
from restrip_resolve.placing.comp_text import BadComp, Table, read_comp
from restrip_resolve.placing.fusion import fade_in, with_fade
from restrip_resolve.placing.plan import Piece, plan_of
from stage import manifest_of, spec_of

from restrip.timeline import mix_at

SIZE = (1280, 720)


def base(piece: Piece) -> str:
    first = -piece.first
    return EMPTY % {"first": first, "last": first + piece.file_frames - 1, "frames": piece.file_frames}


def shown(piece: Piece, frame: int) -> float:
    """How opaque a placed piece is at the absolute `frame`."""
    if not piece.opacity:
        return 1.0
    comp = Parser(with_fade(base(piece), piece, SIZE)).parse()
    # What Resolve exports again is laid out anew; it must still say the same.
    comp = Parser(write(comp)).parse()
    return opacity(comp, frame - piece.record, SIZE)


@pytest.mark.parametrize(
    ("keys", "fades"),
    [
        ((10, 40, 70), {1: (10, 40), 2: (40, 70)}),
        ((10, 40, 70), {1: (20, 28), 2: (55, 56)}),
        ((10, 40, 70), {1: (39, 40), 2: (40, 47)}),
        ((10, 40, 70), {1: (25, 25), 2: (50, 58)}),
        ((10, 40, 70), {1: (20, 28), 2: (50, 50)}),
        ((0, 1, 2, 99), {1: (0, 1), 2: (1, 2), 3: (3, 98)}),
        ((5, 50), {1: (6, 13)}),
        ((5,), {}),
    ],
)
def test_every_frame_mixes_as_asked_for(keys: tuple[int, ...], fades: dict[int, tuple[int, int]]) -> None:
    """Over the lower strips, each frame is the mix of the manifest's fade that covers it."""
    manifest = manifest_of(spec_of(100, keys), fades)
    plan = plan_of(manifest, 86400, "fusion")
    for frame in range(100):
        absolute = 86400 + frame
        weights: dict[str, float] = {}
        covered = 1.0
        for piece in sorted(plan.pieces, key=lambda piece: -piece.layer):
            if piece.record <= absolute < piece.end and covered > 0:
                alpha = shown(piece, absolute)
                weights[piece.file] = covered * alpha
                covered *= 1 - alpha
        wanted: dict[str, float] = {}
        left = 1.0
        for fade in reversed(manifest.fades):  # The strip right of the last fade that has begun, and so on to the left.
            mix = mix_at(fade, frame)
            wanted[manifest.strips[fade.right].file] = left * mix
            left *= 1 - mix
        wanted[manifest.strips[0].file] = left
        for file, weight in wanted.items():
            assert weights.get(file, 0.0) == pytest.approx(weight, abs=1e-6), (frame, file)


def piece(opacity: tuple[tuple[int, float], ...] = ((0, 0.0), (12, 1.0)), first: int = 5) -> Piece:
    return Piece("/b.mp4", 60, 1, 86500, first, 40, opacity)


def test_reading_back_gives_what_was_written() -> None:
    keys = ((0, 0.0), (7, 1.0), (30, 1.0), (41, 0.0))
    text = with_fade(base(piece(keys)), piece(keys), SIZE)
    assert fade_in(text) == [(0.0, 0.0), (7.0, 1.0), (30.0, 1.0), (41.0, 0.0)]
    assert fade_in(write(Parser(text).parse())) == fade_in(text)


def test_only_the_way_to_the_output_is_changed() -> None:
    """What Resolve wrote stays, byte for byte, but for the new tools and the one word that leads to them."""
    before, after = base(piece()), with_fade(base(piece()), piece(), SIZE)
    start = after.index("\n\t\tSeamBlend")
    end = after.index("\n\t\tMediaIn1 =")
    assert after[:start] + after[end:].replace('"SeamFade"', '"MediaIn1"', 1) == before


def test_the_background_lasts_as_long_as_the_file() -> None:
    long = Piece("/b.mp4", 5000, 1, 0, 100, 4000, ((0, 0.0), (4000, 1.0)))
    comp = Parser(with_fade(base(long), long, SIZE)).parse()
    assert opacity(comp, 3999, SIZE) == pytest.approx(3999 / 4000)
    assert opacity(comp, -100, SIZE) == 0.0


def test_a_fade_goes_between_what_is_there_and_the_output() -> None:
    text = (
        base(piece())
        .replace('SourceOp = "MediaIn1"', 'SourceOp = "Blur1"')
        .replace(
            "\t\tMediaOut1 =",
            '\t\tBlur1 = Blur { Inputs = { Input = Input { SourceOp = "MediaIn1", Source = "Output", }, }, },\n'
            "\t\tMediaOut1 =",
        )
    )
    tools = read_comp(with_fade(text, piece(), SIZE)).table("Tools")
    assert tools.get("SeamFade", "Inputs", "Foreground", "SourceOp").value == "Blur1"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda t: t.replace("MediaOut1 = MediaOut {", "MediaOut1 = Saver {"), "0 MediaOut"),
        (lambda t: t.replace("Tools = ordered()", "Gadgets = ordered()"), "no table Tools"),
        (lambda t: t.replace('SourceOp = "MediaIn1",', ""), "nothing leads"),
        (lambda t: t + "}", "expected|single"),
        (lambda t: t[:-30], "ends|expected"),
        (lambda t: t.replace("CurrentID = 4", "CurrentID = @"), "unknown"),
    ],
)
def test_compositions_that_are_not_understood_are_left_alone(change: object, why: str) -> None:
    with pytest.raises(BadComp, match=why):
        with_fade(change(base(piece())), piece(), SIZE)  # type: ignore[operator]


def test_a_second_fade_is_refused() -> None:
    with pytest.raises(BadComp, match="already"):
        with_fade(with_fade(base(piece()), piece(), SIZE), piece(), SIZE)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.replace('SourceOp = "SeamFade"', 'SourceOp = "MediaIn1"'),
        lambda t: t.replace(
            'Foreground = Input { SourceOp = "MediaIn1"', 'Foreground = Input { SourceOp = "SeamClear"'
        ),
        lambda t: t.replace("Blend = Input { SourceOp = ", "Blend = Input { Op = "),
        lambda t: t.replace("[12] = { 1, LH", "[12] = { LH"),
    ],
)
def test_a_fade_that_doesnt_show_is_noticed(change: object) -> None:
    with pytest.raises(BadComp):
        fade_in(change(with_fade(base(piece()), piece(), SIZE)))  # type: ignore[operator]


def test_the_reader_knows_the_whole_format() -> None:
    text = """-- a remark
Composition { A = ordered() { ["b c"] = FuID { "x\\"y" }; [0] = -1.5e3, }, --[[ more ]] B = true, C = Some.Word }"""
    comp = read_comp(text)
    assert comp.kind == "Composition"
    inner = comp.table("A")
    assert inner.kind == "ordered" and isinstance(inner.get("b c"), Table)
    assert inner.get("0").value == "-1.5e3"  # type: ignore[union-attr]
    assert comp.get("C").value == "Some.Word"  # type: ignore[union-attr]
