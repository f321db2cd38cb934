"""Reading what the command line was given."""

from __future__ import annotations

import argparse
import errno
import json
import os
from pathlib import Path

import pytest

from restrip.cli import build_parser, main
from restrip.cli.options import BadOption, key_file, key_list, mib_of, output_of, settings_of
from restrip.cli.render import request_of
from restrip.client.schema import Schema
from restrip.client.setting import Setting
from restrip.errors import BadInput
from restrip.storage import texts
from restrip.timeline import FrameRange, Key


def render(*arguments: str) -> argparse.Namespace:
    return build_parser().parse_args(["render", "clip.mp4", "--look", "neural:19", "--out", "out", *arguments])


def test_keys_are_frames_with_commas() -> None:
    assert key_list("0,45, 90,") == [Key(0), Key(45), Key(90)]
    with pytest.raises(BadOption, match="0,45,90"):
        key_list("0;45")


def test_a_keys_file_has_a_line_a_key(tmp_path: Path) -> None:
    file = tmp_path / "keys.txt"
    file.write_text("# my keys\n0\n45: a warm painting: at dusk\n\n90:\n", "utf-8")
    assert key_file(str(file)) == [Key(0), Key(45, prompt="a warm painting: at dusk"), Key(90)]


def test_a_keys_files_lines_say_what_markers_say(tmp_path: Path) -> None:
    file = tmp_path / "keys.txt"
    file.write_text("0: oil, seed: 42\n45: image: key 3.png\n", "utf-8")
    assert key_file(str(file)) == [Key(0, prompt="oil", seed=42), Key(45, image=str(tmp_path / "key 3.png"))]


def test_a_keys_file_may_be_json(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps([{"frame": 3, "seed": 7, "colour": "unknown fields are ignored"}]), "utf-8")
    assert key_file(str(file)) == [Key(3, seed=7)]


@pytest.mark.parametrize("text", ["[{]", '[{"prompt": "no frame"}]', "[3]", "abc: x", "[" * 200_000])
def test_a_keys_file_that_makes_no_sense_is_told(tmp_path: Path, text: str) -> None:
    file = tmp_path / "keys"
    file.write_text(text, "utf-8")
    with pytest.raises(BadOption, match="keys file"):
        key_file(str(file))


def test_a_keys_file_may_come_from_windows_and_is_never_a_movie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "keys.txt").write_bytes("\ufeff3: a sea\r\n7\r\n".encode())
    assert [key.frame for key in key_file(str(tmp_path / "keys.txt"))] == [3, 7]
    (tmp_path / "movie.txt").write_bytes(b"\0\xff" * 9)
    with pytest.raises(BadOption, match="no text in UTF-8"):
        key_file(str(tmp_path / "movie.txt"))
    monkeypatch.setattr(texts, "MOST_MIB", 1)
    with pytest.raises(BadOption, match="larger than 1 MiB"):
        key_file("/dev/zero")


def test_a_keys_file_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadOption, match="can't be read"):
        key_file(str(tmp_path / "none"))


@pytest.mark.parametrize(("given", "fade"), [("auto", "auto"), ("gap", "gap"), ("0", 0), ("12", 12)])
def test_a_fade_is_a_number_or_a_word(given: str, fade: str | int) -> None:
    assert output_of(render("--fade", given)).fade == fade


@pytest.mark.parametrize("given", ["-1", "long", "1.5"])
def test_other_fades_are_refused(given: str) -> None:
    with pytest.raises(BadOption, match="fade"):
        output_of(render("--fade", given))


def test_an_empty_folder_is_not_the_one_that_one_is_in() -> None:
    for empty in (["--out", ""], ["--out="]):
        with pytest.raises(BadOption, match="--out names no folder"):
            output_of(render(*empty))


