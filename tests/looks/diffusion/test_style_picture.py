"""A style picture: what is one, what isn't, and how keys see it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from restrip.errors import BadInput
from restrip.looks import Beside, Look, open_look
from restrip.looks.diffusion.recipe import Recipe
from restrip.looks.diffusion.runtime.model_session import Session
from restrip.looks.diffusion.style_picture import StylePictureUnreadable, open_style
from restrip.media.frame import Frame
from restrip.timeline import Key

FAST = {"steps": 4, "denoising_strength": 0.6, "cfg_scale": 3.0, "width": 64, "height": 48, "prompt": "a photo"}


@pytest.fixture
def style(tmp_path: Path) -> Path:
    y, x = np.mgrid[0:80, 0:120]
    bgr = np.stack([40 + 0 * x, 120 + 90 * np.sin(x / 2), 200 + 40 * np.cos(y / 3)], axis=-1)
    cv2.imwrite(str(tmp_path / "style.png"), bgr.astype(np.uint8))
    return tmp_path / "style.png"


def tiny(**settings: object) -> Look:
    return open_look("sd:tiny", {**FAST, **settings})


def keys(look: Look, silent, *frames: Frame, anchor=None, beside=None) -> list[np.ndarray]:
    made = look.stylize(list(frames), [Key(n) for n in range(len(frames))], silent.report, anchor, beside)
    return [one.picture.rgb for one in made]


def test_a_key_takes_the_style_on_by_its_strength(style: Path, picture, silent) -> None:
    off = []
    plain = keys(tiny(anchor=False), silent, picture)[0].astype(int)
    for strength in (0.0, 0.3, 1.0):
        look = tiny(anchor=False, style_picture=str(style), style_strength=strength)
        made = keys(look, silent, picture)[0]
        assert np.array_equal(made, keys(look, silent, picture)[0]), "seen once or again, it is the same"
        off.append(float(np.abs(made - plain).mean()))
    assert off[0] == 0 and 0.2 < off[1] < off[2]


def test_with_an_anchor_batches_change_nothing(style: Path, picture, moved, silent) -> None:
    frames = [picture, moved(3), moved(6)]
    look = tiny(style_picture=str(style), anchor_adain=True)
    together = keys(look, silent, *frames, anchor=(picture, Key(0)))
    alone = tiny(style_picture=str(style), anchor_adain=True, batch=1)
    for number, frame in enumerate(frames):
        one = alone.stylize([frame], [Key(number)], silent.report, (picture, Key(0)))[0].picture.rgb
        assert np.abs(one.astype(int) - together[number]).max() <= 1
    without = keys(tiny(anchor_adain=True), silent, *frames, anchor=(picture, Key(0)))
    assert all(np.abs(a.astype(int) - b).mean() > 0.2 for a, b in zip(together, without, strict=True))


def test_in_little_precision_and_as_a_draft(style: Path, picture, silent) -> None:
    settings = {"anchor": False, "style_picture": str(style)}
    full, half = (keys(tiny(**settings, precision=p), silent, picture)[0].astype(int) for p in ("float32", "bfloat16"))
    plain = keys(tiny(anchor=False), silent, picture)[0].astype(int)
    assert 0 < np.abs(half - full).mean() < 0.3 * np.abs(full - plain).mean()
    draft, without = (tiny(**{**settings, "style_picture": s}).drafted() for s in (str(style), ""))
    assert draft.identity()["style"] == tiny(**settings).identity()["style"]
    shown = [one.stylize([picture], [Key(0)], silent.report)[0].picture.rgb.astype(int) for one in (draft, without)]
    assert np.abs(shown[0] - shown[1]).mean() > 0.2


def test_a_style_that_isnt_finite_in_half_is_seen_in_more(style: Path, picture, silent, monkeypatch) -> None:
    """The ladder of precision, for the pass over the style picture: what overflowed leaves nothing behind."""
    seen, asked = Session.see_style, []

    def broken(self: Session, picture, finished, dtype, bank, tick):
        asked.append(dtype)
        made = seen(self, picture, finished, dtype, bank, tick)
        return made * float("nan") if dtype != torch.float32 else made

    monkeypatch.setattr(Session, "see_style", broken)
    settings = {"anchor": False, "style_picture": str(style), "precision": "bfloat16"}
    made = keys(tiny(**settings), silent, picture)[0]
    assert asked == [torch.bfloat16, torch.float32] and made.std() > 5


def test_outside_a_matte_the_frame_stays(style: Path, picture, silent) -> None:
    matte = np.zeros((48, 64), np.uint8)
    matte[:, 32:] = 255
    look = tiny(style_picture=str(style), anchor=False)
    made = keys(look, silent, picture, beside=Beside(mattes=[matte]))[0]
    assert np.array_equal(made[:, :32], picture.rgb[:, :32]) and not np.array_equal(made, picture.rgb)


def test_it_is_part_of_a_keys_name_and_of_nothing_elses(style: Path) -> None:
    """Keys that were kept without one are found again."""
    plain = tiny().identity()
    assert "style" not in plain and not {"style_picture", "style_strength"} & set(plain["settings"])
    assert tiny(style_picture=str(style), style_strength=0.0).identity() == plain
    assert tiny(style_strength=0.4).identity() == plain
    one = tiny(style_picture=str(style)).identity()
    assert one["style"]["strength"] == 1 and {**one, "style": 0} == {**plain, "style": 0}
    copy = style.with_name("other.png")
    copy.write_bytes(style.read_bytes())
    assert tiny(style_picture=str(copy)).identity() == one, "the picture counts, not where it lies"
    assert tiny(style_picture=str(style), style_strength=0.5).identity() != one
    cv2.imwrite(str(style), cv2.imread(str(style))[::-1])
    assert tiny(style_picture=str(style)).identity() != one


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("gone.png", None, "isn't there"),
        ("empty.png", b"", "it is empty"),
        ("words.png", b"no picture at all", "can't be read"),
        ("cut.png", "half", "can't be read"),
        ("small.png", "small", "is only 16x20"),
        ("movie.mp4", b"\0\0\0\x18ftypmp42", "can't be read"),
        ("folder", "folder", "it is a folder"),
    ],
)
def test_what_is_no_picture_is_an_error_with_its_name(style: Path, name: str, content: object, why: str) -> None:
    path = style.with_name(name)
    if content == "half":
        path.write_bytes(style.read_bytes()[:200])
    elif content == "small":
        cv2.imwrite(str(path), np.zeros((20, 16, 3), np.uint8))
    elif content == "folder":
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(StylePictureUnreadable, match=why) as caught:
        tiny(style_picture=str(path))
    assert caught.value.code == "style-picture-unreadable" and caught.value.remedy and str(path) in str(caught.value)
    assert isinstance(caught.value, BadInput)
    with pytest.raises(StylePictureUnreadable, match="no whole path"):
        tiny(style_picture="style.png")


def test_a_picture_that_moves_is_its_first_one_with_a_note(tmp_path: Path) -> None:
    from PIL import Image

    first, second = (Image.new("RGB", (64, 48), colour) for colour in ((200, 30, 40), (10, 20, 90)))
    first.save(tmp_path / "moves.gif", save_all=True, append_images=[second])
    look = tiny(style_picture=str(tmp_path / "moves.gif"))
    assert any("moves.gif" in note and "first is used" in note for note in look.notes)
    assert look.style.frame().rgb[0, 0].tolist() == [200, 30, 40]


def test_what_is_transparent_has_no_colour_of_its_own(tmp_path: Path) -> None:
    bgra = np.zeros((40, 40, 4), np.uint8)
    bgra[:, :20] = (0, 60, 240, 255)
    cv2.imwrite(str(tmp_path / "cut.png"), bgra)
    recipe = replace(Recipe.from_settings({}), style_picture=str(tmp_path / "cut.png"))
    frame = open_style(recipe).frame()
    assert (
        frame.alpha is None and frame.rgb.reshape(-1, 3).std(0).max() < 1 and frame.rgb[0, 39].tolist() == [240, 60, 0]
    )


def test_of_a_very_long_picture_the_middle_is_seen(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "long.png"), np.zeros((40, 4000, 3), np.uint8))
    recipe = replace(Recipe.from_settings({}), style_picture=str(tmp_path / "long.png"))
    assert open_style(recipe).frame().size == (160, 40)
