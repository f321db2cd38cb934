"""A real engine over real sockets."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket as plain
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zmq
from engine_bench import until

from restrip.client import discovery, session
from restrip.client.client import Client, EngineUnreachable, ProtocolMismatch, connect
from restrip.client.job import JobSpec
from restrip.client.messages import MAX_BYTES, REQUESTS, Header, encode, header, pack
from restrip.client.wire import Wire
from restrip.errors import RemoteError
from restrip.storage import processes
from restrip.timeline import ClipRange, Key, Rate

pytestmark = pytest.mark.usefixtures("engine")
WAIT_S = 120.0


def job(job_id: str, clip: str = "/nowhere/clip.mp4") -> JobSpec:
    return JobSpec(job_id, ClipRange((clip,), Rate.of(25), 10), (Key(0),), "neural:1", project="p")


def connection() -> discovery.Connection:
    found = discovery.read_connection()
    assert found is not None
    return found


def killed() -> None:
    pid = connection().pid
    os.kill(pid, signal.SIGKILL)
    until(lambda: not processes.alive(pid))


def code_of(client: Client, kind: str, body: dict[str, object] | None = None) -> str:
    with pytest.raises(RemoteError) as caught:
        client.request(kind, body)
    return caught.value.code


def test_the_first_connect_starts_it_and_the_second_finds_it() -> None:
    with pytest.raises(EngineUnreachable):
        connect("test", start=False)
    with connect("a") as a, connect("b", start=False) as b:
        assert a.hello["engine_id"] == b.hello["engine_id"]
        assert a.ping()["pid"] == connection().pid


def test_an_engine_that_is_only_busy_is_waited_for(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    pid = connection().pid
    os.kill(pid, signal.SIGSTOP)
    monkeypatch.setattr(session, "HELLO_S", 0.1)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        os.kill(pid, signal.SIGCONT)
        monkeypatch.setattr(session, "HELLO_S", WAIT_S)

    monkeypatch.setattr(session.time, "sleep", sleep)
    with connect("other", start=False) as other:
        assert other.ping()["pid"] == pid
    assert slept


def test_it_runs_in_a_session_of_its_own(client: Client) -> None:
    pid = client.ping()["pid"]
    assert os.getsid(pid) != os.getsid(0)
    parent = Path(f"/proc/{pid}/stat")
    if parent.exists():
        assert int(parent.read_text().rpartition(")")[2].split()[1]) != os.getpid()


def test_eight_that_start_it_at_once_end_with_one_engine() -> None:
    program = (
        "from restrip.client import client, session\n"
        "session.EngineSession.patience_s = 120\n"
        "with client.connect('t') as c: print(c.ping()['engine_id'])"
    )
    children = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(8)]
    ids = {child.communicate(timeout=WAIT_S)[0].strip() for child in children}
    assert [child.returncode for child in children] == [0] * 8
    assert ids == {connection().engine_id}


def test_the_connection_file_is_the_users_alone(client: Client) -> None:
    run = discovery.run_folder()
    assert (run / "engine.json").stat().st_mode & 0o777 == 0o600
    assert run.stat().st_mode & 0o777 == 0o700


def test_settings_are_sent_once(client: Client) -> None:
    schema = client.settings()
    assert client.settings() is schema
    assert {"lean", "format"} <= {setting.key for setting in schema.settings}
    assert {look["prefix"] for look in schema.looks} >= {"neural", "sd"}
    assert client.request("settings", {"etag": schema.etag}) == {"ok": True, "same": True, "etag": schema.etag}


def test_a_job_is_on_disk_before_the_reply_and_handed_in_once(client: Client) -> None:
    reply = client.submit(job("job-1"))
    folder = discovery.state_dir() / "jobs" / "job-1"
    assert reply["accepted"] and (folder / "job.json").exists() and (folder / "state.json").exists()
    assert client.submit(job("job-1"))["job_id"] == "job-1"
    with pytest.raises(RemoteError) as caught:
        client.submit(job("job-1", "/nowhere/other.mp4"))
    assert caught.value.code == "conflict"
    assert len(client.jobs()) == 1


def test_settings_of_another_engine_are_told_so(client: Client) -> None:
    with pytest.raises(RemoteError) as caught:
        client.request("submit", {**job("job-1").to_json(), "settings_etag": "old"})
    assert caught.value.code == "stale-settings"
    client.settings()
    assert client.submit(job("job-1"))["accepted"]


def test_each_project_sees_its_own(client: Client) -> None:
    client.submit(job("job-1"))
    with connect("other", project="q") as other, connect("command line") as command_line:
        assert other.jobs() == []
        assert [status.job_id for status in other.jobs("*")] == ["job-1"]
        assert [status.job_id for status in other.jobs("p")] == ["job-1"]
        assert [status.job_id for status in command_line.jobs()] == ["job-1"]
        assert [status.job_id for status in command_line.jobs(beginning="job-")] == ["job-1"]
        assert command_line.jobs(beginning="x") == []
        assert command_line.jobs(states=["done"]) == []
        assert command_line.jobs(limit=0) == []


def test_an_unknown_job_is_unknown(client: Client) -> None:
    assert client.status("job-9").state == "unknown"
    assert client.watch("job-9").state == "unknown"
    for kind in ("cancel", "resume", "retry", "manifest", "placed", "discard", "would_discard"):
        assert code_of(client, kind, {"job_id": "job-9", "by": "x"}) == "unknown-job"


def test_every_request_without_a_body_has_an_answer(client: Client) -> None:
    for kind in REQUESTS:
        if kind in ("quit", "drain", "looks"):
            continue
        try:
            client.request(kind)
        except RemoteError as error:
            assert error.bad_input and error.remedy, kind


def test_an_unknown_request_is_told_so(client: Client) -> None:
    assert code_of(client, "dance") == "unknown-type"


def test_a_clean_end_leaves_no_secret_and_the_next_request_starts_anew(client: Client) -> None:
    first = client.ping()["engine_id"]
    pid = connection().pid
    client.quit()
    until(lambda: not processes.alive(pid))
    assert (connection().stopped, connection().client_secret) == ("clean", "")
    assert client.ping()["engine_id"] != first


def test_after_a_crash_the_client_says_so_and_the_next_request_starts_anew(client: Client) -> None:
    client.submit(job("job-1"))
    client.cancel("job-1")
    killed()
    with pytest.raises(EngineUnreachable) as caught:
        client.ping()
    assert "stopped in the middle" in caught.value.message
    assert any("engine started" in line for line in caught.value.detail["log"])
    assert client.status("job-1").state == "cancelled"


def test_sigterm_is_a_clean_end(client: Client) -> None:
    pid = connection().pid
    os.kill(pid, signal.SIGTERM)
    until(lambda: not processes.alive(pid))
    assert connection().stopped == "clean"


def test_quit_if_idle_and_drain_of_an_idle_engine(client: Client) -> None:
    pid = connection().pid
    client.drain()
    until(lambda: not processes.alive(pid))
    pid = client.ping()["pid"]
    client.quit(if_idle=True)
    until(lambda: not processes.alive(pid))


def test_an_end_whose_answer_is_lost_is_an_end(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    pid, ask = client.ping()["pid"], client._ask

    def lost(*asked: Any) -> None:
        ask(*asked)
        until(lambda: not processes.alive(pid))

    monkeypatch.setattr(client, "_ask", lost)
    assert client.quit() == {}
    assert connection().stopped == "clean", "no other engine was started only to end it"


def test_the_log_is_json_and_has_no_secrets(client: Client) -> None:
    client.settings()
    text = "\n".join(client.log_tail())
    assert '"event": "engine started"' in text
    assert connection().client_secret not in text


def test_engine_status(client: Client) -> None:
    status = client.engine_status()
    assert status["clients"][0]["client"] == "test" and status["jobs"] == {}
    assert status["memory_mib"] is None or status["memory_mib"] < 150


def test_events_come_after_a_welcome(client: Client) -> None:
    client.subscribe("job-1")
    found: list[str] = []
    until(lambda: "welcome" in found or bool(found.extend(event.type for event in client.events(0.2))))
    client.submit(job("job-1"))
    client.cancel("job-1")
    until(lambda: "state" in found or bool(found.extend(event.type for event in client.events(0.2))))


def test_a_silent_engine_is_asked_whether_it_lives_and_then_given_up(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process is there and says nothing: pings, then fresh sockets, then an error and no endless wait."""
    for name, value in (("SILENCE_S", 0.05), ("BACK_OFF_S", (0.01, 0.02)), ("HELLO_S", 0.05)):
        monkeypatch.setattr(session, name, value)
    monkeypatch.setattr(session.EngineSession, "patience_s", 0.2)
    sent: list[str] = []
    send = Wire.send

    def note(self: Wire, head: Header, body: dict[str, object]) -> bool:
        sent.append(head.type)
        return send(self, head, body)

    monkeypatch.setattr(Wire, "send", note)
    pid = connection().pid
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(EngineUnreachable):
            client.status("job-1")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert sent.count("ping") >= session.MISSES and "hello" in sent


