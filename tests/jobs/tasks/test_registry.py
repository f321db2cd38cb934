"""What a worker says when it can't do a task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from restrip.jobs.tasks import queries
from restrip.jobs.tasks.registry import FileTrouble, PartMissing, WorkerMemory, run_task

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
