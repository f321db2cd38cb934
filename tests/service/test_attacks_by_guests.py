"""What a computer that was let in may try, and what comes of it. docs/security.md lists these by name."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from engine_bench import children_of, until
from job_bench import FRAMES, Little
from tower import Tower, code_of, offered, put, send

from restrip.client.client import Client, connect
from restrip.client.job import JobSpec, Output
from restrip.client.messages import header
from restrip.errors import RemoteError
from restrip.remote.peer import RemoteUnreachable, to_hex
from restrip.remote.upload_store import ends_sha256
from restrip.timeline import ClipRange, Rate

LINUX = sys.platform.startswith("linux")


def job_on(job_id: str, path: str, little: Little) -> JobSpec:
    return replace(little.job(job_id, 0), clip=ClipRange((path,), Rate.of(25), FRAMES), look="neural:3")


def long_job(job_id: str, little: Little) -> JobSpec:
    """One that runs until it is stopped."""
    return little.job(job_id, *range(0, 24, 2), look="neural:3", settings={"stroke_size": 0.5})


def test_no_guest_finds_or_names_what_another_sent(tower: Tower, little: Little) -> None:
    alice, mallory = tower.guest("alice"), tower.guest("mallory")
    content = little.clip.read_bytes()
    path = send(alice, "clip.mkv", content)
    # By its hash, its name and its size.
    there = mallory.request("offer", offered("clip.mkv", content))
    assert (there["path"], there["offset"]) == ("", 0)
    assert code_of(mallory, "keep", offered("clip.mkv", content)) == "file-changed"
    # By its path, also by way of a name that the system has for the same folder, or through a link.
    detour = tower.folder.parent / "detour"
    detour.symlink_to(tower.folder)
    ways = [path, path.replace(str(tower.folder), str(detour)), *([f"/proc/self/root{path}"] if LINUX else [])]
    for n, named in enumerate(ways):
        spec = job_on(f"theft-{n}", named, little)
        for kind in ("submit", "check"):
            assert code_of(mallory, kind, spec.to_json()) == "not-yours", (kind, named)
        seeds = {"source": spec.to_json()["source"], "frame": 0, "look": {"name": "neural:3"}, "n": 1}
        assert code_of(mallory, "seeds", seeds) == "not-yours"
        assert mallory.request("locate", {"path": named, "ends": ends_sha256(little.clip)})["same"] is False
    for look in (f"painted:{Path(path).parent}", f"painted:{tower.folder}", f"sd:{path}"):
        assert code_of(mallory, "submit", little.job("theft-9", 0, look=look).to_json()) == "not-yours"
    assert code_of(mallory, "models", {"folder": str(tower.folder / "received")}) == "not-yours"
    # What the engine keeps of jobs and of itself isn't a guest's to read either.
    for own in ("run/share.json", "jobs", "cache"):
        assert code_of(mallory, "submit", job_on("theft-8", str(tower.folder / own), little).to_json()) == "not-yours"
    # Words are no paths, and a prompt may say what it likes.
    settings = {"prompt": "oil painting, /, and/or, SECRET-FOLDER, blue"}
    spec = replace(job_on("words-1", str(little.clip), little), look="sd:nowhere", settings=settings)
    assert code_of(mallory, "check", spec.to_json()) not in ("not-yours", "media-unreadable")
    # Whose it is may use it.
    alice.submit(job_on("own-1", path, little))
    assert alice.watch("own-1").state == "done"
    assert {job.job_id for job in tower.owner.jobs("*")} == {"own-1"}
    # Who has the content itself may send it, and has it then.
    send(mallory, "clip.mkv", content)


def test_a_claimed_hash_or_group_is_worth_nothing(tower: Tower) -> None:
    guest = tower.guest("laptop")
    true, false = b"t" * 3000, b"f" * 3000
    group = "a" * 64
    send(guest, "frame.png", true, group=group)
    other = offered("frame.png", false, group=group)
    assert guest.request("offer", other)["path"] == "", "the same group, name and size, and another content"
    # The pieces of one content under the hash of another.
    lie = offered("lie.png", true, sha256=other["sha256"])
    put(guest, lie, true)
    assert code_of(guest, "keep", lie) == "file-changed"
    assert guest.request("offer", lie) == {**guest.request("offer", lie), "path": "", "offset": 0}
    # A name that looks like one that the engine writes to.
    assert Path(send(guest, f"frame.png.part-{other['sha256'][:16]}", true, group=group)).read_bytes() == true


def used_mib(tower: Tower, name: str) -> float | None:
    """What the status shows; None while it isn't measured."""
    mib: float | None = tower.owner.engine_status()["guests"]["by_name"][name]["mib"]
    return mib


