"""What the tests share: an engine with hand-made answers, manifests, and a stage with both beside the double."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from double import Double
from restrip_resolve.actions.context import Context
from restrip_resolve.clips import render
from restrip_resolve.console import Console
from restrip_resolve.menu import run
from restrip_resolve.session import Session, open_session

from restrip.client.job import JobSpec, KeyResult, Manifest, StripFile
from restrip.client.schema import Schema
from restrip.client.setting import Setting
from restrip.client.status import JobStatus
from restrip.errors import RemoteError
from restrip.timeline import ClipRange, Crossfade, FrameRange, Key, Rate, seams_of, segments_of, strips_of, visible_of

SCHEMA = Schema(
    "etag-1",
    (
        Setting("prompt", "text", "", help="What it becomes.", looks=("sd",)),
        Setting("seed", "int", 0, low=0, high=2**32 - 1, looks=("sd",)),
        Setting("strength", "float", 1.0, low=0.0, high=1.0, unit="", help="How strong.", looks=("neural",)),
        Setting("lean", "bool", True, help="Strips lean on each other."),
        Setting("shading", "choice", "off", choices=(("off", "Off"), ("on", "On"))),
    ),
    formats=(
        {"name": "h264", "extension": ".mp4"},
        {"name": "prores4444", "extension": ".mov"},
        {"name": "png", "extension": ""},
    ),
    families=(
        {
            "name": "brisk",
            "label": "Brisk",
            "said": "Mattes (latents), Style picture; fast",
            "idle": ["lean"],
        },
    ),
)


def manifest_of(
    spec: JobSpec, fades: Mapping[int, tuple[int, int]] | None = None, folder: str = "/results"
) -> Manifest:
    """What the engine would answer: one strip a key, fades where asked for (by the right key), else the whole gap."""
    length = spec.clip.length
    keys = spec.keys or (Key(length // 2),)
    segments = segments_of(keys, length, spec.cuts or ())
    strips = strips_of(keys, segments)
    seams = [
        replace(seam, frames=FrameRange(*fades[seam.right])) if fades and seam.right in fades else seam
        for seam in seams_of(keys, segments)
    ]
    visible = visible_of(strips, seams)
    return Manifest(
        job_id=spec.job_id,
        engine_version="0.1.0",
        clip=spec.clip,
        size=(1280, 720),
        look=spec.look,
        settings=spec.settings,
        keys=tuple(KeyResult(key, f"{folder}/key-{n}.png") for n, key in enumerate(keys)),
        strips=tuple(
            StripFile(s.key, s.frames, v, f"{folder}/{spec.job_id}-strip-{s.key}.mp4", "")
            for s, v in zip(strips, visible, strict=True)
        ),
        fades=tuple(seams),
        baked=f"{folder}/{spec.job_id}-baked.mp4" if spec.output.baked else "",
    )


def spec_of(length: int, keys: Sequence[int], *, start: int = 86400, **facts: Any) -> JobSpec:
    """A job of a clip of 24/s that lies at the absolute frame `start`."""
    clip = ClipRange(("/clip.mov",), Rate.of(24), length, timeline_start=start, name="clip.mov")
    return JobSpec("20260101-000000-abcd1234", clip, tuple(Key(k) for k in keys), "neural:19", **facts)


def put_on_disk(stage: Double, manifest: Manifest) -> None:
    """Make a manifest's files importable."""
    rate = stage.timeline.rate
    for strip in manifest.strips:
        _file(stage, strip.file, len(strip.frames), rate, manifest.size)
    if manifest.baked:
        _file(stage, manifest.baked, manifest.clip.length, rate, manifest.size)


def _file(stage: Double, path: str, frames: int, rate: str, size: tuple[int, int]) -> None:
    from double import MediaFile

    stage.world.disk[path] = MediaFile(frames, rate, size)


