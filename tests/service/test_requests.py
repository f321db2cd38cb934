"""Answers to requests, without sockets."""

from __future__ import annotations

import builtins
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from engine_bench import PLAN, Bench

from restrip.client.job import JobSpec, Manifest, Output
from restrip.client.messages import Message, header
from restrip.jobs.model.store import Record
from restrip.service import query_queue as questions_module
from restrip.service.requests import Dispatcher
from restrip.service.requests import dispatcher as desk_module
from restrip.service.requests.guests import MOST_JOBS
from restrip.timeline import ClipRange, Key, Rate

JOB = JobSpec("job-1", ClipRange(("/c.mp4",), Rate.of(25), 9, name="c"), (Key(0),), "neural:1", output=Output())


class Asker:
    """Asks a desk over a bench."""

    def __init__(self, root: Path) -> None:
        self.bench = Bench(root)
        self.dispatcher = Dispatcher(self.bench.engine, "engine-1")

    def ask(self, kind: str, *, v: str = "1.0", session: str = "s", **body: Any) -> dict[str, Any]:
        answers: list[Mapping[str, Any]] = []
        self.dispatcher.answer(Message(replace(header(kind, id="1", session=session), v=v), body), answers.append)
        return dict(answers[0]) if answers else {}

    def submit(self, job_id: str, **more: Any) -> dict[str, Any]:
        return self.ask("submit", **{**replace(JOB, job_id=job_id).to_json(), **more})


@pytest.fixture
def asker(tmp_path: Path) -> Asker:
    return Asker(tmp_path)


def test_an_engine_that_works_is_not_replaced(asker: Asker) -> None:
    asker.submit("job-1")
    asker.bench.tick()
    newer = asker.ask("hello", v="2.0", protocol="2.0")
    assert newer["code"] == "protocol" and newer["detail"] == {"client": "2.0", "engine": "1.0", "busy": True}
    assert "stop --when-idle" in newer["remedy"]
    assert asker.ask("quit", v="2.0", if_idle=True)["code"] == "busy"
    assert not asker.dispatcher.quitting
    assert asker.ask("drain", v="2.0")["busy"]
    assert asker.bench.engine.draining


def test_drained_engines_take_nothing_new_but_answer(asker: Asker) -> None:
    asker.submit("job-1")
    asker.bench.tick()
    asker.ask("drain")
    for kind, body in (
        ("submit", replace(JOB, job_id="job-2").to_json()),
        ("resume", {"job_id": "job-1"}),
        ("suggest", {"source": JOB.to_json()["source"], "count": 3}),
    ):
        assert asker.ask(kind, **body)["code"] == "draining"
    assert asker.submit("job-1")["accepted"]
    assert asker.ask("status", job_id="job-1")["state"] == "running"


