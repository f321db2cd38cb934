"""Today's engine on a state folder that version 0.1 wrote (state_0_1/README.md)."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import pytest
from job_bench import FRAMES

from restrip.client.client import Client, connect
from restrip.client.job import JobSpec, Manifest
from restrip.errors import RemoteError
from restrip.jobs.cache import Cache

LEFT = Path(__file__).parent / "state_0_1"
WAIT_S = 120.0


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folders as if they had been made here: paths, the hashes of files that name paths, and who may read them."""
    root = tmp_path.resolve() / "old"
    for name in ("state", "media", "results"):
        shutil.copytree(LEFT / name, root / name)
    for path in root.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
        if path.suffix in (".json", ".otio"):
            path.write_text(path.read_text("utf-8").replace("@ROOT@", str(root)), "utf-8")
    for path in list((root / "state" / "outputs").iterdir()):
        body = json.loads(path.read_text("utf-8"))
        folder = Path(body["folder"])
        body["files"] = {name: digest(folder / name) for name in body["files"]}
        path.rename(path.with_stem(hashlib.sha256(str(folder).encode()).hexdigest())).write_text(
            json.dumps(body), "utf-8"
        )
    for path in (root / "state" / "jobs").glob("*/state.json"):
        body = json.loads(path.read_text("utf-8"))
        if body["result"] and "manifest" in body["result"]:
            body["result"]["sha256"] = digest(Path(body["result"]["manifest"]))
            path.write_text(json.dumps(body), "utf-8")
    monkeypatch.setenv("RESTRIP_STATE_DIR", str(root / "state"))
    return root


@pytest.fixture
def old(root: Path, engine: None) -> Iterator[Client]:
    """A client of today's engine, started on what is there."""
    with connect("test", project="/edits/old.blend") as client:
        yield client


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def spec(root: Path, job_id: str) -> JobSpec:
    return JobSpec.from_json(json.loads((root / "state" / "jobs" / job_id / "job.json").read_text("utf-8")))


def ended(client: Client, job_id: str) -> Manifest:
    status = client.watch(job_id, timeout_s=WAIT_S)
    assert status.state == "done", (status.state, status.error)
    return client.manifest(job_id)


def frames_in(file: str) -> int:
    with av.open(file) as movie:
        return sum(1 for _ in movie.decode(video=0))


def test_its_jobs_are_listed_with_their_results(root: Path, old: Client) -> None:
    jobs = {job.job_id: job for job in old.jobs("*")}
    assert {name: job.state for name, job in jobs.items() if job.kind == "render"} == {
        "finished": "done",
        "finished-painted": "done",
        "finished-every": "done",
        "failed-painted": "failed",
        "half": "interrupted",
        "waiting": "interrupted",
    }
    assert "crashed" in jobs["half"].note
    assert [job.job_id for job in old.jobs(states=["failed"])] == ["failed-painted"]
    assert jobs["finished"].placed_by == "blender" and jobs["finished"].created > 1.7e9
    assert jobs["failed-painted"].error is not None
    assert jobs["failed-painted"].error["code"] == "painted-keys-missing"
    (seeds,) = (job for job in jobs.values() if job.kind == "seeds")
    assert seeds.result is not None and Path(seeds.result["sheet"]).is_file()
    (suggested,) = (job for job in jobs.values() if job.kind == "suggest")
    assert suggested.result is not None and {"frame", "reason", "error"} == set(suggested.result["keys"][0])
    manifest = old.manifest("finished")
    assert manifest == Manifest.from_json(json.loads((root / "results" / "manifest.json").read_text("utf-8")))
    assert [key.key.frame for key in manifest.keys] == [0, 8, 20]
    assert all(digest(Path(strip.file)) == strip.sha256 for strip in manifest.strips)
    assert old.manifest_reply("finished")["sha256"] == digest(root / "results" / "manifest.json")
    assert [len(old.manifest(job_id).strips) for job_id in ("finished-painted", "finished-every")] == [2, 1]
    with pytest.raises(RemoteError, match="placed by blender"):
        old.placed("finished", "resolve")
    assert old.cache()["limit_mib"] == 3000


def test_what_was_begun_goes_on_to_its_end(root: Path, old: Client) -> None:
    for job_id in ("half", "waiting"):
        assert old.resume(job_id)["state"] == "queued"
    manifest = ended(old, "half")
    assert [key.key.frame for key in manifest.keys] == [key.frame for key in spec(root, "half").keys]
    assert all(frames_in(strip.file) == len(strip.frames) for strip in manifest.strips)
    assert manifest.strips[-1].frames.end == FRAMES
    assert len(ended(old, "waiting").strips) == 1


def test_what_failed_is_tried_again_and_what_is_done_can_be_discarded(root: Path, old: Client) -> None:
    old.retry("failed-painted")
    status = old.watch("failed-painted", timeout_s=WAIT_S)
    assert status.error is not None and status.error["detail"]["frames"] == [16]
    painted = root / "media" / "painted"
    shutil.copy(painted / "key_00014.png", painted / "key_00016.png")
    old.retry("failed-painted")
    assert len(ended(old, "failed-painted").strips) == 2
    result = root / "state" / "jobs" / "finished-painted" / "result"
    would = set(old.would_discard("finished-painted")["would_delete"])
    assert {str(path) for path in result.iterdir()} <= would
    assert would <= set(old.discard("finished-painted")["deleted"]) and not result.exists()
    assert old.status("finished-painted").state == "unknown"
    old.discard("finished")
    assert (root / "results" / "strip-000-frame-00000.mp4").is_file(), "what lies in the user's folder stays"


def test_its_results_are_known_as_the_engines_own_and_written_anew(root: Path, old: Client) -> None:
    """The same job again, into the same folder; and what the user changed there since is left alone."""
    again = replace(spec(root, "finished"), job_id="again")
    old.submit(again)
    assert [strip.visible for strip in ended(old, "again").strips] == [
        s.visible for s in old.manifest("finished").strips
    ]
    (root / "results" / "strip-000-frame-00000.mp4").write_bytes(b"the user's own")
    old.submit(replace(again, job_id="once-more"))
    status = old.watch("once-more", timeout_s=WAIT_S)
    assert status.error is not None and status.error["code"] == "output-exists"


def test_its_cache_is_read_and_pruned(root: Path) -> None:
    cache = Cache(root / "state")
    entries = {
        kind: [path.name for path in (root / "state" / "cache" / kind).glob("??/*")] for kind in ("keys", "segments")
    }
    assert all(entries.values())
    for kind, names in entries.items():
        for name in names:
            found = cache.find(kind, name)
            assert found is not None, f"{kind} {name} isn't found"
            assert kind == "segments" or found.file("picture.png").is_file()
    count = sum(map(len, entries.values()))
    assert cache.usage().entries == count
    assert cache.usage(entries["keys"]).protected_mib > 0
    cache.prune(0.0, entries["keys"])
    assert cache.usage().entries == len(entries["keys"])
