from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from restrip.looks import UnknownLook, open_look
from restrip.looks.style_transfer.network_look import PictureTooSmall
from restrip.looks.style_transfer.neural import parse_mix
from restrip.media import Frame, write_picture
from restrip.media.files import MediaMissing, MediaUnreadable
from restrip.progress import silent
from restrip.timeline import Key


def painted(name: str, frame: Frame, **settings) -> Frame:
    return open_look(name, settings).stylize([frame], [Key(0)], silent)[0].picture


def mean_difference(a: Frame, b: Frame) -> float:
    return float(np.abs(a.rgb8().astype(int) - b.rgb8()).mean())


@pytest.fixture
def painting(tmp_path, bunny):
    path = tmp_path / "wave: the great.png"
    write_picture(path, painted("neural:19", bunny))
    return f"painting:{path}"


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("0", {0: 1}),
        ("25", {25: 1}),
        ("3+12", {3: 0.5, 12: 0.5}),
        ("3:0.7+12:0.3", {3: 0.7, 12: 0.3}),
        ("3:2+12:6", {3: 0.25, 12: 0.75}),
        ("3+3", {3: 1}),
    ],
)
def test_mixes_are_read_and_sum_to_one(text, weights):
    expected = np.zeros(26)
    expected[list(weights)] = list(weights.values())
    np.testing.assert_allclose(parse_mix(text), expected, atol=1e-6)


@pytest.mark.parametrize(
    "text", ["26", "-1", "x", "3+", "3:", "3:0", "3:-1", "3:nan", "3:inf", "3+26", "1e1", "3:1e400"]
)
def test_what_names_no_look_is_refused_by_name(text):
    with pytest.raises(UnknownLook) as refused:
        open_look(f"neural:{text}", {})
    bad = next(part for part in reversed(text.split("+")) if part != "3")
    assert f"no built-in look {bad or 'without a number'}" in refused.value.message
    assert "0 to 25" in refused.value.remedy and refused.value.detail["look"] == f"neural:{text}"


def test_the_picture_has_the_frames_size_depth_and_alpha(deep):
    result = painted("neural:8", deep)
    assert result.size == deep.size and result.deep
    assert np.array_equal(result.alpha, deep.alpha)
    assert len(np.unique(result.rgb)) > 256  # More than 8 bit went through.


def test_16_bit_gives_the_same_picture_as_8(bunny):
    shallow, deep = painted("neural:8", bunny), painted("neural:8", bunny.with_depth(True))
    assert np.abs(deep.rgb8().astype(int) - shallow.rgb).max() <= 1


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (181, 101), (64, 300)])
def test_any_size_is_taken_as_it_is(size, bunny):
    frame = Frame(np.ascontiguousarray(np.resize(bunny.rgb, (size[1], size[0], 3))))
    assert painted("neural:11", frame).size == size


def test_a_picture_too_small_is_refused_before_the_job_and_in_it(bunny):
    tiny = Frame(np.ascontiguousarray(bunny.rgb[:31, :100]))
    with pytest.raises(PictureTooSmall, match="100x31"):
        open_look("neural:3", {}, size=(100, 31))
    with pytest.raises(PictureTooSmall):
        painted("neural:3", tiny)


def test_the_result_does_not_depend_on_which_keys_are_made_together(bunny):
    frames = [bunny, Frame(np.ascontiguousarray(bunny.rgb[:, ::-1]))]
    keys = [Key(0), Key(9)]
    together = open_look("neural:19", {}).stylize(frames, keys, silent)
    alone = [painted("neural:19", frame) for frame in frames]
    for a, b in zip(together, alone, strict=True):
        assert np.array_equal(a.picture.rgb, b.rgb)
    assert not np.array_equal(alone[0].rgb, alone[1].rgb)


def test_a_mix_lies_between_its_looks_and_differs_from_both(bunny):
    one, other, mix = (painted(f"neural:{name}", bunny) for name in ("7", "24", "7:0.5+24:0.5"))
    apart = mean_difference(one, other)
    assert 0.1 * apart < mean_difference(mix, one) < apart
    assert 0.1 * apart < mean_difference(mix, other) < apart


def test_strength_fades_towards_the_source(bunny):
    assert np.array_equal(painted("neural:19", bunny, style_strength=0).rgb, bunny.rgb)
    half, whole = painted("neural:19", bunny, style_strength=0.5), painted("neural:19", bunny)
    between = (bunny.rgb.astype(float) + whole.rgb) / 2
    assert np.abs(half.rgb - between).max() <= 1


def test_keeping_colours_keeps_the_differences_between_channels(bunny):
    kept = painted("neural:7", bunny, keep_color=True)
    plain = painted("neural:7", bunny)

    def chroma(frame: Frame) -> np.ndarray:
        rgb = frame.rgb.astype(float)
        return rgb[..., 0] - rgb[..., 2]

    unclipped = (kept.rgb.min(axis=2) > 0) & (kept.rgb.max(axis=2) < 255)
    assert unclipped.mean() > 0.2
    assert np.abs(chroma(kept) - chroma(bunny))[unclipped].max() <= 1
    assert np.abs(chroma(plain) - chroma(bunny)).mean() > 20


