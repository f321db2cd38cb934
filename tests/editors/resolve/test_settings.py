"""The settings file: read strictly, written from the engine's description."""

from __future__ import annotations

from pathlib import Path

import pytest
from restrip_resolve.settings import OWN, BadSettingsFile, Choices, engine_settings, load, template, usual_format
from stage import SCHEMA

from restrip.media.formats import FORMATS


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "settings.txt"
    path.write_text(text, "utf-8")
    return path


def test_without_a_file_there_are_defaults(tmp_path: Path) -> None:
    assert load(tmp_path / "none.txt") == Choices()
    assert load().look == "neural:19"


@pytest.mark.parametrize(("platform", "usual"), [("linux", "prores4444"), ("darwin", "h264"), ("win32", "h264")])
def test_the_usual_format_is_one_that_every_edition_reads(platform: str, usual: str) -> None:
    assert usual_format(platform) == usual
    assert usual in FORMATS


def test_every_own_setting_has_a_description_and_a_default() -> None:
    fields = set(Choices.__dataclass_fields__) - {"look_settings", "lines"}
    assert fields == set(OWN)


def test_values_are_read_by_their_kind(tmp_path: Path) -> None:
    path = write(tmp_path, "# remark\n\nseeds = 16\nmark_out_inclusive = no\nprompt = a = b # not a remark\nfade=gap\n")
    choices = load(path)
    assert (choices.seeds, choices.mark_out_inclusive, choices.fade) == (16, False, "gap")
    assert choices.look_settings == {"prompt": "a = b # not a remark"}


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("seeds = many", 1, "give a number"),
        ("\nmode = some", 2, "keys, every"),
        ("look", 1, "no '='"),
        ("look = a\nlook = b", 2, "second time"),
        ("with_grade = maybe", 1, "auto, always, never"),
        ("mark_out_inclusive = perhaps", 1, "yes or no"),
        ("fade = long", 1, "number of frames"),
        ("key_colour = Black", 1, "Cyan"),
    ],
)
def test_bad_lines_are_named(text: str, line: int, why: str, tmp_path: Path) -> None:
    with pytest.raises(BadSettingsFile, match=why) as caught:
        load(write(tmp_path, text))
    assert f"Line {line} " in str(caught.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("strenght = 0.5", "no setting 'strenght'"),
        ("strength = strong", "no float"),
        ("strength = 2", "strength is 2"),
        ("shading = some", "Choose one of off, on"),
        ("prompt = x", "no setting 'prompt'"),
    ],
)
def test_bad_settings_of_the_look_are_named(text: str, why: str, tmp_path: Path) -> None:
    path = write(tmp_path, f"look = neural:3\n{text}\n")
    with pytest.raises(BadSettingsFile, match=why) as caught:
        engine_settings(load(path), SCHEMA.for_look("neural:3"), path)
    assert "Line 2 " in str(caught.value)


def test_settings_of_the_look_come_out_in_their_kinds(tmp_path: Path) -> None:
    path = write(tmp_path, "look = sd:/m\nseed = 7\nlean = off\nshading = on\nprompt = a, b\n")
    choices = load(path)
    assert engine_settings(choices, SCHEMA.for_look("sd:/m"), path) == {
        "seed": 7,
        "lean": False,
        "shading": "on",
        "prompt": "a, b",
    }


def test_the_template_reads_back_as_what_it_was_written_from(tmp_path: Path) -> None:
    path = write(tmp_path, "look = sd:/m\nseed = 7\nprompt = a, b\nseams = fusion\nmark_out_inclusive = no\n")
    choices = load(path)
    text = template(choices, SCHEMA.for_look("sd:/m"), SCHEMA.formats)
    again = load(write(tmp_path, text))
    assert {**again.__dict__, "lines": 0} == {**choices.__dict__, "lines": 0}
    assert all(f"{name} = " in text for name in OWN)
    assert "h264, prores4444" in text


def test_a_file_that_notepad_saved_is_read(tmp_path: Path) -> None:
    """With a byte order mark before its first line."""
    (tmp_path / "settings.txt").write_bytes("key_colour = Rose\n".encode("utf-8-sig"))
    assert load(tmp_path / "settings.txt").key_colour == "Rose"
