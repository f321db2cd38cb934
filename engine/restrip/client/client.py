"""The front-end's door to the engine: `connect` finds or starts it, a `Client` asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from restrip.client.job import JobSpec, Manifest, clip_to_json, read_checked
from restrip.client.messages import ProtocolMismatch
from restrip.client.requests.following import JobFollower, OnStatus
from restrip.client.requests.looks import LOOK_S, LookRequests
from restrip.client.schema import Schema
from restrip.client.session import OnWait
from restrip.client.status import Event, JobStatus
from restrip.client.unreachable import EngineUnreachable
from restrip.errors import RemoteError, RestripError
from restrip.timeline import ClipRange

__all__ = ["Client", "EngineUnreachable", "Event", "JobStatus", "ProtocolMismatch", "connect"]


def connect(client: str, *, project: str = "", start: bool = True, on_wait: OnWait | None = None) -> Client:
    """Find the engine, or start it when `start`. `client` names the front-end ("blender 5.0", "cli").

    `on_wait` is told, in words, when the engine of another installation has to finish its jobs first.
    Raises EngineUnreachable, EngineMissing, ProtocolMismatch, OtherInstallation, UnsafeFolder, StateFolder.
    """
    made = Client(client, project, start, on_wait)
    try:
        made.open()
    except BaseException:
        made.close()
        raise
    return made


class Client(JobFollower, LookRequests):
    """A session with the engine, for use from one thread.

    Every request may raise RemoteError (what the engine answered), EngineUnreachable (it is gone: the next request
    starts it again) or ProtocolMismatch.
    """

    _schema: Schema | None = None

    def submit(self, spec: JobSpec) -> dict[str, Any]:
        """Hand a job in; it is on disk when this returns. Asking again with the same job is harmless."""
        body = spec.to_json()
        body["project"] = spec.project or self.project
        if self._schema is not None:
            body["settings_etag"] = self._schema.etag
        return self.request("submit", body)

    def check(self, spec: JobSpec) -> dict[str, Any]:
        """What a job would take: segments, cached, needs_mib, fits, estimate_s, warnings, fixes, travels."""
        return self.request("check", spec.to_json(), timeout_s=600)

    def jobs(
        self,
        project: str | None = None,
        states: Sequence[str] | None = None,
        limit: int = 100,
        *,
        beginning: str = "",
    ) -> list[JobStatus]:
        """Jobs, newest first: of this client's project when None (all when it has none), of all with "*".

        `beginning` is the beginning of their ids.
        """
        body = {"states": None if states is None else list(states), "beginning": beginning}
        body["project"] = (self.project or "*") if project is None else project
        found: list[JobStatus] = []
        while len(found) < limit:
            reply = self.request("jobs", {**body, "limit": limit - len(found), "skip": len(found)})
            found += [JobStatus.from_json(job) for job in reply["jobs"]]
            if not reply["more"]:
                break
        return found

    def cancel(self, job_id: str) -> dict[str, Any]:
        """Ask for a job to stop; what is finished of it is kept."""
        return self.request("cancel", {"job_id": job_id})

    @contextmanager
    def stopping(self, job_id: str, told: Callable[[], object] = lambda: None) -> Iterator[None]:
        """Where Ctrl+C ends who waits for a job, cancel the job: the engine would go on with it, seen by nobody.

        `told` is called when it was asked for.
        """
        try:
            yield
        except KeyboardInterrupt:
            with suppress(RestripError):
                self.cancel(job_id)
                told()
            raise

    def resume(self, job_id: str) -> dict[str, Any]:
        """Send a job that was interrupted, paused or cancelled on its way again."""
        return self.request("resume", {"job_id": job_id})

    def retry(self, job_id: str) -> dict[str, Any]:
        """Try a failed job again; what is finished of it isn't rendered again."""
        return self.request("retry", {"job_id": job_id})

    def manifest(self, job_id: str) -> Manifest:
        """The result of a finished job."""
        return Manifest.from_json(self.manifest_reply(job_id)["content"])

    def manifest_reply(self, job_id: str) -> dict[str, Any]:
        """The same as JSON: path, sha256, content. One too large for a message is read from its file."""
        reply = self.request("manifest", {"job_id": job_id})
        if reply.get("content") is None:
            reply["content"] = read_checked(reply["path"], reply["sha256"])
        return reply

    def probe(self, paths: Sequence[str], stream: int = 0) -> dict[str, Any]:
        """What a media file, or a sequence of pictures, is; `stream` is which of a movie's video streams, from 1.

        Now and then a long movie has to be decoded once before it is known: `on_reading` hears how far that is.
        """
        body: dict[str, Any] = {"paths": list(paths)}
        if stream:
            body["stream"] = stream
        if self.on_reading is not None:
            body["tell"] = True
        info: dict[str, Any] = self.request("probe", body, timeout_s=7200)["info"]
        return info

    def settings(self) -> Schema:
        """What can be set, as front-ends draw it; after the first time it is sent only when it changed."""
        reply = self.request("settings", {"etag": self._schema.etag if self._schema else ""})
        if self._schema is None or not reply.get("same"):
            self._schema = Schema.from_json(reply)
        return self._schema

    def models(self, folder: str) -> list[dict[str, Any]]:
        """The checkpoints in a folder: {"name", "path", "family", "hash"}."""
        models: list[dict[str, Any]] = self.request("models", {"folder": folder}, timeout_s=600)["models"]
        return models

    def model(self, name: str) -> dict[str, Any]:
        """The checkpoint that a look "sd:`name`" means: {"name", "path", "family", ...}, without a hash."""
        found: list[dict[str, Any]] = self.request("models", {"model": name}, timeout_s=LOOK_S)["models"]
        return found[0]

    def ask_seeds(
        self,
        clip: ClipRange,
        frame: int,
        *,
        look: str,
        settings: Mapping[str, Any] | None = None,
        count: int = 9,
        prompt: str | None = None,
    ) -> str:
        """Have `count` seeds tried on one frame; returns the id of a job whose result has sheet and pictures."""
        body = {
            "project": self.project,
            "source": clip_to_json(clip),
            "frame": frame,
            "prompt": prompt,
            "look": {"name": look, "settings": dict(settings or {})},
            "n": count,
        }
        return str(self.request("seeds", body)["job_id"])

    def seeds(self, clip: ClipRange, frame: int, *, on_status: OnStatus | None = None, **asked: Any) -> dict[str, Any]:
        """As `ask_seeds`, and wait: {"sheet": file, "pictures": [{"seed", "file"}]}. Raises what it failed with."""
        return self._result_of(self.ask_seeds(clip, frame, **asked), on_status)

    def ask_suggestions(self, clip: ClipRange, *, count: int | None = None, error: float | None = None) -> str:
        """Have keys suggested, so many or down to an error; returns the id of a job whose result has the keys."""
        body = {"project": self.project, "source": clip_to_json(clip), "count": count, "error": error}
        return str(self.request("suggest", body)["job_id"])

    def suggest(
        self,
        clip: ClipRange,
        *,
        count: int | None = None,
        error: float | None = None,
        on_status: OnStatus | None = None,
    ) -> list[dict[str, Any]]:
        """As `ask_suggestions`, and wait: [{"frame", "reason", "error"}]. Raises what it failed with."""
        keys: list[dict[str, Any]] = self._result_of(self.ask_suggestions(clip, count=count, error=error), on_status)[
            "keys"
        ]
        return keys

    def export_keys(
        self,
        clip: ClipRange,
        frames: Sequence[int],
        folder: str,
        *,
        first: int = 0,
        replace: bool = False,
        editor: str = "",
        **more: Any,
    ) -> dict[str, Any]:
        """Have frames of a clip written into a folder as pictures to paint on: {"keys", "note", "size"}.

        `first` is the number of the clip's first frame, as the setting first_number has it. Of each key is told
        {"frame", "file", "outcome", "kept"}; what was painted is only replaced with `replace`, and then kept aside.
        """
        body = {"source": clip_to_json(clip), "frames": list(frames), "folder": folder, "first": first, **more}
        if self.on_reading is not None:
            body["tell"] = True
        return self.request("export_keys", {**body, "replace": replace, "editor": editor}, timeout_s=7200)

    def placed(self, job_id: str, by: str, strips: Sequence[str] = ()) -> dict[str, Any]:
        """Record that `by` placed the job's strips: no other client is offered it as new. Refused when another did."""
        return self.request("placed", {"job_id": job_id, "by": by, "strips": list(strips)})

    def discard(self, job_id: str) -> dict[str, Any]:
        """Forget a job and delete what the engine keeps of it: "deleted". What lies in the user's folder stays."""
        return self.request("discard", {"job_id": job_id})

    def would_discard(self, job_id: str) -> dict[str, Any]:
        """What `discard` would delete: {"would_delete": files, "mib"}."""
        return self.request("would_discard", {"job_id": job_id})

    def cache(self, prune_mib: float | None = None, *, limit_mib: float | None = None) -> dict[str, Any]:
        """The size of the cache; with `prune_mib` the least recently used beyond it is deleted first.

        `limit_mib` sets, for good, how large it may become.
        """
        given = {"prune_mib": prune_mib, "limit_mib": limit_mib}
        body = {name: mib for name, mib in given.items() if mib is not None}
        return self.request("cache", body, timeout_s=120)

    def engine_status(self) -> dict[str, Any]:
        """The engine's own status: queue, worker, memory, clients."""
        return self.request("engine_status")

    def ping(self) -> dict[str, Any]:
        """Ask for a sign of life."""
        return self.request("ping")

    def free_gpu(self) -> dict[str, Any]:
        """Have the worker leave as soon as it is idle, so that the GPU's memory is free."""
        return self.request("free_gpu")

    def drain(self) -> dict[str, Any]:
        """Have the engine finish what runs, take nothing new, and end."""
        return self.request("drain", ends=True)

    def quit(self, *, if_idle: bool = False) -> dict[str, Any]:
        """End the engine. A job that runs is left interrupted, or with `if_idle` the engine refuses."""
        return self.request("quit", {"if_idle": if_idle}, ends=True)

    def log_tail(self, lines: int = 50) -> list[str]:
        """The last lines of the engine's log."""
        tail: list[str] = self.request("log_tail", {"lines": lines})["lines"]
        return tail

    def _result_of(self, job_id: str, on_status: OnStatus | None) -> dict[str, Any]:
        with self.stopping(job_id):
            status = self.watch(job_id, on_status)
        if status.state == "done" and status.result is not None:
            return status.result
        raise RemoteError(status.error or {"code": "not-done", "message": f"Job {job_id} is {status.state}."})
