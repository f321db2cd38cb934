"""A report that can be sent to strangers."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from restrip.cli.bundle import write_bundle
from restrip.cli.options import BadOption
from restrip.client.discovery import run_folder
from restrip.storage.owned_files import OutputExists


def test_a_bundle_has_the_log_and_no_names(tmp_path: Path) -> None:
    (run_folder() / "engine.log").write_text("job abc: reading /home/ada/film/take.mov\n", "utf-8")
    names = write_bundle(tmp_path / "report.zip", [])
    with zipfile.ZipFile(tmp_path / "report.zip") as bundle:
        assert sorted(bundle.namelist()) == names
        assert bundle.read("engine.log").decode() == "job abc: reading <path>.mov\n"
        assert b"restrip" in bundle.read("versions.json")


def test_a_bundle_has_no_word_of_any_job(tmp_path: Path) -> None:
    folder = run_folder().parent / "jobs" / "job-1"
    folder.mkdir(parents=True)
    (folder / "job.json").write_text(
        json.dumps({"job_id": "job-1", "source": {"paths": ["/x/Bob.mov"]}, "keys": [{"prompt": "a pale horse"}]})
    )
    (folder.parent / "damaged").mkdir()
    (folder.parent / "damaged" / "job.json").write_text("{")
    log = [{"event": "worker said", "text": "Bob.mov has no index"}, {"event": "x", "text": "A PALE HORSE, job-1"}]
    (run_folder() / "engine.log").write_text("".join(json.dumps(line) + "\n" for line in log), "utf-8")
    write_bundle(tmp_path / "report.zip", [])
    with zipfile.ZipFile(tmp_path / "report.zip") as bundle:
        lines = bundle.read("engine.log").decode().splitlines()
        everything = b"".join(map(bundle.read, bundle.namelist())).decode()
    assert [json.loads(line)["text"] for line in lines] == ["<left out> has no index", "<left out>, job-1"]
    assert "Bob" not in everything and "HORSE" not in everything


def test_a_bundle_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadOption, match="can't be written"):
        write_bundle(tmp_path / "file" / "report.zip", [])


def test_a_bundle_takes_the_place_of_nothing_but_a_bundle(tmp_path: Path) -> None:
    write_bundle(tmp_path / "report.zip", [])
    write_bundle(tmp_path / "report.zip", [])
    (tmp_path / "holiday.mov").write_bytes(b"footage")
    with pytest.raises(OutputExists):
        write_bundle(tmp_path / "holiday.mov", [])
    assert (tmp_path / "holiday.mov").read_bytes() == b"footage"
