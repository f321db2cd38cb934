"""What a worker says when it can't do a task."""

from __future__ import annotations

import errno
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from restrip.jobs.tasks import queries, registry
from restrip.jobs.tasks.registry import FileTrouble, PartMissing, WorkerMemory, run_task
from restrip.media.files import DiskFull

PROBE = {"kind": "probe", "job": "", "body": {"paths": []}}


def ignore(phase: str, done: int, total: int, **more: Any) -> None:
    """Progress that nobody wants."""


@pytest.mark.parametrize(("package", "extra"), [("cv2", "engine"), ("torch", "diffusion")])
def test_a_missing_package_is_named_with_what_installs_it(
    package: str, extra: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def needy(assignment: Any) -> dict[str, Any]:
        raise ModuleNotFoundError(f"No module named '{package}.part'", name=f"{package}.part")

    monkeypatch.setattr(queries, "probe_media", needy)
    with pytest.raises(PartMissing, match=f"\\[{extra}\\]'$"):
        run_task(WorkerMemory(), {**PROBE, "state_dir": str(tmp_path)}, ignore)


def test_trouble_with_a_file_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def troubled(assignment: Any) -> dict[str, Any]:
        raise PermissionError(13, "Permission denied", "/clips/a.mov")

    monkeypatch.setattr(queries, "probe_media", troubled)
    with pytest.raises(FileTrouble, match=r"/clips/a\.mov"):
        run_task(WorkerMemory(), {**PROBE, "state_dir": str(tmp_path)}, ignore)


@pytest.mark.parametrize("raised", [OSError(errno.ENOSPC, "No space left on device", "/p"), DiskFull("/p")])
@pytest.mark.parametrize(
    ("kind", "job", "said"),
    [
        ("part", "job-1", "resume the job"),
        ("seeds", "job-1", "resume the job"),
        ("export_keys", "", "export the keys again"),
        ("save_look", "", "save the look again"),
        ("add_look", "", "add the look again"),
        ("suggest", "", "try again"),
    ],
)
def test_a_full_disks_remedy_is_that_of_what_was_asked(
    kind: str, job: str, said: str, raised: Exception, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(task: registry.Assignment) -> None:
        raise raised

    monkeypatch.setattr(registry, "import_module", lambda name: SimpleNamespace(asked=fail))
    message = {"kind": kind, "job": job, "state_dir": str(tmp_path), "body": {}}
    with pytest.raises(DiskFull) as caught:
        run_task(WorkerMemory(), message, lambda *args, **more: None, {kind: ("odd", "asked")})
    assert said in caught.value.remedy and caught.value.remedy.startswith("Make room, then ")
    assert ("resume" in caught.value.remedy) == bool(job) and caught.value.detail["path"] == "/p"