def test_what_the_system_refuses_is_told_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def gone(*_: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", "/gone")

    monkeypatch.setattr("restrip.cli.jobs.show_jobs", gone)
    assert main(["jobs", "--json"]) == 1
    error = json.loads(capsys.readouterr().err)["error"]
    assert error["code"] == "system" and "no such file or directory, for /gone" in error["message"] and error["remedy"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a full disk as a device is Linux's")
def test_an_output_that_takes_nothing_more_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("restrip.cli.jobs.show_jobs", lambda options, terminal: terminal.result([], "none"))
    for form in ([], ["--json"]):
        with open("/dev/full", "w") as full:
            monkeypatch.setattr("sys.stdout", full)
            assert main(["jobs", *form]) == 1
            assert "no space left on device" in capsys.readouterr().err


@pytest.mark.parametrize("size", ["-1", "16385", "99999999999999999999"])
def test_a_size_that_no_picture_has_is_told(size: str) -> None:
    with pytest.raises(BadOption, match="long side"):
        output_of(render("--size", size))


def test_paths_are_made_absolute() -> None:
    output = output_of(render("--otio", "x.otio", "--sheet", "x.png"))
    assert all(Path(path).is_absolute() for path in (output.folder, output.otio, output.sheet))


def test_a_request_has_the_range_and_the_keys() -> None:
    request = request_of(render("--keys", "3,9", "--range", "2:30"), {})
    assert request.frames == FrameRange(2, 30)
    assert request.keys == [Key(3), Key(9)]


@pytest.mark.parametrize("option", ["--every", "--step"])
def test_steps_are_at_least_one(option: str) -> None:
    with pytest.raises(BadOption, match="1 or more"):
        request_of(render(option, "0"), {})


class SchemaClient:
    """A client that knows a schema and nothing else."""

    def settings(self) -> Schema:
        kinds = {"steps": "int", "cfg_scale": "float", "keep_colour": "bool", "prompt": "text", "seed": "int"}
        return Schema("etag", tuple(Setting(key, kind, None) for key, kind in kinds.items()))  # type: ignore[arg-type]


def test_settings_are_read_as_their_kinds() -> None:
    options = render(
        "--set", "steps=20", "--set", "cfg_scale=7", "--set", "keep_colour=yes", "--prompt", "ink", "--seed", "4"
    )
    given = settings_of(options, SchemaClient())  # type: ignore[arg-type]
    assert given == {"steps": 20, "cfg_scale": 7.0, "keep_colour": True, "prompt": "ink", "seed": 4}


@pytest.mark.parametrize(
    "pair",
    [
        "steps",
        "steps=many",
        "keep_colour=perhaps",
        "cfg_scale=nan",
        "cfg_scale=-inf",
        "cfg_scale=1e999",
        "cfg_scale=7,5",
    ],
)
def test_settings_that_make_no_sense_are_told(pair: str) -> None:
    with pytest.raises(BadOption):
        settings_of(render("--set", pair), SchemaClient())  # type: ignore[arg-type]


def test_numbers_out_of_bounds_are_told_with_the_bounds() -> None:
    class Bounded(SchemaClient):
        def settings(self) -> Schema:
            return Schema("etag", (Setting("video_stream", "int", 0, low=0, high=99),))

    for text in ("-1", "100", "9" * 40):
        with pytest.raises(BadInput, match="video_stream is"):
            settings_of(render("--set", f"video_stream={text}"), Bounded())  # type: ignore[arg-type]


def test_an_unknown_setting_is_left_for_the_engine_to_refuse() -> None:
    assert settings_of(render("--set", "colour=red"), SchemaClient()) == {"colour": "red"}  # type: ignore[arg-type]


def test_bad_options_end_with_exit_code_two(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    missing = str(tmp_path / "none.json")
    assert main(["submit", missing]) == 2
    assert "can't be read" in capsys.readouterr().err
    assert main(["submit", missing, "--json"]) == 2
    assert json.loads(capsys.readouterr().err)["error"]["code"] == "bad-job"


@pytest.mark.parametrize("arguments", [[], ["render"], ["render", "clip.mp4"], ["no-such-command"]])
def test_a_command_line_that_is_incomplete_ends_with_exit_code_two(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2


@pytest.mark.parametrize(
    ("text", "mib"),
    [
        *[("500", 500), ("500M", 500), ("1.5G", 1536), ("2 TiB", 2**21), ("20gb", 20480), ("512K", 0.5)],
        *[("0.5", 0.5), (".5g", 512), ("1,5", 1.5), ("1048576 B", 1), ("0", 0)],
    ],
)
def test_sizes(text: str, mib: float) -> None:
    assert mib_of(text) == mib


@pytest.mark.parametrize("text", ["", "-1", "1e9", "G", "1X", "nan", "1.G", "5BB", "5iB", "9" * 20 + "T"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(BadOption):
        mib_of(text)