def test_a_guest_that_ignores_full_fills_nothing(tower: Tower) -> None:
    tower.owner.request("quotas", {"guest_mib": 1, "guests_mib": 1.5})
    mallory, bob = tower.guest("mallory"), tower.guest("bob")
    piece = b"x" * (256 << 10)
    # Never asks whether there is room, says that each file is small, sends what it likes.
    refused = 0
    for n in range(12):
        try:
            put(mallory, offered(f"{n}.bin", piece, sha256=f"{n:064x}", size=1 << 40), piece)
        except RemoteError as error:
            assert error.code == "guest-full"
            refused += 1
    assert refused == 12, "more was said to come than there is room for"
    for n in range(12):
        try:
            put(mallory, offered(f"{n}.bin", piece, sha256=f"{n:064x}"), piece)
        except RemoteError as error:
            assert error.code == "guest-full"
            refused += 1
    assert refused == 20
    on_disk = sum(path.stat().st_size for path in (tower.folder / "received").rglob("*") if path.is_file())
    assert on_disk <= 1 << 20
    assert used_mib(tower, "mallory") == pytest.approx(1.0)
    # In all: another guest gets what is left, though its own bound is larger.
    for n in range(2):
        put(bob, offered(f"{n}.bin", piece, sha256=f"{n:064x}"), piece)
    assert code_of(bob, "offer", offered("more.bin", piece)) == "guest-full"
    shown = tower.owner.engine_status()["guests"]
    assert (shown["limit_mib"], shown["mib"]) == (1.5, pytest.approx(1.5))
    assert shown["by_name"]["bob"] == {"mib": pytest.approx(0.5), "limit_mib": 1.0, "jobs": 0}
    # A file of no bytes takes room as well.
    tower.owner.request("quotas", {"guest_mib": 2, "guests_mib": 2})
    with pytest.raises(RemoteError, match="room"):
        for n in range(1000):
            put(bob, offered(f"{n}.txt", b"", sha256=f"{n:064x}"), b"")


def test_quotas_hold_after_a_restart_too(tower: Tower) -> None:
    tower.owner.request("quotas", {"guest_mib": 1, "guests_mib": 10})
    guest = tower.guest("laptop")
    piece = b"x" * (512 << 10)
    put(guest, offered("0.bin", piece), piece)
    send(guest, "1.bin", b"y" * (256 << 10))
    tower.owner.quit()
    until(lambda: not (tower.folder / "run" / "engine.json").read_text().count('"stopped": ""'))
    until(lambda: used_mib(tower, "laptop") is not None)
    assert used_mib(tower, "laptop") == pytest.approx(0.75)
    assert code_of(guest, "put", {**offered("2.bin", b"z" * len(piece)), "offset": 0, "data": ""}) == "guest-full"


def silent(client: Client) -> bool:
    """Whether the engine says nothing at all to this client."""
    wire = client._open_wire()
    assert wire.send(header("ping", id="still there?", session=client.session), {})
    return wire.receive(1.0) is None


def test_a_forgotten_guest_gets_nothing_more(tower: Tower, little: Little) -> None:
    remote, other = tower.remote(), tower.remote()
    tower.allow("laptop", remote)
    first, second = tower.client(remote), tower.client(remote)
    first.submit(long_job("long-1", little))
    assert second.status("long-1").state in ("queued", "running")
    until(lambda: tower.owner.status("long-1").state == "running")
    listed = tower.owner.request("allow", {"name": "laptop", "key": ""})["share"]
    assert listed["guests"] == {}
    until(lambda: tower.owner.status("long-1").state == "cancelled")
    assert silent(first) and silent(second)
    # The name for another key: it is another guest, and the first key stays out, on old connections and new.
    tower.allow("laptop", other)
    newcomer = tower.client(other)
    assert code_of(newcomer, "status", {"job_id": "long-1"}) == "unknown-job"
    assert code_of(newcomer, "resume", {"job_id": "long-1"}) == "unknown-job"
    assert silent(first)
    with pytest.raises(RemoteUnreachable):
        tower.client(remote).ping()
    # The first key again: what it had before is not its own any more.
    tower.allow("old laptop", remote)
    assert code_of(tower.client(remote), "status", {"job_id": "long-1"}) == "unknown-job"


def test_a_name_that_is_given_to_a_new_key_is_taken_from_the_old_one(tower: Tower, little: Little) -> None:
    remote, other = tower.remote(), tower.remote()
    tower.allow("laptop", remote)
    first = tower.client(remote)
    path = send(first, "clip.mkv", little.clip.read_bytes())
    first.submit(long_job("long-1", little))
    until(lambda: tower.owner.status("long-1").state == "running")
    # Told twice, the same thing is no change.
    tower.allow("laptop", remote)
    assert first.status("long-1").state == "running"
    tower.owner.request("allow", {"name": "laptop", "key": to_hex(other.public), "jobs": "keep"})
    newcomer = tower.client(other)
    assert newcomer.ping()
    assert silent(first)
    # Kept, as the owner said: it is nobody's but the owner's, and goes on to its end.
    assert code_of(newcomer, "status", {"job_id": "long-1"}) == "unknown-job"
    assert code_of(newcomer, "submit", job_on("theft-1", path, little).to_json()) == "not-yours"
    assert tower.owner.watch("long-1").state == "done"