def test_large_frames_run_smaller_and_say_so(bunny):
    look = open_look("neural:24", {"stroke_size": 4})
    (styled,) = look.stylize([bunny], [Key(0)], silent)
    assert styled.facts["run_size"] == [256, 144] and styled.picture.size == (320, 180)


@pytest.mark.parametrize(
    ("size", "stroke", "run"),
    [
        ((640, 360), 1, (640, 360)),
        ((1920, 1080), 1, (1024, 576)),
        ((1080, 1920), 1, (576, 1024)),
        ((3840, 2160), 0.5, (2048, 1152)),
        ((2160, 3840), 2, (288, 512)),
        ((4000, 40), 1, (3200, 32)),
    ],
)
def test_the_size_that_the_network_runs_at(size, stroke, run):
    assert open_look("neural:0", {"stroke_size": stroke}).run_size(size) == run


def test_larger_strokes_have_less_fine_detail(bunny):
    def detail(frame: Frame) -> float:
        return float(np.abs(np.diff(frame.rgb.astype(float), axis=1)).mean())

    assert detail(painted("neural:19", bunny, stroke_size=4)) < 0.9 * detail(painted("neural:19", bunny))


def test_a_prompt_that_a_look_cannot_take_is_said(bunny):
    look = open_look("neural:0", {})
    plain, asked = look.stylize([bunny, bunny], [Key(0), Key(5, prompt="a fox", name="K2: a fox")], silent)
    assert plain.notes == ()
    assert "K2: a fox" in asked.notes[0]


def test_progress_is_told_and_may_stop_the_work(bunny):
    told = []
    open_look("neural:0", {}).stylize([bunny, bunny], [Key(0), Key(1)], lambda done, total, note="": told.append(done))
    assert told == [1, 2]


def test_identity_names_what_decides_the_picture():
    base = open_look("neural:3+12", {}).identity()
    assert base == open_look("neural:12:1+3:1.0", {}).identity()
    others = [
        open_look("neural:3", {}),
        open_look("neural:3:0.6+12:0.4", {}),
        open_look("neural:3+12", {"stroke_size": 2}),
        open_look("neural:3+12", {"style_strength": 0.5}),
        open_look("neural:3+12", {"keep_color": True}),
    ]
    assert all(other.identity() != base for other in others)


def test_a_painting_gives_its_colours(painting, bunny):
    result = painted(painting, bunny)
    assert result.size == bunny.size
    # The painting is blue, the source is green.
    assert result.rgb[..., 2].mean() > result.rgb[..., 1].mean()
    assert bunny.rgb[..., 1].mean() > bunny.rgb[..., 2].mean() + 10


def test_a_paintings_strength_moves_towards_the_sources_own_style(painting, bunny):
    none, half, whole = (painted(painting, bunny, style_strength=part) for part in (0, 0.5, 1))
    assert mean_difference(none, bunny) < mean_difference(whole, bunny)
    assert 0 < mean_difference(half, whole) < mean_difference(none, whole)


def test_a_paintings_identity_is_its_content(painting, tmp_path, bunny):
    before = open_look(painting, {}).identity()
    copy = tmp_path / "copy.png"
    shutil.copy(painting.removeprefix("painting:"), copy)
    assert open_look(f"painting:{copy}", {}).identity() == before
    write_picture(copy, bunny)
    assert open_look(f"painting:{copy}", {}).identity() != before


def test_a_painting_that_is_missing_broken_or_too_small_is_named(tmp_path, bunny):
    with pytest.raises(MediaMissing, match=r"none\.png"):
        open_look(f"painting:{tmp_path / 'none.png'}", {})
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(MediaUnreadable, match=r"text\.png"):
        open_look(f"painting:{tmp_path / 'text.png'}", {})
    write_picture(tmp_path / "small.png", Frame(np.ascontiguousarray(bunny.rgb[:20, :20])))
    with pytest.raises(PictureTooSmall):
        open_look(f"painting:{tmp_path / 'small.png'}", {})


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads its peak memory from /proc")
def test_a_1080p_frame_stays_under_a_gigabyte():
    code = """if True:
    import re, numpy as np
    from restrip.looks import open_look
    from restrip.media.frame import Frame
    from restrip.progress import silent
    from restrip.timeline import Key
    frame = Frame(np.random.default_rng(0).integers(0, 255, (1080, 1920, 3), np.uint8))
    assert open_look("neural:19", {}).stylize([frame], [Key(0)], silent)[0].picture.size == (1920, 1080)
    # Not getrusage: its peak includes the parent's size at the moment of the fork.
    print(int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 700
