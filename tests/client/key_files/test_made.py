"""What a watch made is deleted with its folder, and nothing else is."""

from __future__ import annotations

from pathlib import Path

from restrip.client.key_files.made import MadeResult

JOB = "20260101-000000-abcd1234"


def result(folder: Path, *, job_id: str = JOB) -> MadeResult:
    """Of movies, a folder of pictures, a timeline, and a sheet that lies elsewhere."""
    folder.mkdir(parents=True)
    for name in ("strip-0.mp4", "timeline.otio", "manifest.json"):
        (folder / name).write_text(name)
    (folder / "strip-1").mkdir()
    (folder / "strip-1" / "000000.png").write_text("picture")
    sheet = folder.parent / "sheet.png"
    sheet.write_text("sheet")
    files = (folder / "strip-0.mp4", folder / "strip-1")
    return MadeResult(job_id, files, (folder / "timeline.otio", sheet))


def test_the_folder_goes_with_all_that_is_the_jobs(tmp_path: Path) -> None:
    made = result(tmp_path / f"clip {JOB}")
    assert made.delete() and [path.name for path in tmp_path.iterdir()] == ["sheet.png"]
    assert made.delete(), "gone already"


def test_what_else_lies_there_keeps_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / f"clip {JOB}"
    made = result(folder)
    (folder / "grade.drx").write_text("mine")
    assert made.delete() and [path.name for path in folder.iterdir()] == ["grade.drx"]


def test_a_folder_that_isnt_the_jobs_own_is_left_alone(tmp_path: Path) -> None:
    made = result(tmp_path / "movies")
    assert made.delete() and len(list((tmp_path / "movies").iterdir())) == 4


def test_what_cant_be_deleted_is_told(tmp_path: Path) -> None:
    made = result(tmp_path / f"clip {JOB}")
    (tmp_path / f"clip {JOB}" / "strip-1" / "mine").mkdir()
    assert not made.delete()