def test_an_answer_that_comes_after_the_guest_was_forgotten_is_not_given(tower: Tower, little: Little) -> None:
    remote = tower.remote()
    tower.allow("laptop", remote)
    guest = tower.client(remote)
    guest.ping()
    wire = guest._open_wire()
    asked = header("check", id="late", session=guest.session)
    assert wire.send(asked, little.job("late-1", 0).to_json())
    time.sleep(0.05)
    tower.owner.request("allow", {"name": "laptop", "key": ""})
    until(lambda: tower.owner.check(little.job("mine-1", 0))["fits"])
    assert wire.receive(1.0) is None


@pytest.mark.skipif(os.name != "posix", reason="no pipes with names")
def test_no_guest_stops_the_owners_questions(tower: Tower, little: Little, tmp_path: Path) -> None:
    """A pipe that nobody writes to, a device, and what the kernel shows as files: nothing waits for any of them."""
    guest = tower.guest("mallory")
    pipe = tmp_path / "clip.mkv"
    os.mkfifo(pipe)
    for path in (str(pipe), "/dev/zero", "/dev/tty", *(("/proc/kmsg", "/proc/self/mem") if LINUX else ())):
        assert guest.request("locate", {"path": path, "ends": "0"})["same"] is False
        for kind, body in (
            ("check", job_on("pipe-1", path, little).to_json()),
            ("submit", job_on("pipe-1", path, little).to_json()),
            ("submit", little.job("pipe-1", 0, matte=path).to_json()),
            ("submit", little.job("pipe-1", 0, look=f"sd:{path}").to_json()),
        ):
            assert code_of(guest, kind, body) == "media-unreadable", (kind, path)
    assert tower.owner.probe([str(little.clip)])["frames"] == FRAMES


def stop_workers_for_guests(tower: Tower) -> list[int]:
    pid = tower.owner.ping()["pid"]
    stopped = []
    for child in children_of(pid):
        os.kill(child, signal.SIGSTOP)
        stopped.append(child)
    return stopped


@pytest.mark.skipif(not LINUX, reason="workers are found in /proc")
def test_a_guests_question_that_hangs_holds_up_nobody_else(
    monkeypatch: pytest.MonkeyPatch, engine: None, little: Little
) -> None:
    monkeypatch.setenv("RESTRIP_GUEST_S", "1.5")
    with connect("owner") as owner:
        tower = Tower(owner)
        guest = tower.guest("mallory")
        assert guest.request("locate", {"path": str(little.clip), "ends": "0"})["same"] is False
        # As if the drive that the guest named had gone away.
        assert len(stop_workers_for_guests(tower)) == 1
        wire = guest._open_wire()
        asked = header("locate", id="hung", session=guest.session)
        assert wire.send(asked, {"path": str(little.clip), "ends": "0"})
        assert owner.probe([str(little.clip)])["frames"] == FRAMES
        until(lambda: (reply := wire.receive(1.0)) is not None and reply.header.re == "hung")
        tower.end()


def test_a_guest_that_asks_without_end_is_told_to_wait(tower: Tower, little: Little) -> None:
    mallory, bob = tower.guest("mallory"), tower.guest("bob")
    mallory.ping()
    wire = mallory._open_wire()
    body = little.job("flood-1", 0).to_json()
    for n in range(200):
        assert wire.send(header("check", id=f"flood-{n}", session=mallory.session), body)
    assert bob.check(little.job("calm-1", 0))["fits"]
    answers = [reply.body for _ in range(200) if (reply := wire.receive(60.0)) is not None]
    assert {body.get("code") for body in answers if not body["ok"]} == {"too-many-questions"}


def test_a_guest_has_one_turn_however_many_it_says_it_is(tower: Tower, little: Little) -> None:
    mallory = tower.guest("mallory")
    before = tower.owner.engine_status()["clients"]
    for n in range(5):
        mallory.session = tower.owner.session if n == 4 else f"session-{n}"
        mallory.request("hello", {"protocol": "1.0", "client": "mallory", "project": "theirs"})
        mallory.submit(little.job(f"turn-{n}", 0))
    named = [client["project"] for client in tower.owner.engine_status()["clients"]]
    assert len(named) == len(before) + 1 and named.count("theirs") == 1
    states = [(tower.folder / "jobs" / f"turn-{n}" / "state.json").read_text() for n in range(5)]
    assert len({json.loads(state)["session"] for state in states}) == 1


@pytest.mark.parametrize("place", ["folder", "otio", "sheet"])
def test_a_guest_names_no_place(tower: Tower, little: Little, tmp_path: Path, place: str) -> None:
    guest = tower.guest("mallory")
    spec = little.job("place-1", 0, output=Output(**{place: str(tmp_path / "x.otio")}))
    assert code_of(guest, "submit", spec.to_json()) == "not-for-guests"
    assert code_of(guest, "check", spec.to_json()) == "not-for-guests"
