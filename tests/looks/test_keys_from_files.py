from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from restrip.looks import Beside, open_look
from restrip.looks.keys_from_files import (
    KeyImageUnreadable,
    PaintedFolderMissing,
    PaintedKeysAmbiguous,
    PaintedKeysMissing,
    find_painted,
    picture_for_key,
)
from restrip.media import Frame, write_picture
from restrip.media.curves import srgb_decoded
from restrip.media.pictures.icc import rgb_profile
from restrip.progress import silent
from restrip.timeline import Key


def flat(colour: tuple[int, int, int], size: tuple[int, int] = (320, 180)) -> Frame:
    return Frame(np.full((size[1], size[0], 3), colour, np.uint8))


def folder_of(tmp_path, *names):
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return str(tmp_path)


def test_frame_numbers_are_the_digits_that_end_the_name(tmp_path):
    names = ("00045.png", "key_7.JPG", "shot2_090.tif", "v2-final.png", "notes12.txt", ".hidden3.png", "sub/4.png")
    found = find_painted(folder_of(tmp_path, *names))
    assert {frame: path.name for frame, path in found.items()} == {7: "key_7.JPG", 45: "00045.png", 90: "shot2_090.tif"}


def test_names_may_count_from_another_number(tmp_path):
    write_picture(tmp_path / "key_00045.png", flat((200, 10, 20)))
    look = open_look(f"keys:{tmp_path}", {"first_number": 30})
    (styled,) = look.stylize([flat((0, 0, 0))], [Key(15)], silent)
    assert tuple(styled.picture.rgb[0, 0]) == (200, 10, 20)
    with pytest.raises(PaintedKeysMissing, match=r"key 60.*frame is 30") as refused:
        look.check_keys([Key(30)])
    assert refused.value.detail["found"] == [45]


