"""The engine as the scripts use it. `restrip.client.client.Client` is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol

from restrip.client.job import JobSpec, Manifest
from restrip.client.schema import Schema
from restrip.client.status import JobStatus
from restrip.timeline import ClipRange

OnStatus = Callable[[JobStatus], None]


class Engine(Protocol):
    """What of the client is used here; see restrip.client.client for what each does and raises."""

    def __enter__(self) -> Engine: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def probe(self, paths: Sequence[str]) -> dict[str, Any]: ...  # noqa: D102
    def settings(self) -> Schema: ...  # noqa: D102
    def model(self, name: str) -> dict[str, Any]: ...  # noqa: D102
    def saved_looks(self) -> list[dict[str, Any]]: ...  # noqa: D102
    def read_look(self, look: str, *, use: bool = False) -> dict[str, Any]: ...  # noqa: D102
    def save_look(  # noqa: D102
        self, job_id: str, name: str, *, key: int | None = None, replace: bool = False
    ) -> dict[str, Any]: ...
    def submit(self, spec: JobSpec) -> dict[str, Any]: ...  # noqa: D102
    def status(self, job_id: str) -> JobStatus: ...  # noqa: D102
    def jobs(self, project: str | None = None, states: Sequence[str] | None = None) -> list[JobStatus]: ...  # noqa: D102
    def cancel(self, job_id: str) -> dict[str, Any]: ...  # noqa: D102
    def manifest(self, job_id: str) -> Manifest: ...  # noqa: D102
    def placed(self, job_id: str, by: str, strips: Sequence[str] = ()) -> dict[str, Any]: ...  # noqa: D102
    def discard(self, job_id: str) -> dict[str, Any]: ...  # noqa: D102
    def export_keys(  # noqa: D102
        self, clip: ClipRange, frames: Sequence[int], folder: str, *, first: int, editor: str
    ) -> dict[str, Any]: ...
    def watch(self, job_id: str, on_status: OnStatus | None = None) -> JobStatus: ...  # noqa: D102
    def seeds(  # noqa: D102
        self,
        clip: ClipRange,
        frame: int,
        *,
        look: str,
        settings: Mapping[str, Any],
        count: int,
        prompt: str | None,
        on_status: OnStatus | None,
    ) -> dict[str, Any]: ...
    def suggest(  # noqa: D102
        self, clip: ClipRange, *, count: int | None, on_status: OnStatus | None
    ) -> list[dict[str, Any]]: ...


Connect = Callable[[str, str], Engine]
"""Opens the engine for a client's name and a project."""


def connect(client: str, project: str) -> Engine:
    """The real engine, started when it doesn't run."""
    from restrip.client.client import connect as found_or_started

    return found_or_started(client, project=project)
