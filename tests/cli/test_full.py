"""`restrip full`: a draft's job in full, named by its id or by its manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from restrip.cli import main, options
from restrip.client.client import Client
from restrip.client.draft import facts_of
from restrip.client.job import JobSpec, Manifest, Output
from restrip.client.status import JobStatus
from restrip.timeline import ClipRange, Key, Rate

CLIP = ClipRange(("/clips/run.mp4",), Rate.of(25), 75, name="run")
ASKED = JobSpec("draft-1234", CLIP, (Key(3, seed=7),), "sd:tiny", {"seed": 5}, Output(folder="/out", draft=True))


class FakeClient:
    """Knows one finished draft and one finished full job, and keeps what is handed in, or has been cancelled."""

    stopping = Client.stopping

    def __init__(self) -> None:
        self.submitted: list[JobSpec] = []
        self.cancelled: list[str] = []

    def __enter__(self) -> FakeClient:
        return self

    def __exit__(self, *raised: object) -> None:
        return None

    def jobs(self, beginning: str = "", limit: int = 0) -> list[JobStatus]:
        return [JobStatus(name) for name in ("draft-1234", "whole-1234") if name.startswith(beginning)]

    def manifest(self, job_id: str) -> Manifest:
        return manifest_of(job_id)

    def request(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        assert kind == "links"
        return {}

    def submit(self, spec: JobSpec) -> None:
        self.submitted.append(spec)

    def cancel(self, job_id: str) -> None:
        self.cancelled.append(job_id)

    def watch(self, job_id: str, on_status: Any) -> JobStatus:
        raise KeyboardInterrupt


def manifest_of(job_id: str) -> Manifest:
    facts = facts_of(ASKED, (1920, 1080)) if job_id.startswith("draft") else {}
    return Manifest(job_id, "0.1.0", CLIP, (640, 360), "sd:tiny", {}, (), (), (), facts=facts)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> FakeClient:
    made = FakeClient()
    monkeypatch.setattr(options, "open_client", lambda: made)
    return made


@pytest.mark.parametrize("by", ["id", "manifest"])
def test_a_draft_is_handed_in_again_in_full(client: FakeClient, by: str, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps(manifest_of("draft-1234").to_json()), "utf-8")
    assert main(["full", "draft-1" if by == "id" else str(manifest), "--detach", "--json"]) == 0
    (spec,) = client.submitted
    assert spec.job_id != ASKED.job_id and not spec.output.draft and spec.output.folder == "/out"
    assert (spec.clip, spec.keys, spec.look, spec.settings) == (ASKED.clip, ASKED.keys, ASKED.look, ASKED.settings)


def test_ctrl_c_cancels_the_job_that_is_waited_for(client: FakeClient, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["full", "draft-1234"]) == 130
    assert client.cancelled == [client.submitted[0].job_id]
    assert f"`restrip resume {client.cancelled[0]}` goes on with it" in capsys.readouterr().err


def test_it_goes_elsewhere_when_told(client: FakeClient, tmp_path: Path) -> None:
    assert main(["full", "draft-1234", "--detach", "--out", str(tmp_path)]) == 0
    assert client.submitted[0].output.folder == str(tmp_path)


def test_what_is_no_draft_is_told(client: FakeClient, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "list.json").write_text("[]", "utf-8")
    (tmp_path / "torn.json").write_text("{", "utf-8")
    for given, code in [
        ("whole-1234", "not-a-draft"),
        ("unknown", "unknown-job"),
        (str(tmp_path / "list.json"), "bad-job"),
        (str(tmp_path / "torn.json"), "bad-job"),
        (str(tmp_path / "gone.json"), "bad-job"),
        (str(tmp_path), "bad-job"),
    ]:
        assert main(["full", given, "--json"]) == 2
        error = json.loads(capsys.readouterr().err)["error"]
        assert error["code"] == code and "Errno" not in error["message"] and error["remedy"]
    assert client.submitted == []
