"""Whole jobs through a real engine."""

from __future__ import annotations

import hashlib
import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from engine_bench import children_of, until
from job_bench import FRAMES, Little

from restrip.client import discovery
from restrip.client.client import Client, EngineUnreachable, connect
from restrip.client.job import Manifest, Output
from restrip.client.status import JobStatus
from restrip.errors import RemoteError
from restrip.storage import processes
from restrip.timeline import Key

WAIT_S = 120.0


def run(client: Client, spec: Any, on_status: Callable[[JobStatus], None] | None = None) -> JobStatus:
    client.submit(spec)
    return client.watch(spec.job_id, on_status, timeout_s=WAIT_S)


def done(client: Client, spec: Any) -> Manifest:
    status = run(client, spec)
    assert status.state == "done", status.error
    return client.manifest(spec.job_id)


def rendered(manifest: Manifest) -> tuple[int, int]:
    return manifest.counts["keys_rendered"], manifest.counts["segments_rendered"]


def test_the_whole_line(client: Client, little: Little, tmp_path: Path) -> None:
    """Probe, check, submit, progress, manifest, files; then the same again, and with one key moved."""
    info = client.probe([str(little.clip)])
    assert (info["frames"], info["size"], info["rate"]) == (FRAMES, [64, 48], "25")
    out = Output(folder=str(tmp_path / "out"), preview=True)
    spec = little.job("job-1", 4, 12, 20, output=out)
    assert client.check(spec)["segments"] == 4
    seen: list[JobStatus] = []
    assert run(client, spec, seen.append).state == "done"
    assert [status.seq for status in seen] == sorted(status.seq for status in seen)
    assert "running" in {status.state for status in seen}
    newest = [status.picture for status in seen if status.picture]
    assert newest and all(Path(picture).name == "picture.png" and Path(picture).is_file() for picture in newest)
    reply = client.manifest_reply("job-1")
    assert hashlib.sha256(Path(reply["path"]).read_bytes()).hexdigest() == reply["sha256"]
    first = client.manifest("job-1")
    assert rendered(first) == (3, 4)
    assert json.loads((tmp_path / "out" / "manifest.json").read_text()) == first.to_json()
    assert all(Path(strip.file).parent == tmp_path / "out" for strip in first.strips)
    second = done(client, little.job("job-2", 4, 12, 20, output=out))
    assert rendered(second) == (0, 0)
    assert [s.sha256 for s in second.strips] == [s.sha256 for s in first.strips]
    assert rendered(done(client, little.job("job-3", 4, 13, 20))) == (1, 2)
    assert client.placed("job-3", "blender", ["a"])["ok"]
    assert client.placed("job-3", "blender", ["a"])["ok"]
    with pytest.raises(RemoteError, match="placed by blender"):
        client.placed("job-3", "resolve")
    would = client.would_discard("job-3")
    assert any("strip-001-frame-00013" in path for path in would["would_delete"])
    client.discard("job-3")
    assert client.status("job-3").state == "unknown"
    assert not (discovery.state_dir() / "jobs" / "job-3").exists()
    assert client.cache()["entries"] > 5
    client.free_gpu()
    until(lambda: not client.engine_status()["workers"]["render"]["running"])


def test_failed_then_mended_then_tried_again(client: Client, little: Little, tmp_path: Path) -> None:
    painted = tmp_path / "painted"
    painted.mkdir()
    (painted / "00004.png").write_bytes((little.painted / "00004.png").read_bytes())
    spec = little.job("job-1", 4, 16, look=f"keys:{painted}")
    status = run(client, spec)
    assert status.state == "failed" and status.error is not None
    assert status.error["code"] == "painted-keys-missing" and status.error["remedy"]
    with pytest.raises(RemoteError, match="failed"):
        client.manifest("job-1")
    (painted / "00016.png").write_bytes((little.painted / "00016.png").read_bytes())
    client.retry("job-1")
    assert client.watch("job-1", timeout_s=WAIT_S).state == "done"


