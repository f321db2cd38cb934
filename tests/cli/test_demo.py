"""Where the demo's result goes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from restrip.cli import demo
from restrip.client.client import Client
from restrip.errors import RemoteError


class Engine:
    """One that refuses folders that somebody else wrote to."""

    stopping = Client.stopping

    def __init__(self, *foreign: str) -> None:
        self.foreign, self.folders, self.forgotten = foreign, dict[str, str](), list[str]()

    def submit(self, spec: Any) -> None:
        self.folders[spec.job_id] = spec.output.folder

    def discard(self, job_id: str) -> None:
        self.forgotten.append(job_id)

    def finish(self, job_id: str) -> str:
        folder = Path(self.folders[job_id])
        if folder.name in self.foreign:
            raise RemoteError({"code": "output-exists", "message": "It is there already."})
        if folder.name == "full":
            raise RemoteError({"code": "no-room", "message": "No room."})
        return str(folder)


@pytest.fixture
def render(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """render(engine, name): the folder that the demo takes, when it is to take `name`."""

    def job_of(client: Any, request: Any) -> Any:
        assert {Path(request.output.sheet).parent, Path(request.output.otio).parent} == {Path(request.output.folder)}
        return SimpleNamespace(job_id=f"job-{len(client.folders)}", output=request.output)

    monkeypatch.setattr(demo, "job_of", job_of)
    monkeypatch.setattr(demo, "finished", lambda client, job_id, show: client.finish(job_id))

    def call(engine: Engine, name: str) -> str:
        made, folder = demo.rendered(engine, "neural:19", tmp_path / name, lambda status: None)  # type: ignore[arg-type]
        assert made == str(folder)
        return folder.name

    return call


def test_a_folder_of_another_demo_stays_as_it_is(render: Any) -> None:
    engine = Engine("restrip-demo", "restrip-demo-2")
    assert render(engine, "restrip-demo") == "restrip-demo-3"
    assert engine.forgotten == ["job-0", "job-1"], "tries are no jobs of the user's"
    assert render(Engine(), "restrip-demo") == "restrip-demo"


def test_other_errors_are_not_hidden(render: Any) -> None:
    with pytest.raises(RemoteError, match="No room"):
        render(Engine(), "full")