@dataclass
class FakeEngine:
    """The engine's side of the protocol, answered from memory. Jobs are done as soon as they are watched."""

    stage: Double
    info: dict[str, Any] = field(default_factory=lambda: {"frames": 240, "rate": "24", "vfr": False})
    fades: dict[int, tuple[int, int]] | None = None
    specs: dict[str, JobSpec] = field(default_factory=dict)
    states: dict[str, JobStatus] = field(default_factory=dict)
    log: list[tuple[str, Any]] = field(default_factory=list)
    outcome: str = "done"
    keys: list[dict[str, Any]] = field(default_factory=lambda: [{"frame": 3, "reason": "motion"}, {"frame": 40}])
    project: str = ""
    looks: list[str] = field(default_factory=list)

    def __enter__(self) -> FakeEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.log.append(("close", None))

    def probe(self, paths: Sequence[str]) -> dict[str, Any]:
        self.log.append(("probe", tuple(paths)))
        return dict(self.info)

    def settings(self) -> Schema:
        return SCHEMA

    def model(self, name: str) -> dict[str, Any]:
        if name != "/m":
            raise RemoteError({"code": "missing-checkpoint", "message": f"There is no model {name}.", "remedy": "x"})
        return {"name": "m", "path": "/m", "family": "brisk", "hash": ""}

    def saved_looks(self) -> list[dict[str, Any]]:
        return [{"name": name, "error": None} for name in self.looks]

    def read_look(self, look: str, *, use: bool = False) -> dict[str, Any]:
        self.log.append(("read_look", (look, use)))
        if look not in self.looks:
            raise RemoteError(
                {"code": "unknown-look-file", "message": f"There is no saved look {look}.", "remedy": "x"}
            )
        return {"look": "sd:/m", "settings": {"seed": 7, "prompt": "a fox"}, "notes": [], "missing": []}

    def save_look(self, job_id: str, name: str, *, key: int | None = None, replace: bool = False) -> dict[str, Any]:
        self.looks.append(name)
        self.log.append(("save_look", (job_id, name)))
        return {"name": name, "path": f"/looks/{name}.restriplook"}

    def submit(self, spec: JobSpec) -> dict[str, Any]:
        self.log.append(("submit", spec))
        self.specs[spec.job_id] = spec
        self.states[spec.job_id] = JobStatus(spec.job_id, spec.project, "queued", name=spec.clip.name)
        return {"accepted": True, "position": 0}

    def status(self, job_id: str) -> JobStatus:
        return self.states.get(job_id, JobStatus(job_id))

    def jobs(self, project: str | None = None, states: Sequence[str] | None = None) -> list[JobStatus]:
        found = [s for s in self.states.values() if project in (None, s.project)]
        return [s for s in reversed(found) if states is None or s.state in states]

    def cancel(self, job_id: str) -> dict[str, Any]:
        self.log.append(("cancel", job_id))
        self.states[job_id] = replace(self.states[job_id], state="cancel_requested")
        return {"cancel_requested": True}

    def manifest(self, job_id: str) -> Manifest:
        manifest = manifest_of(self.specs[job_id], self.fades)
        put_on_disk(self.stage, manifest)
        return manifest

    def placed(self, job_id: str, by: str, strips: Sequence[str] = ()) -> dict[str, Any]:
        self.log.append(("placed", (job_id, by, tuple(strips))))
        self.states[job_id] = replace(self.states[job_id], placed_by=by)
        return {}

    def discard(self, job_id: str) -> dict[str, Any]:
        self.log.append(("discard", job_id))
        return {"deleted": []}

    def export_keys(self, clip: ClipRange, frames: Sequence[int], folder: str, **asked: Any) -> dict[str, Any]:
        self.log.append(("export_keys", (clip, list(frames), folder, asked)))
        keys = [{"frame": n, "file": f"{folder}/key_{n:05d}.png", "outcome": "written", "kept": ""} for n in frames]
        keys[-1]["outcome"] = "painted"
        return {"keys": keys, "note": f"{folder}/note.txt", "size": [1280, 720]}

    def watch(self, job_id: str, on_status: Any = None) -> JobStatus:
        error = {"code": "gpu-memory", "message": "Too little memory.", "remedy": "Render smaller."}
        ended = replace(self.states[job_id], state=self.outcome, error=error if self.outcome == "failed" else None)
        self.states[job_id] = ended
        if on_status is not None:
            on_status(replace(ended, state="running", phase="keys", done=1, total=2))
            on_status(ended)
        return ended

    def seeds(self, clip: ClipRange, frame: int, **asked: Any) -> dict[str, Any]:
        self.log.append(("seeds", (clip, frame, asked)))
        return {"sheet": "/results/sheet.png", "pictures": [{"seed": 7}, {"seed": 8}]}

    def suggest(self, clip: ClipRange, **asked: Any) -> list[dict[str, Any]]:
        self.log.append(("suggest", (clip, asked)))
        return list(self.keys)

    def asked(self, kind: str) -> list[Any]:
        return [what for name, what in self.log if name == kind]


@dataclass
class Stage:
    """A Resolve, an engine, and a console that keeps what it says."""

    double: Double
    engine: FakeEngine
    said: list[str] = field(default_factory=list)
    opened: list[Path] = field(default_factory=list)

    @classmethod
    def of(cls, profile: Any, **timeline: Any) -> Stage:
        stage = Double.of(profile, **timeline)
        return cls(stage, FakeEngine(stage))

    def context(self) -> Context:
        def connect(client: str, project: str) -> FakeEngine:
            self.engine.project = project
            return self.engine

        def open_file(path: Path) -> bool:
            self.opened.append(path)
            return True

        return Context(self.double.resolve, Console(self.said.append), connect, open_file)

    def session(self) -> Session:
        return open_session(self.double.resolve, Console(self.said.append))

    def run(self, action: str) -> bool:
        return run(action, self.context())

    def text(self) -> str:
        return "\n".join(self.said)

    def footage(self, tmp_path: Path, frames: int = 240, name: str = "clip.mov", **file: Any) -> Any:
        """A clip whose file is really there: the scripts look."""
        path = tmp_path / name
        path.write_bytes(b"footage")
        return self.double.media(str(path), frames, **file)


def without_waiting() -> render.Pace:
    """Renders of the double take no time."""
    ticks = iter(range(10**6))
    return render.Pace(sleep=lambda _: None, clock=lambda: float(next(ticks)))


def crossfade(left: int, first: int, end: int) -> Crossfade:
    return Crossfade(left, left + 1, FrameRange(first, end))