def test_two_pictures_for_a_frame_are_one_too_many(tmp_path):
    with pytest.raises(PaintedKeysAmbiguous) as refused:
        open_look(f"keys:{folder_of(tmp_path, '7.png', '0007.jpg', '8.png')}", {})
    assert "0007.jpg, 7.png" in refused.value.message
    assert refused.value.detail["frame"] == 7


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_a_folder_that_is_none_is_named(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(PaintedFolderMissing, match=name):
        open_look(f"keys:{tmp_path / name}", {})


def test_every_missing_key_is_listed(tmp_path, bunny):
    look = open_look(f"keys:{folder_of(tmp_path, '3.png')}", {})
    with pytest.raises(PaintedKeysMissing) as refused:
        look.stylize([bunny] * 3, [Key(9), Key(3), Key(5)], silent)
    assert refused.value.detail["frames"] == [5, 9] and refused.value.detail["found"] == [3]
    assert "key_00005.png" in refused.value.remedy


def test_a_key_with_a_picture_of_its_own_is_not_missing(tmp_path):
    look = open_look(f"keys:{folder_of(tmp_path, '3.png')}", {})
    look.check_keys([Key(3), Key(9, image="/elsewhere.png")])


def test_pictures_become_the_keys_of_their_frames(tmp_path, bunny):
    write_picture(tmp_path / "a_0.png", flat((255, 0, 0)))
    write_picture(tmp_path / "a_30.png", flat((0, 255, 0)))
    look = open_look(f"keys:{tmp_path}", {})
    styled = look.stylize([bunny, bunny], [Key(30), Key(0)], silent)
    assert [tuple(one.picture.rgb[0, 0]) for one in styled] == [(0, 255, 0), (255, 0, 0)]
    assert [one.notes for one in styled] == [(), ()]


@pytest.mark.parametrize(
    ("size", "words"),
    [((640, 360), "."), ((160, 90), "."), ((321, 180), "."), ((200, 200), ", which changes its shape.")],
)
def test_any_size_is_resampled_and_said(tmp_path, bunny, size, words):
    write_picture(tmp_path / "5.png", flat((9, 8, 7), size))
    (styled,) = open_look(f"keys:{tmp_path}", {}).stylize([bunny], [Key(5)], silent)
    assert styled.picture.size == (320, 180) and tuple(styled.picture.rgb[90, 160]) == (9, 8, 7)
    assert styled.notes == (f"5.png is {size[0]}x{size[1]} and was resampled to 320x180{words}",)


def test_a_picture_of_the_clips_own_size_is_no_news_in_a_smaller_job(tmp_path, bunny):
    write_picture(tmp_path / "5.png", flat((9, 8, 7), (640, 360)))
    look = open_look(f"keys:{tmp_path}", {})
    (styled,) = look.stylize([bunny], [Key(5)], silent, beside=Beside(clip_size=(640, 360)))
    assert styled.picture.size == (320, 180) and styled.notes == ()


def test_depth_and_alpha_are_the_frames(tmp_path, deep):
    write_picture(tmp_path / "5.png", flat((10, 20, 30)))
    (styled,) = open_look(f"keys:{tmp_path}", {}).stylize([deep], [Key(5)], silent)
    assert tuple(styled.picture.rgb[0, 0]) == (10 * 257, 20 * 257, 30 * 257)
    assert np.array_equal(styled.picture.alpha, deep.alpha)


def test_where_the_painting_is_transparent_the_frame_shows(tmp_path, bunny):
    alpha = np.zeros((180, 320), np.uint8)
    alpha[:, 160:] = 255
    alpha[:, 100:160] = 51
    write_picture(tmp_path / "5.png", Frame(flat((255, 255, 255)).rgb, alpha))
    (styled,) = open_look(f"keys:{tmp_path}", {}).stylize([bunny], [Key(5)], silent)
    assert styled.picture.alpha is None
    assert np.array_equal(styled.picture.rgb[:, :100], bunny.rgb[:, :100])
    assert np.all(styled.picture.rgb[:, 160:] == 255)
    mixed = 0.2 * 255 + 0.8 * bunny.rgb[:, 100:160].astype(float)
    assert np.abs(styled.picture.rgb[:, 100:160] - mixed).max() <= 0.51


def test_repainting_one_key_changes_the_facts_of_that_one_alone(tmp_path):
    write_picture(tmp_path / "1.png", flat((1, 1, 1)))
    write_picture(tmp_path / "2.png", flat((2, 2, 2)))
    look = open_look(f"keys:{tmp_path}", {})
    identity, facts = look.identity(), look.key_facts()
    write_picture(tmp_path / "2.png", flat((3, 3, 3)))
    assert look.identity() == identity
    assert look.key_facts()[1] == facts[1]
    assert look.key_facts()[2] != facts[2]


def test_a_keys_own_picture_serves_any_look(tmp_path, bunny):
    write_picture(tmp_path / "mine.png", flat((4, 5, 6), (100, 100)))
    styled = picture_for_key(bunny, Key(8, image=str(tmp_path / "mine.png")))
    assert styled.picture.size == (320, 180) and tuple(styled.picture.rgb[5, 5]) == (4, 5, 6)
    assert "100x100" in styled.notes[0]


@pytest.mark.parametrize("content", [None, b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_a_keys_picture_that_cant_be_read_is_named_with_its_key(tmp_path, bunny, content):
    path = tmp_path / "mine.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(KeyImageUnreadable) as refused:
        picture_for_key(bunny, Key(8, image=str(path)))
    assert "key 8" in refused.value.message and str(path) in refused.value.message


def test_a_key_comes_in_the_frames_colours(tmp_path: Path, bunny: Frame) -> None:
    """A profile counts, and what was done is said; a picture that is a mistake is refused, with the way out."""

    steps = np.linspace(0, 1, 1024)
    picture = Image.fromarray(bunny.rgb8())
    plain = io.BytesIO(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()).getvalue()
    picture.save(tmp_path / "srgb.png", icc_profile=plain)
    picture.save(tmp_path / "flat.png", icc_profile=rgb_profile("Flat", srgb_decoded(steps**1.5)))
    same = picture_for_key(bunny, Key(8, image=str(tmp_path / "srgb.png")))
    assert (same.picture.rgb == bunny.rgb).all() and same.notes == ()
    made = picture_for_key(bunny, Key(8, image=str(tmp_path / "flat.png")))
    wanted = 255 * (bunny.rgb8() / 255) ** 1.5
    assert np.abs(made.picture.rgb8() - wanted).max() < 2
    assert made.notes == ("flat.png: Its colours were converted from Flat.",)
    picture.resize((2, 2)).save(tmp_path / "tiny.png")
    with pytest.raises(KeyImageUnreadable, match="only 2x2"):
        picture_for_key(bunny, Key(8, image=str(tmp_path / "tiny.png")))
    pytest.importorskip("psd_tools")
    (tmp_path / "a.psd").write_bytes(b"8BPS")
    with pytest.raises(KeyImageUnreadable) as caught:
        picture_for_key(bunny, Key(8, image=str(tmp_path / "a.psd")))
    assert "Maximize compatibility" in caught.value.remedy