def test_three_share_and_each_sees_its_own(client: Client, little: Little) -> None:
    """Two editors and a command line at once; a job is placed by either editor, once."""
    with connect("resolve", project="q") as resolve, connect("command line") as line:
        client.submit(little.job("job-1", 2, 10, 18))
        resolve.submit(replace(little.job("job-2", 3, 11), project="q"))
        line.submit(replace(little.job("job-3", 5), project=""))
        for asker, job_id in ((line, "job-3"), (resolve, "job-2"), (client, "job-1")):
            assert asker.watch(job_id, timeout_s=WAIT_S).state == "done"
        assert line.engine_status()["jobs"] == {"done": 3}
        assert [job.job_id for job in client.jobs()] == ["job-1"]
        assert [job.job_id for job in resolve.jobs()] == ["job-2"]
        assert {job.job_id for job in line.jobs()} == {"job-1", "job-2", "job-3"}
        assert {c["client"] for c in line.engine_status()["clients"]} >= {"test", "resolve", "command line"}
        assert resolve.placed("job-1", "resolve", ["a"])["ok"]
        with pytest.raises(RemoteError, match="placed by resolve"):
            client.placed("job-1", "blender", ["a"])
        assert client.status("job-1").placed_by == "resolve"


def test_seeds_go_before_renders_and_are_kept(client: Client, little: Little) -> None:
    clip = little.job("x-1").clip
    client.submit(little.job("job-1", 2, 6, 10, 14, 18, 22))
    result = client.seeds(clip, 4, look=f"keys:{little.painted}", count=3)
    assert client.status("job-1").state != "done"
    assert Path(result["sheet"]).exists() and Path(result["pictures"][0]["file"]).exists()
    assert Path(result["source"]).is_file()
    assert [job.kind for job in client.jobs("*", ["done"])] == ["seeds"]
    client.cancel("job-1")


def test_keys_are_suggested(client: Client, little: Little) -> None:
    found = client.suggest(little.job("x-1").clip, count=2)
    assert len(found) == 2
    assert all(0 <= key["frame"] < FRAMES and key["reason"] for key in found)
    assert [job.kind for job in client.jobs()] == ["suggest"]
    with pytest.raises(RemoteError) as caught:
        client.suggest(little.job("x-1").clip, count=2, error=1.0)
    assert caught.value.bad_input


def test_cancel_and_resume(client: Client, little: Little) -> None:
    spec = little.job("job-1", *range(1, 24, 2))
    client.submit(spec)
    until(lambda: client.status("job-1").phase in ("motion", "propagating"), WAIT_S)
    reply = client.cancel("job-1")
    assert reply["state"] in ("cancel_requested", "cancelled")
    assert client.watch("job-1", timeout_s=WAIT_S).state == "cancelled"
    client.resume("job-1")
    status = client.watch("job-1", timeout_s=WAIT_S)
    assert status.state == "done"
    manifest = client.manifest("job-1")
    # Over both attempts each was rendered once.
    assert rendered(manifest) == (12, 13)


