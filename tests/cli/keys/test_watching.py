"""`restrip render --watch`: two segments for a key that is saved, and nothing lost whatever happens to the files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from restrip.cli import main
from restrip.cli.keys import watching
from restrip.cli.keys.watching import NoPaintedKeys, Watching
from restrip.cli.terminal import Terminal
from restrip.client.client import Client, connect
from restrip.client.job import JobSpec, Manifest, Output
from restrip.client.status import JobStatus
from restrip.errors import BadInput
from restrip.media import ClipReader, read_picture, write_picture
from restrip.media.frame import Frame
from restrip.request import Request, job_of
from restrip.timeline import ClipRange, FrameRange, Key, Rate

FIRST, END = 20, 44
NUMBERS = (22, 30, 38)


@pytest.fixture
def keys(carphone: Path, tmp_path: Path) -> Path:
    """A folder with three keys that are painted darker."""
    folder = tmp_path / "keys"
    folder.mkdir()
    with ClipReader(ClipRange((str(carphone),), Rate.of(30000, 1001), END)) as reader:
        for number in NUMBERS:
            write_picture(folder / f"key_{number:05d}.png", Frame(reader.frame(number).rgb // 2))
    return folder


@pytest.fixture
def client(_own_state: None) -> Iterator[Client]:
    with connect("tests") as client:
        yield client
        client.quit()


def repaint(path: Path) -> None:
    """Save a key as painting programs do: aside, then renamed; and once more soon after."""
    picture = read_picture(path)
    for share in (3, 2):
        write_picture(path.parent / "~saving 30.png", Frame(picture.rgb // share + 60))
        os.replace(path.parent / "~saving 30.png", path)


def test_a_saved_key_redoes_its_two_segments_and_a_new_one_is_a_key(
    client: Client, keys: Path, carphone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    request = Request(carphone, f"keys:{keys}", frames=FrameRange(FIRST, END), output=Output(folder=str(out), fade=0))
    seen: list[Manifest] = []
    middles: list[Any] = []

    def show(manifest: Manifest, before: Manifest | None) -> None:
        seen.append(manifest)
        strip = manifest.strips[1]
        with ClipReader(ClipRange((strip.file,), manifest.clip.rate, len(strip.frames))) as reader:
            middles.append(reader.frame(30 - FIRST - strip.frames.first).rgb.astype(int).mean())
        if before is None:
            repaint(keys / "key_00030.png")
        elif len(seen) == 2:
            (keys / "key_00041.png").write_bytes((keys / "key_00038.png").read_bytes())

    Watching(client, lambda: job_of(client, request), Terminal(), show, all_in_folder=True).run(rounds=3)
    assert [manifest.counts["segments_rendered"] for manifest in seen] == [4, 2, 2]
    assert [manifest.counts["keys_rendered"] for manifest in seen] == [3, 1, 1]
    assert [key.key.frame for key in seen[1].keys] == [2, 10, 18] and len(seen[2].keys) == 4
    assert {strip.file for strip in seen[0].strips} == {strip.file for strip in seen[1].strips}
    picture = read_picture(keys / "key_00030.png").rgb.mean()
    assert abs(middles[0] - middles[1]) > 20 and abs(middles[1] - picture) < 4
    said = capsys.readouterr().err
    assert said.count("key_00030.png was saved.") == 1 and "key_00041.png is new." in said
    assert len(client.jobs()) == 3


class Hands:
    """A client whose jobs end as they are told to, in order; each may do something to the files meanwhile."""

    stopping = Client.stopping

    def __init__(self, *turns: Callable[[], JobStatus | BadInput]) -> None:
        self.turns = list(turns)
        self.cancelled: list[str] = []
        self.submitted: list[JobSpec] = []
        self.keys: tuple[int, ...] = ()
        self.discarded: list[str] = []

    def submit(self, spec: JobSpec) -> None:
        self.submitted.append(spec)

    def ping(self) -> None:
        """Alive."""

    def cancel(self, job_id: str) -> None:
        self.cancelled.append(job_id)

    def discard(self, job_id: str) -> None:
        self.discarded.append(job_id)

    def watch(self, job_id: str, tell: Callable[[JobStatus], None]) -> JobStatus:
        status = self.turns.pop(0)()
        if isinstance(status, BadInput):
            raise status
        for _ in range(6 if status.state == "cancelled" else 1):  # Rendering goes on while a key is saved.
            watching.time.sleep(0.3)
            tell(JobStatus(job_id, state="running"))
        return status

    def manifest(self, job_id: str) -> SimpleNamespace:
        return SimpleNamespace(job_id=job_id, keys=[SimpleNamespace(key=Key(frame)) for frame in self.keys])


def spec(keys: Path, *frames: int) -> JobSpec:
    clip = ClipRange(("/c.mp4",), Rate.of(25), 50)
    return JobSpec(f"job-{id(object())}", clip, tuple(map(Key, frames)), f"keys:{keys}")


def follow(hands: Any, make: Callable[[], JobSpec], rounds: int, show: Any = lambda new, old: None) -> None:
    Watching(hands, make, Terminal(), show).run(rounds)


def done() -> JobStatus:
    return JobStatus("", state="done")


def failed(code: str) -> Callable[[], JobStatus]:
    return lambda: JobStatus("", state="failed", error={"code": code, "message": f"It is {code}.", "remedy": "So."})


def test_a_key_saved_while_it_renders_begins_anew(keys: Path) -> None:
    def saved_meanwhile() -> JobStatus:
        repaint(keys / "key_00030.png")
        return JobStatus("", state="cancelled")

    hands = Hands(saved_meanwhile, done)
    follow(hands, lambda: spec(keys, *NUMBERS), 1)
    assert len(hands.submitted) == 2 and len(hands.cancelled) >= 1


def test_an_evenings_results_dont_pile_up(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching.Watching, "_wait", lambda self: None)
    numbers = iter(range(100))
    hands = Hands(*[done] * 12)
    clip = ClipRange(("/c.mp4",), Rate.of(25), 50)

    def make() -> JobSpec:
        return JobSpec(f"job-{next(numbers)}", clip, (Key(NUMBERS[0]),), f"keys:{keys}")

    follow(hands, make, 12)
    assert hands.discarded == [f"job-{n}" for n in range(4)], "all but the newest eight, in order, each once"


def test_what_goes_wrong_later_is_said_and_the_watch_goes_on(
    keys: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> JobStatus:
        repaint(keys / "key_00038.png")  # The next save, which makes it good again.
        return failed("key-image-unreadable")()

    hands = Hands(failed("source-changed"), done, broken, done)
    follow(hands, lambda: spec(keys, *NUMBERS), 2, lambda new, old: old is None and repaint(keys / "key_00030.png"))
    assert len(hands.submitted) == 4 and not hands.turns
    assert "It is key-image-unreadable. So." in capsys.readouterr().err


def test_what_is_wrong_at_first_is_an_error(keys: Path) -> None:
    with pytest.raises(Exception, match="key-image-unreadable"):
        follow(Hands(failed("key-image-unreadable")), lambda: spec(keys, *NUMBERS), 1)
    with pytest.raises(NoPaintedKeys, match="nothing to watch"):
        follow(Hands(), lambda: JobSpec("a", ClipRange(("/c.mp4",), Rate.of(25), 50), (Key(0),), "neural:3"), 1)


def test_a_watch_waits_for_results(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["render", "c.mp4", "--look", "keys:k", "--keys", "0", "--out", "o", "--watch", "--detach"]
    assert main(asked) == 2 and "--detach" in capsys.readouterr().err


def test_a_save_that_found_no_folder_is_rendered_when_that_is_back(keys: Path) -> None:
    away = keys.with_name("away")

    def taken_out() -> JobStatus:
        keys.rename(away)
        return failed("painted-folder-missing")()

    looks: list[int] = []

    def wait(seconds: float) -> None:
        watching.time.sleep(seconds)
        looks.append(1)
        if len(looks) == 16 and away.exists():
            away.rename(keys)

    hands = Hands(done, taken_out, done)
    watched: Any = hands

    def show(new: Any, old: Any) -> None:
        if old is None:
            repaint(keys / "key_00030.png")

    Watching(watched, lambda: spec(keys, *NUMBERS), Terminal(), show, sleep=wait).run(2)
    assert len(hands.submitted) == 3 and not hands.turns


def test_a_save_that_found_no_clip_is_rendered_when_that_is_back(keys: Path, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"

    def gone() -> JobStatus:
        error = {"code": "media-missing", "message": "It is gone.", "detail": {"path": str(clip)}}
        return JobStatus("", state="failed", error=error)

    hands: Any = Hands(done, gone, done)
    follow_up = Watching(
        hands,
        lambda: spec(keys, *NUMBERS),
        Terminal(),
        lambda new, old: old is None and repaint(keys / "key_00030.png"),  # type: ignore[func-returns-value]
        sleep=lambda seconds: [watching.time.sleep(seconds), len(hands.submitted) == 2 and clip.touch()],
    )
    follow_up.run(2)
    assert len(hands.submitted) == 3 and not hands.turns


def test_a_shot_whose_key_isnt_painted_is_waited_for_and_then_watched(
    keys: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def unpainted() -> JobStatus:
        hands.sleeping = lambda: (keys / "key_00045.png").write_bytes((keys / "key_00038.png").read_bytes())
        return failed("painted-keys-missing")()

    hands: Any = Hands(unpainted, done, done)
    hands.keys, hands.sleeping = (*NUMBERS, 45), lambda: None

    def wait(seconds: float) -> None:
        hands.sleeping()
        hands.sleeping = lambda: None
        watching.time.sleep(seconds)

    def show(new: Any, old: Any) -> None:
        if old is None:
            repaint(keys / "key_00045.png")

    Watching(hands, lambda: spec(keys, *NUMBERS), Terminal(), show, sleep=wait).run(2)
    said = capsys.readouterr().err
    assert len(hands.submitted) == 3 and "Waiting until it is painted" in said
    assert "key_00045.png is new.\n" in said and "key_00045.png was saved." in said