def test_the_engine_has_a_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESTRIP_BEAT_S", "0.1")
    with connect("test") as client:
        client.subscribe("")
        found: list[str] = []
        until(lambda: "beat" in found or bool(found.extend(event.type for event in client.events(0.5))))


# ---------------------------------------------------------------------- versions


def raw(kind: str, body: dict[str, object], **head: str) -> dict[str, object]:
    """Ask with a header of the test's own."""
    wire = Wire(connection())
    try:
        mine = header(kind, id="1", engine_id=head.pop("engine_id", connection().engine_id))
        frames = [encode({**mine.__dict__, **head}), encode(body)]
        wire._requests.setsockopt(zmq.SNDTIMEO, int(WAIT_S * 1000))
        wire._requests.send_multipart(frames)
        for _ in range(int(WAIT_S)):
            reply = wire.receive(1.0)
            if reply is not None:
                return reply.body
    finally:
        wire.close()
    raise AssertionError("no answer")


@pytest.mark.parametrize("version", ["2.0", "0.9", "x"])
def test_another_major_is_told_so(client: Client, version: str) -> None:
    for reply in (raw("hello", {"protocol": version}), raw("status", {"job_id": "job-1"}, v=version)):
        assert reply["code"] == "protocol"
        assert reply["detail"] == {"client": version, "engine": "1.0", "busy": False}
    assert raw("ping", {}, v=version)["ok"]


