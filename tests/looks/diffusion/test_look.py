from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from restrip.errors import BadInput, Cancelled
from restrip.looks import Beside, open_look
from restrip.looks.diffusion.runtime.key_studio import EmptyMatte
from restrip.looks.look import Styled
from restrip.media.frame import Frame
from restrip.timeline import Key

FAST = {"steps": 5, "denoising_strength": 0.6, "cfg_scale": 3.0, "width": 64, "height": 48, "prompt": "a photo"}


def make(look, frames, keys, silent, anchor=None, **more):
    return look.stylize(frames, keys, silent.report, anchor, **more)


def off(a: Frame, b: Frame) -> int:
    return int(np.abs(a.rgb.astype(int) - b.rgb).max())


@pytest.fixture
def tiny():
    return lambda **settings: open_look("sd:tiny", {**FAST, **settings})


def test_opening_a_look_and_its_identity_need_no_torch() -> None:
    code = (
        "import sys; from restrip.looks import open_look; look = open_look('sd:tiny', {'prompt': 'x'});"
        "look.identity(); look.estimate((640, 360)); print('torch' in sys.modules, look.name, look.traits.needs_anchor)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "sd:tiny", "True"]


def test_facts_and_the_frames_size_depth_and_alpha(tiny, picture, silent) -> None:
    deep = picture.with_depth(True)
    source = Frame(deep.rgb, np.full(deep.rgb.shape[:2], 40000, np.uint16))
    look = tiny(width=32, height=24, anchor=False)
    one = make(look, [source], [Key(7, seed=99)], silent)[0]
    assert one.picture.size == (64, 48) and one.picture.deep
    assert np.array_equal(one.picture.alpha, source.alpha)
    assert len(np.unique(one.picture.rgb)) > 256
    facts = json.loads(json.dumps(one.facts))
    assert facts["seed"] == 99 and facts["size"] == [32, 24] and facts["evaluations"] == 4
    assert facts["sigma_start"] == pytest.approx(4.7, abs=1) and facts["unet_dtype"] == "float32"
    assert facts["model_hash"] == look.identity()["model"][:10]


def test_pictures_are_stable_across_runs(tiny, picture, silent) -> None:
    """The same to the bit in one process; within rounding of what was recorded when this was written."""
    settings = {"prompt": "a magenta ink sketch", "steps": 10, "denoising_strength": 0.5, "width": 160, "height": 120}
    first, again = (make(tiny(anchor=False, **settings), [picture], [Key(0)], silent)[0].picture for _ in range(2))
    assert off(first, again) == 0
    cells = first.rgb.reshape(4, 12, 4, 16, 3).mean((1, 3))
    assert np.abs(cells - np.array(GOLDEN)).max() < 2


def test_what_changes_the_picture(tiny, picture, silent) -> None:
    base = make(tiny(anchor=False), [picture], [Key(0)], silent)[0].picture
    for settings in (
        {"seed": 2}, {"prompt": "a bright mosaic"}, {"denoising_strength": 0.3}, {"cfg_scale": 6.0}, {"steps": 7},
        {"sampler": "euler_a"}, {"sampler": "dpmpp_2m_karras"}, {"sampler": "ddim"}, {"sampler": "lcm"},
        {"clip_skip": 2}, {"negative_prompt": "a bright mosaic"}, {"noise": "exact"}, {"noise": "plain"},
        {"noise": "adjusted"}, {"schedule": "karras"},
    ):  # fmt: skip
        look = tiny(anchor=False, **settings)
        assert off(make(look, [picture], [Key(0)], silent)[0].picture, base) > 8, settings
        assert look.identity() != tiny(anchor=False).identity()
    assert off(make(tiny(anchor=False), [picture], [Key(3, seed=2)], silent)[0].picture, base) > 8
    assert off(make(tiny(anchor=False), [picture], [Key(3, prompt="a bright mosaic")], silent)[0].picture, base) > 8


def test_batch_and_device_are_no_part_of_the_identity(tiny) -> None:
    assert tiny(batch=8, device="cpu", compile="off").identity() == tiny().identity()
    json.dumps(tiny().identity())


def test_little_strength_leaves_the_frame(tiny, picture, silent) -> None:
    near = make(tiny(denoising_strength=0.0, anchor=False), [picture], [Key(0)], silent)[0].picture
    far = make(tiny(denoising_strength=1.0, anchor=False), [picture], [Key(0)], silent)[0].picture
    distance = [np.abs(one.rgb.astype(int) - picture.rgb).mean() for one in (near, far)]
    assert distance[0] < 0.4 * distance[1]


@pytest.mark.parametrize(
    "settings",
    [
        {"anchor": False},
        {"noise": "warped"},
        {"noise": "exact", "randomness": 0.3, "sampler": "euler_a"},
        {"anchor_adain": True, "anchor_attention": 0.5, "guided_every": 2},
    ],
)
def test_keys_do_not_depend_on_the_batch(settings, tiny, moved, silent) -> None:
    frames = [moved(n) for n in (0, 2, 4)]
    keys = [Key(0), Key(10, prompt="a bright mosaic BREAK a photo"), Key(20, seed=5)]
    together = make(tiny(batch=3, **settings), frames, keys, silent, (frames[0], keys[0]))
    look = tiny(batch=1, **settings)
    alone = [make(look, [f], [k], silent, (frames[0], keys[0]))[0] for f, k in zip(frames, keys, strict=True)]
    assert max(off(a.picture, b.picture) for a, b in zip(together, alone, strict=True)) <= 1


def test_the_anchor_is_what_it_is_by_itself(tiny, moved, silent) -> None:
    frames, keys = [moved(0), moved(3)], [Key(0), Key(10)]
    anchored = make(tiny(), frames, keys, silent, (frames[0], keys[0]))
    assert anchored[1].facts["anchor"] == 0
    assert silent.told[-1] == (8, 8)  # two keys of 4 evaluations, the anchor counted once
    plain = make(tiny(anchor=False), frames, keys, silent)
    assert off(anchored[0].picture, plain[0].picture) <= 1
    assert off(anchored[1].picture, plain[1].picture) > 5


def test_anchored_keys_agree_better(tiny, moved, silent) -> None:
    """The frame shifted by 3 pixels: the key should be the anchor's picture, shifted."""
    frames, keys = [moved(0), moved(3)], [Key(0), Key(10)]

    def disagreement(styled) -> float:
        shifted = np.roll(styled[0].picture.rgb, 3, axis=1).astype(int)
        return float(np.abs(shifted - styled[1].picture.rgb)[8:-8, 8:-8].mean())

    plain = disagreement(make(tiny(anchor=False), frames, keys, silent))
    assert disagreement(make(tiny(), frames, keys, silent, (frames[0], keys[0]))) < 0.5 * plain


def test_an_anchor_of_another_call_is_made_once_and_found_again(tiny, moved, silent) -> None:
    """A job's keys come in parts, with the anchor first, in the middle or done long ago: the same pictures."""
    frames, keys = [moved(n) for n in (0, 2, 4)], [Key(0), Key(10), Key(20)]
    anchor = (frames[1], keys[1])
    whole = make(tiny(batch=2), frames, keys, silent, anchor)
    assert silent.told[-1] == (12, 12)
    look, parts = tiny(batch=2), []
    for n in (2, 1, 0):
        silent.told.clear()
        parts.insert(0, make(look, [frames[n]], [keys[n]], silent, anchor)[0])
        assert silent.told[-1:] == {2: [(8, 8)], 1: [], 0: [(4, 4)]}[n]
    assert max(off(a.picture, b.picture) for a, b in zip(whole, parts, strict=True)) <= 1
    assert [one.facts["anchor"] for one in parts] == [10] * 3


def test_a_key_carries_the_one_before_it_below_the_anchor(tiny, moved, silent) -> None:
    frames, keys = [moved(0), moved(2)], [Key(0), Key(10)]
    marked = Frame(np.full_like(frames[0].rgb, 255))
    previous = Beside(previous=[(frames[0], marked)])
    alone = make(tiny(anchor=False, previous_fusion=1.0), frames[1:], keys[1:], silent, beside=previous)[0]
    assert np.mean(alone.picture.rgb[8:-8, 8:-8] > 250) > 0.8
    under = make(tiny(previous_fusion=1.0), frames[1:], keys[1:], silent, (frames[0], keys[0]), beside=previous)[0]
    assert np.mean(under.picture.rgb[8:-8, 8:-8] > 250) < 0.2


def test_only_recipes_that_join_pictures_are_made_again(tiny) -> None:
    """Keys kept by earlier versions are found where their pictures are the same."""
    assert "revisions" not in tiny(anchor=False).identity()
    assert "revisions" not in tiny(anchor_fusion=0.0).identity()
    assert tiny().identity()["revisions"] == ["joined"]
    assert tiny(anchor=False, previous_fusion=0.5).identity()["revisions"] == ["joined"]


def test_progress_and_cancelling(tiny, moved, silent) -> None:
    make(tiny(anchor=False, batch=2), [moved(0), moved(1), moved(2)], [Key(0), Key(1), Key(2)], silent)
    assert silent.told == [(2, 12), (4, 12), (6, 12), (8, 12), (9, 12), (10, 12), (11, 12), (12, 12)]

    def stop(done: int, total: int, note: str = "") -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        tiny(anchor=False).stylize([moved(0)], [Key(0)], stop)


def test_with_a_matte_the_change_stays_inside(tiny, picture, silent) -> None:
    matte = np.zeros((48, 64), np.uint8)
    matte[12:36, 16:48] = 255
    whole = make(tiny(anchor=False), [picture], [Key(0)], silent)[0].picture.rgb
    out = make(tiny(anchor=False), [picture], [Key(0)], silent, beside=Beside(mattes=[matte]))[0].picture.rgb
    assert np.array_equal(out[matte == 0], picture.rgb[matte == 0])
    assert np.abs(out[matte > 0].astype(int) - picture.rgb[matte > 0]).mean() > 5
    assert np.abs(out[matte > 0].astype(int) - whole[matte > 0]).mean() > 1  # the model knew what stays


def test_a_matte_beside_none(tiny, picture, silent) -> None:
    matte = np.zeros((48, 64), np.float32)
    matte[:, :32] = 1
    frames, keys = [picture, picture], [Key(0), Key(1)]
    both = make(tiny(anchor=False, batch=2), frames, keys, silent, beside=Beside(mattes=[matte, None]))
    assert off(both[1].picture, make(tiny(anchor=False), frames[:1], keys[:1], silent)[0].picture) <= 1
    assert np.array_equal(both[0].picture.rgb[:, 32:], picture.rgb[:, 32:])


def test_an_empty_matte_is_an_error(tiny, picture, silent) -> None:
    with pytest.raises(EmptyMatte, match="frame 4"):
        make(tiny(anchor=False), [picture], [Key(4)], silent, beside=Beside(mattes=[np.zeros((48, 64), np.uint8)]))


def test_frames_of_two_sizes(tiny, picture, silent) -> None:
    wide = Frame(np.ascontiguousarray(picture.rgb[:24]))
    look = open_look("sd:tiny", {**FAST, "width": 0, "height": 0, "pixel_budget": 3072, "anchor": False})
    made = make(look, [picture, wide], [Key(0), Key(1)], silent)
    assert [one.picture.size for one in made] == [(64, 48), (64, 24)]
    assert made[0].facts["size"] == [64, 48] and made[1].facts["size"][0] > made[1].facts["size"][1] * 2


@pytest.mark.parametrize("family", ["sd15-inpaint", "sd2", "sd2-inpaint", "sdxl", "sdxl-inpaint"])
def test_other_families_run(family: str, small_file, moved, silent) -> None:
    look = open_look(f"sd:{small_file(family)}", {**FAST, "batch": 2})
    frames, keys = [moved(0), moved(2)], [Key(0), Key(5, prompt="a BREAK b")]
    matte = np.zeros((48, 64), np.uint8)
    matte[:, 20:] = 255
    made = make(look, frames, keys, silent, (frames[0], keys[0]), beside=Beside(mattes=[matte, matte]))
    assert made[1].facts["family"] == family and made[1].picture.rgb.std() > 5


def test_an_inpainting_model_sees_the_matte_and_the_weight(small_file, picture, silent) -> None:
    path = small_file("sd15-inpaint")
    half = np.zeros((48, 64), np.uint8)
    half[:, 32:] = 255
    settings = {**FAST, "anchor": False, "noise": "seeded"}
    outs = [
        make(
            open_look(f"sd:{path}", {**settings, "mask_weight": weight}),
            [picture],
            [Key(0)],
            silent,
            beside=Beside(mattes=[matte]),
        )
        for weight, matte in ((1.0, None), (0.0, None), (1.0, half))
    ]
    whole, shown, matted = (out[0].picture for out in outs)
    assert off(whole, shown) > 1
    assert off(Frame(np.ascontiguousarray(whole.rgb[:, 40:])), Frame(np.ascontiguousarray(matted.rgb[:, 40:]))) > 1


# Mean colours of 4x4 cells.
GOLDEN = [
    [[49, 107, 112], [112, 106, 110], [165, 114, 106], [192, 89, 92]],
    [[55, 119, 130], [182, 139, 63], [205, 97, 82], [194, 124, 114]],
    [[52, 116, 127], [126, 127, 117], [187, 127, 93], [200, 169, 137]],
    [[77, 135, 143], [120, 153, 149], [201, 191, 114], [217, 214, 185]],
]


@pytest.fixture
def look_file(tiny, picture, silent, tmp_path):
    """look_file(picture) is a look file: its anchor is the lively frame with that picture, else with the look's own."""
    from hashlib import sha256

    from restrip.looks.look_file.archive import FRAME, PICTURE, write_archive
    from restrip.looks.look_file.pictures import png_of
    from restrip.looks.look_file.record import AnchorUsed, LookRecord

    def made(finished: Frame | None = None, name: str = "moody", frame: Frame = picture) -> str:
        finished = finished or make(tiny(anchor=False), [frame], [Key(0, "a photo", 1)], silent)[0].picture
        parts = {FRAME: png_of(frame), PICTURE: png_of(finished)}
        used = AnchorUsed(*(sha256(part).hexdigest() for part in parts.values()), frame.size, "a photo", 1)
        write_archive(tmp_path / name, LookRecord(name, "sd:tiny", {}, used), parts)
        return str(tmp_path / name)

    return made


def test_an_anchor_from_a_look_file_is_that_of_every_strip(tiny, picture, moved, silent, look_file) -> None:
    """A finished picture that no model would make: keys follow it where they show the same, and in their colours."""
    green = Frame(np.ascontiguousarray(picture.rgb[..., [1, 0, 2]] // 2 + np.array([0, 120, 0], np.uint8)))
    file = look_file(green)
    look = tiny(anchor_file=file, anchor_key=1)
    assert not look.traits.needs_anchor and look.given is not None
    keys = [Key(0, "a photo", 1), Key(1, "a photo", 1), Key(2)]
    frames = [picture, moved(3), moved(6)]
    styled = make(look, frames, keys, silent)
    assert off(styled[0].picture, green) == 0, "the anchor is as it was saved"
    shown = np.roll(green.rgb, 3, axis=1)[6:-6, 8:-8].astype(int)
    alone = make(tiny(anchor=False), frames[1:2], keys[1:2], silent)[0].picture
    near, far = (np.abs(p.rgb[6:-6, 8:-8] - shown).mean() for p in (styled[1].picture, alone))
    assert near < far / 2
    assert styled[1].facts["look_file"] == "moody" and styled[1].facts["anchor"] is None
    one = make(look, frames[2:], keys[2:], silent)[0].picture
    assert off(one, styled[2].picture) <= 1, "what a key becomes depends on itself and the anchor alone"
    other = Frame(np.ascontiguousarray(255 - picture.rgb[::-1, ::-1]))
    unlike, lone = (make(tiny(**s), [other], [Key(5)], silent)[0].picture for s in ({"anchor_file": file}, {}))
    wanted = green.rgb.reshape(-1, 3).mean(0)
    assert np.abs(unlike.rgb.reshape(-1, 3).mean(0) - wanted).sum() < (
        np.abs(lone.rgb.reshape(-1, 3).mean(0) - wanted).sum() / 2
    )


def test_a_shot_that_shows_nothing_of_it_is_painted_as_lively_as_a_look_files_anchor(tiny, silent, look_file) -> None:
    rng = np.random.default_rng(5)
    other = Frame(rng.integers(60, 200, (12, 16, 3), np.uint8).repeat(4, 0).repeat(4, 1))
    calm = Frame(np.full((48, 64, 3), 120, np.uint8))
    lively = Frame((rng.integers(0, 2, (24, 32, 3), np.uint8) * 255).repeat(2, 0).repeat(2, 1))

    def made(anchor: Frame, name: str, **settings: float) -> Styled:
        look = tiny(anchor_file=look_file(anchor, name), anchor_color=0.0, **settings)
        return make(look, [other], [Key(5)], silent)[0]

    def contrast(styled: Styled) -> float:
        return float(np.abs(np.diff(styled.picture.rgb.astype(int), axis=1)).mean())

    strong, weak = made(lively, "lively"), made(calm, "calm")
    assert contrast(strong) > 1.3 * contrast(weak)
    blind = [made(anchor, name, anchor_attention=0.0) for anchor, name in ((lively, "lively"), (calm, "calm"))]
    assert off(blind[0].picture, blind[1].picture) == 0, "what isn't looked at says nothing"


def test_what_a_look_file_changes_of_the_identity(tiny, picture, look_file) -> None:
    plain, file = tiny(), look_file()
    assert "anchor" not in plain.identity() and tiny(anchor_file="").identity() == plain.identity()
    assert tiny(anchor_file=file).identity()["revisions"] == ["joined", "elsewhere 2"]
    assert "elsewhere 2" not in tiny(anchor_file=file, anchor=False).identity().get("revisions", [])
    same = look_file(name="another name")
    assert tiny(anchor_file=file).identity() == tiny(anchor_file=same).identity() != plain.identity()
    other = look_file(Frame(255 - picture.rgb), "other")
    assert tiny(anchor_file=other).identity() != tiny(anchor_file=file).identity()
    assert tiny(anchor_file=file, anchor=False).given is None
    with pytest.raises(BadInput):
        tiny(anchor_file="no such look")


def test_an_anchor_of_another_shape_keeps_its_proportions(tiny, picture, silent, look_file) -> None:
    wide = Frame(np.ascontiguousarray(np.concatenate([picture.rgb, picture.rgb[:, ::-1]], axis=1)))
    file = look_file(wide, frame=wide)
    settings = {"width": 32, "height": 48, "anchor_file": file}
    tall = Frame(np.ascontiguousarray(picture.rgb[:, :32]))
    for noise in ("seeded", "exact", "warped"):
        styled = make(tiny(**settings, noise=noise), [tall, picture], [Key(0), Key(1)], silent)
        assert [one.picture.size for one in styled] == [(32, 48), (64, 48)]
        assert len(np.unique(styled[0].picture.rgb)) > 64
    counted = [told for told in silent.told if told[1]]
    assert max(done / total for done, total in counted) == 1