def test_a_frozen_worker_is_no_obstacle_to_cancelling(
    engine: None, little: Little, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that is deep in loading a model: it hears nothing, and asking it to end has no effect."""
    monkeypatch.setenv("RESTRIP_CANCEL_S", "0.2")
    with connect("test", project="p") as client:
        client.submit(little.job("job-1", 2, 10))
        pid = client.ping()["pid"]
        until(lambda: bool(children_of(pid)) and client.status("job-1").state == "running")
        frozen = children_of(pid)
        for worker in frozen:
            os.kill(worker, signal.SIGSTOP)
        assert client.cancel("job-1")["state"] == "cancel_requested"
        assert client.watch("job-1", timeout_s=WAIT_S).state == "cancelled"
        until(lambda: not any(processes.alive(worker) for worker in frozen))
        client.resume("job-1")
        assert client.watch("job-1", timeout_s=WAIT_S).state == "done"


def test_an_engine_killed_in_the_middle_is_told_started_again_and_nothing_is_lost(
    client: Client, little: Little
) -> None:
    # Lossless: x264 itself isn't always deterministic for pictures as small as these.
    output = Output(format="ffv1")
    undisturbed = done(client, little.job("job-0", 1, 5, 9, 13, 17, 21, output=output))
    client.discard("job-0")
    client.submit(little.job("job-1", 1, 5, 9, 13, 17, 21, output=output))
    client.submit(little.job("job-2", 2))
    until(lambda: client.status("job-1").phase in ("motion", "propagating"), WAIT_S)
    pid = client.ping()["pid"]
    workers = children_of(pid)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(EngineUnreachable, match="stopped in the middle"):
        client.watch("job-1", timeout_s=WAIT_S)
    until(lambda: not any(processes.alive(worker) for worker in workers))
    status = client.status("job-1")
    assert status.state == "interrupted" and "crashed" in status.note
    assert client.status("job-2").state == "paused"
    client.resume("job-1")
    assert client.watch("job-1", timeout_s=WAIT_S).state == "done"
    manifest = client.manifest("job-1")
    assert [s.sha256 for s in manifest.strips] == [s.sha256 for s in undisturbed.strips]


def test_a_killed_worker_is_replaced_and_the_job_says_so(client: Client, little: Little) -> None:
    client.submit(little.job("job-1", 1, 5, 9, 13, 17, 21))
    until(lambda: client.status("job-1").phase in ("motion", "propagating"), WAIT_S)
    for worker in children_of(client.ping()["pid"]):
        os.kill(worker, signal.SIGKILL)
    assert client.watch("job-1", timeout_s=WAIT_S).state == "done"
    manifest = client.manifest("job-1")
    assert [retry["why"] for retry in manifest.facts["retries"]] == ["SIGKILL"]
    assert any("tried again" in note for note in manifest.notes)


def test_quit_leaves_it_interrupted_and_drain_lets_it_end(client: Client, little: Little) -> None:
    client.submit(little.job("job-1", 1, 5, 9, 13, 17, 21))
    until(lambda: client.status("job-1").state == "running", WAIT_S)
    with pytest.raises(RemoteError) as caught:
        client.quit(if_idle=True)
    assert caught.value.code == "busy"
    pid = client.ping()["pid"]
    client.quit()
    until(lambda: not processes.alive(pid))
    assert client.status("job-1").state == "interrupted"
    client.resume("job-1")
    until(lambda: client.status("job-1").state == "running", WAIT_S)
    pid = client.ping()["pid"]
    workers = children_of(pid)
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)  # else the job may be done, and the engine gone, before the next is handed in
    try:
        assert client.status("job-1").state == "running"
        client.drain()
        with pytest.raises(RemoteError) as caught:
            client.submit(little.job("job-2", 1))
        assert caught.value.code == "draining"
    finally:
        for worker in workers:
            os.kill(worker, signal.SIGCONT)
    until(lambda: not processes.alive(pid), WAIT_S)
    assert client.status("job-1").state == "done"


def test_a_key_with_an_unknown_look_or_frame_is_refused_at_once(client: Client, little: Little) -> None:
    for spec, code in (
        (little.job("job-1", 4, look="dream:1"), "unknown-look"),
        (little.job("job-1", FRAMES), "key-outside"),
        (replace(little.job("job-1", 4), keys=(Key(-1),)), "key-outside"),
    ):
        with pytest.raises(RemoteError) as caught:
            client.submit(spec)
        assert caught.value.code == code and caught.value.bad_input
    assert client.jobs() == []
    assert len(client.looks()) == 26


def test_a_movie_that_has_to_be_decoded_first_tells_how_far_it_is(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "clip.avi"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"bf": "2", "b-adapt": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for n in range(20):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((48, 64, 3), 9 * n, np.uint8), "rgb24")))
        out.mux(stream.encode(None))
    heard: list[tuple[int, int]] = []
    client.on_reading = lambda done, total: heard.append((done, total))
    info = client.probe([str(path)])
    assert (info["frames"], info["pictures"]) == (20, 20)
    assert heard and all(0 < done <= total == 20 for done, total in heard)
    assert any("order of decoding" in note for note in info["notes"])
    tables = list((discovery.state_dir() / "cache" / "facts").glob("*/*/table.json"))
    assert len(tables) == 1
    client.on_reading = None
    assert client.probe([str(path)]) == info