def test_a_later_minor_and_fields_from_the_future_are_fine(client: Client) -> None:
    assert raw("hello", {"protocol": "1.7", "client": "later", "mood": "good"}, v="1.7")["ok"]


def test_a_newer_front_end_replaces_an_idle_older_engine(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    pid = connection().pid
    monkeypatch.setattr(session, "PROTOCOL", "2.0")
    monkeypatch.setattr(session, "HELLO_S", WAIT_S)
    monkeypatch.setattr(session.EngineSession, "patience_s", 1.0)
    monkeypatch.setattr(session, "START_S", WAIT_S)
    # The engine that this package starts is of the old major again: the front-end says so.
    with pytest.raises((ProtocolMismatch, EngineUnreachable)):
        connect("newer")
    until(lambda: not processes.alive(pid))


def test_an_older_front_end_is_told_to_update(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "PROTOCOL", "0.9")
    with pytest.raises(ProtocolMismatch, match="Update the front-end"):
        connect("older")
    assert processes.alive(connection().pid)


def test_a_request_for_another_engine_is_refused(client: Client) -> None:
    assert raw("ping", {}, engine_id="someone-else")["code"] == "other-engine"


# ---------------------------------------------------------------------- strangers


def stranger(
    server_key: bytes | None, keys: tuple[bytes, bytes] | None, kind: int = zmq.DEALER, wait_s: float = 0.5
) -> list[bytes]:
    """What a client with these keys gets to hear within `wait_s` after asking for everything."""
    context = zmq.Context()
    try:
        socket = context.socket(kind)
        socket.linger = 0
        if server_key is not None and keys is not None:
            socket.curve_serverkey = server_key
            socket.curve_publickey, socket.curve_secretkey = keys
        heard: list[bytes] = []
        if kind == zmq.SUB:
            socket.setsockopt(zmq.SUBSCRIBE, b"")
            socket.connect(connection().events)
        else:
            socket.connect(connection().requests)
            socket.send_multipart(pack(header("jobs", id="1", engine_id=connection().engine_id), {"project": "*"}))
            socket.send_multipart(pack(header("quit", id="2"), {}))
        if socket.poll(int(wait_s * 1000)):
            heard = socket.recv_multipart()
        socket.close()
        return heard
    finally:
        context.destroy(linger=0)


@pytest.mark.parametrize("kind", [zmq.DEALER, zmq.SUB])
def test_a_client_without_the_key_learns_nothing_and_changes_nothing(client: Client, kind: int) -> None:
    there = connection()
    server_key = there.server_key.encode()
    right = (there.client_public.encode(), there.client_secret.encode())
    wrong = zmq.curve_keypair()
    assert stranger(None, None, kind) == []
    assert stranger(server_key, wrong, kind) == []
    assert stranger(wrong[0], right, kind) == []
    assert stranger(server_key, (right[0], wrong[1]), kind) == []
    assert client.ping()["engine_id"] == there.engine_id
    # And the test can fail: with the right keys there is something to hear.
    if kind == zmq.DEALER:
        assert stranger(server_key, right, kind, WAIT_S) != []


def test_a_stale_port_of_a_strangers_gets_nothing() -> None:
    """Another program has the port that engine.json names: it hears a handshake that it can't answer, no request."""
    with connect("test"):
        pass
    killed()
    with plain.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(WAIT_S)
        wire = Wire(replace(connection(), requests=f"tcp://127.0.0.1:{listener.getsockname()[1]}"))
        assert wire.send(header("submit", id="1"), {"secret": "prompt"}) is False
        caller, _ = listener.accept()
        caller.settimeout(WAIT_S)
        heard = b""
        with caller, contextlib.suppress(ConnectionResetError):
            caller.sendall(b"\xff" + b"\x00" * 8 + b"\x7f\x03\x00NULL" + b"\x00" * 48)
            while segment_task := caller.recv(4096):  # Until it hangs up: that isn't the engine's handshake.
                heard += segment_task
        wire.close()
    assert heard.startswith(b"\xff")
    assert b"prompt" not in heard and b"submit" not in heard


def test_it_listens_on_loopback_only(client: Client) -> None:
    there = connection()
    assert there.requests.startswith("tcp://127.0.0.1:") and there.events.startswith("tcp://127.0.0.1:")


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [b""],
        [b"\x00" * 100, b"{}"],
        [b"{}", b"{}", b"{}"],
        [encode(header("ping", id="1").__dict__), b'{"a":' * 50_000 + b"1" + b"}" * 50_000],
        [encode(header("ping", id="1").__dict__), b"[" * 200_000],
        [encode(header("jobs", id="1").__dict__), b'{"limit":' + b"9" * 4000 + b"}"],
        [encode(header("submit", id="1").__dict__), b'{"job_id":{"a":[]}}'],
        [encode(header("ping", id="1").__dict__), b'{"x":"' + b"y" * (MAX_BYTES + 100) + b'"}'],
    ],
    ids=lambda frames: f"{len(frames)} frames",
)
def test_what_is_no_message_leaves_it_answering(client: Client, frames: list[bytes]) -> None:
    wire = Wire(connection())
    wire._requests.setsockopt(zmq.SNDTIMEO, int(WAIT_S * 1000))
    if frames:
        wire._requests.send_multipart(frames)
        reply = wire.receive(0.5)
        assert reply is None or reply.body["ok"] is False or reply.body == {"ok": True, "jobs": [], "more": False}
    wire.close()
    assert client.ping()["ok"]


def test_bytes_that_are_not_even_zeromq_leave_it_answering(client: Client) -> None:
    dice = random.Random(3)
    port = int(connection().requests.rpartition(":")[2])
    for _ in range(20):
        with plain.create_connection(("127.0.0.1", port), WAIT_S) as raw_socket:
            raw_socket.sendall(dice.randbytes(dice.randrange(1, 3000)))
    assert client.ping()["ok"]


def test_many_clients_at_once(client: Client) -> None:
    heard: list[bool] = []

    def visit(n: int) -> None:
        with connect(f"visitor {n}", start=False) as visitor:
            heard.extend(visitor.ping()["ok"] for _ in range(5))

    threads = [threading.Thread(target=visit, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == [True] * 80