def test_ten_thousand_jobs_are_listed_from_memory(asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = asker.bench.engine
    for n in range(10_000):
        engine.records[f"job-{n}"] = Record(f"job-{n}", created=float(n), project="pq"[n % 2], state="done", name="x")

    def no_disk(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("a list of jobs reads no file")

    monkeypatch.setattr(builtins, "open", no_disk)
    monkeypatch.setattr(Path, "read_bytes", no_disk)
    reply = asker.ask("jobs", project="*", limit=10_000)
    assert reply["more"] and 500 <= len(reply["jobs"]) <= 1000
    assert [job["job_id"] for job in reply["jobs"][:3]] == ["job-9999", "job-9998", "job-9997"]
    seen = 0
    while True:
        reply = asker.ask("jobs", project="p", limit=10_000, skip=seen)
        seen += len(reply["jobs"])
        assert {job["project"] for job in reply["jobs"]} == {"p"}
        if not reply["more"]:
            break
    assert seen == 5000


DEAD = "/a-drive-that-does-not-answer"
"""Whatever opens a path below it, or only asks what it is, may wait for ever."""
_touched: list[str] = []


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("open", "os.listdir", "os.scandir") and str(arguments[0]).startswith(DEAD):
        _touched.append(f"{event} {arguments[0]}")


def test_no_request_touches_the_users_files_in_the_engines_thread(
    asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are for workers, which may be ended."""
    sys.addaudithook(_hear)
    for name in ("stat", "lstat"):
        asked = getattr(os, name)

        def told(path: Any, *rest: Any, asked: Any = asked, **more: Any) -> Any:
            _hear("open", (path,))
            return asked(path, *rest, **more)

        monkeypatch.setattr(os, name, told)
    assert not os.path.exists(f"{DEAD}/heard")
    assert _touched.pop().endswith("heard"), "else this test would see nothing"

    spec = replace(
        JOB,
        clip=replace(JOB.clip, paths=(f"{DEAD}/clip.mp4",)),
        keys=(Key(0, image=f"{DEAD}/key.png"),),
        matte=f"{DEAD}/matte.png",
        output=Output(folder=f"{DEAD}/out", otio=f"{DEAD}/cut.otio", sheet=f"{DEAD}/sheet.png"),
    )
    looks = (f"painted:{DEAD}/keys", f"sd:{DEAD}/model.safetensors", f"painting:{DEAD}/art.jpg", "sd:tiny")
    settings = {"lora": f"{DEAD}/one.safetensors:0.5", "vae": f"{DEAD}/vae", "controlnet": f"canny={DEAD}/net:1"}
    for n, look in enumerate(looks):
        given = settings if look == "sd:tiny" else {}
        body = replace(spec, job_id=f"job-{n}", look=look, settings=given).to_json()
        for kind in ("check", "submit", "seeds", "suggest"):
            asked_for = {**body, **({"frame": 0, "n": 2} if kind == "seeds" else {"count": 2})}
            reply = asker.ask(kind, **(body if kind in ("check", "submit") else asked_for))
            assert reply.get("ok", True), reply
        asker.bench.tick()
    asker.ask("probe", paths=[f"{DEAD}/clip.mp4"])
    asker.ask("models", folder=f"{DEAD}/models")
    asker.ask("locate", path=f"{DEAD}/clip.mp4", ends="0")
    asker.bench.engine.open_results["job-0"] = {f"{DEAD}/strip.mp4"}
    asker.ask("get", job_id="job-0", path=f"{DEAD}/strip.mp4", offset=0, bytes=9)
    asker.ask("cancel", job_id="job-0")
    asker.ask("would_discard", job_id="job-0")
    asker.bench.tick()
    assert not _touched


def test_a_manifest_too_large_for_a_message_is_named_by_its_file(asker: Asker) -> None:
    asker.submit("job-1")
    engine = asker.bench.engine
    engine.change("job-1", "start")
    engine.change("job-1", "finish")
    path = engine.store.folder("job-1") / "manifest.json"
    made = Manifest("job-1", "0", JOB.clip, (2, 2), "neural:1", {}, (), (), (), notes=("x" * 100,) * 10_000)
    from restrip.storage.json_files import write_json

    write_json(path, made.to_json())
    reply = asker.ask("manifest", job_id="job-1")
    assert reply["ok"] and reply["content"] is None and reply["path"] == str(path)
    write_json(path, replace(made, notes=()).to_json())
    assert asker.ask("manifest", job_id="job-1")["content"]["job_id"] == "job-1"
    path.unlink()
    assert asker.ask("manifest", job_id="job-1")["code"] == "job-lost"


def test_only_a_done_job_is_placed_or_shows_a_manifest(asker: Asker) -> None:
    asker.submit("job-1")
    assert asker.ask("placed", job_id="job-1", by="blender")["code"] == "wrong-state"
    assert asker.ask("manifest", job_id="job-1")["code"] == "wrong-state"
    assert asker.ask("discard", job_id="job-1")["code"] == "wrong-state"
    asker.ask("cancel", job_id="job-1")
    assert asker.ask("retry", job_id="job-1")["code"] == "wrong-state"
    assert asker.ask("resume", job_id="job-1")["state"] == "queued"


def test_what_is_not_placed_is_kept_from_pruning(asker: Asker) -> None:
    engine = asker.bench.engine
    asker.submit("job-1")
    asker.submit("job-2", output={"folder": "/out"})
    asker.submit("job-3")
    for job_id in ("job-1", "job-2", "job-3"):
        engine.change(job_id, "start")
        engine.change(job_id, "finish")
    assert engine.unplaced() == ["job-1", "job-3"]
    asker.ask("placed", job_id="job-1", by="blender", strips=[])
    assert engine.unplaced() == ["job-3"]


def test_a_job_that_is_done_bounds_the_cache(asker: Asker) -> None:
    asker.submit("job-1")
    worker = asker.bench.tick()
    for result in ({**PLAN, "missing_keys": [], "missing_parts": []}, {"manifest": "m"}):
        asker.bench.done(worker, **result)
        asker.bench.engine.tick()
    light = next(worker for worker in asker.bench.workers if worker.worker_id.startswith("light"))
    assert light.task["kind"] == "cache"
    assert light.task["body"] == {"prune_mib": 20480.0, "protected_jobs": ["job-1"]}


def test_how_large_the_cache_may_be_is_set_for_good(asker: Asker, tmp_path: Path) -> None:
    engine = asker.bench.engine
    asker.ask("cache", limit_mib=500)
    engine.tick()
    light = asker.bench.workers[-1]
    assert light.task["body"] == {"prune_mib": 500, "limit_mib": 500.0, "protected_jobs": []}
    asker.bench.done(light, entries=0)
    again = Asker(tmp_path)
    assert again.bench.engine.preferences.cache_mib == 500
    again.ask("cache", prune_mib=100)
    again.bench.engine.tick()
    assert again.bench.workers[-1].task["body"] == {"prune_mib": 100, "limit_mib": 500.0, "protected_jobs": []}
    for wrong in (-1, "5", True, 1e300, [1]):
        assert asker.ask("cache", limit_mib=wrong)["code"] == "bad-message"
        assert asker.ask("cache", prune_mib=wrong)["code"] == "bad-message"
    assert again.bench.engine.preferences.cache_mib == 500


def test_discard_forgets_only_when_the_worker_did_its_part(asker: Asker) -> None:
    asker.submit("job-1")
    asker.ask("cancel", job_id="job-1")
    assert asker.ask("would_discard", job_id="job-1") == {}
    asker.bench.engine.tick()
    light = asker.bench.workers[-1]
    assert light.task["body"] == {"job_id": "job-1", "others": [], "really": False}
    asker.bench.done(light, would_delete=[], files=0, mib=0.0)
    assert asker.ask("status", job_id="job-1")["state"] == "cancelled"
    asker.ask("discard", job_id="job-1")
    asker.bench.engine.tick()
    asker.bench.say(light, "error", error={"code": "file-trouble", "message": "m"})
    assert asker.ask("status", job_id="job-1")["state"] == "cancelled"
    asker.ask("discard", job_id="job-1")
    asker.bench.engine.tick()
    asker.bench.done(light, deleted=[], files=0, mib=0.0)
    assert asker.ask("status", job_id="job-1")["state"] == "unknown"
    assert not asker.bench.engine.store.folder("job-1").exists()


def test_seeds_and_suggest_are_jobs_of_their_own(asker: Asker) -> None:
    source = JOB.to_json()["source"]
    look = {"name": "sd:tiny", "settings": {"prompt": "x"}}
    seeds = asker.ask("seeds", source=source, frame=3, n=4, prompt="y", look=look, project="p")
    status = asker.ask("status", job_id=seeds["job_id"])
    assert (status["kind"], status["project"], status["name"]) == ("seeds", "p", "c")
    for change, code in (
        ({"frame": 9}, "bad-job"),
        ({"n": 0}, "bad-job"),
        ({"n": 10**6}, "bad-job"),
        ({"look": {"name": "dream:1"}}, "unknown-look"),
        ({"look": {"name": "sd:tiny", "settings": {"steps": "many"}}}, "bad-setting"),
        ({"source": {}}, "bad-job"),
        ({"prompt": 3}, "bad-job"),
    ):
        good = {"source": source, "frame": 3, "n": 4, "look": look}
        assert asker.ask("seeds", **{**good, **change})["code"] == code
    for count, error in ((None, None), (3, 1.0), (0, None), (None, -1.0), ("3", None), (True, None)):
        assert asker.ask("suggest", source=source, count=count, error=error)["code"] == "bad-job"


def test_the_engines_own_disk_may_fail_it(asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(asker.bench.engine.store, "create", full)
    reply = asker.submit("job-1")
    assert reply["code"] == "disk" and "No space left" in reply["message"]
    assert asker.ask("status", job_id="job-1")["state"] == "unknown"


def test_clients_that_left_are_forgotten(asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    asker.ask("hello", session="a", client="blender", project="p", protocol="1.0")
    assert asker.ask("engine_status")["clients"][0]["client"] == "blender"
    for client in asker.dispatcher.clients.values():
        client["seen"] -= 7200
    asker.dispatcher.forget_old_clients()
    assert asker.dispatcher.clients == {}


def test_keys_to_paint_are_asked_of_a_worker_here_and_only_of_the_clips_frames(asker: Asker) -> None:
    whole = {"source": JOB.to_json()["source"], "folder": "/keys", "frames": [0, 8]}
    for wrong, code in (
        ({"folder": "keys"}, "relative-path"),
        ({"frames": [9]}, "bad-message"),
        ({"frames": []}, "bad-message"),
        ({"frames": [True]}, "bad-message"),
        ({"frames": "0"}, "bad-message"),
        ({"first": -1}, "bad-message"),
        ({"stream": "x"}, "bad-message"),
        ({"source": {}}, "bad-job"),
    ):
        assert asker.ask("export_keys", **{**whole, **wrong})["code"] == code, wrong
    assert asker.ask("export_keys", **whole, replace=True, editor="blender") == {}, "a worker answers"
    task = asker.bench.engine.questions.next()
    assert task.kind == "export_keys" and task.body["frames"] == [0, 8]
    assert (task.body["first"], task.body["replace"], task.body["note"], task.body["editor"]) == (
        0,
        True,
        True,
        "blender",
    )


def test_sessions_and_questions_are_bounded(asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_module, "MOST_CLIENTS", 3)
    monkeypatch.setattr(questions_module, "MOST_QUESTIONS", 2)
    for n in range(10):
        asker.ask("ping", session=f"s{n}")
        assert len(asker.dispatcher.clients) <= 3 and f"s{n}" in asker.dispatcher.clients
    assert [asker.ask("looks").get("code") for _ in range(3)] == [None, None, "too-many-questions"]


def test_a_guest_has_so_many_jobs_and_no_more(asker: Asker) -> None:
    answers: list[Mapping[str, Any]] = []
    for n in range(MOST_JOBS):
        asker.bench.engine.accept(Record(f"theirs-{n}", guest="grant-1"), {"job_id": f"theirs-{n}", "kind": "render"})
    for grant in ("grant-1", "grant-2"):
        message = Message(header("submit", id="1"), replace(JOB, job_id=f"more-{grant}").to_json(), grant)
        asker.dispatcher.answer(message, answers.append)
    assert [answer["code"] for answer in answers] == ["too-many-jobs"]
    assert asker.bench.engine.questions.wait(guests=True), "the other guest's job is being looked at"
