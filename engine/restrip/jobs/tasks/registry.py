"""The tasks that a worker does, by name, and what it keeps between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from restrip.client.origin import install_line
from restrip.errors import RestripError
from restrip.jobs.cache import Cache
from restrip.jobs.picture_tables import CachedTables
from restrip.jobs.tasks.errors import ends_process, fault_of, unloadable
from restrip.looks.look import Look
from restrip.media.files import FULL, DiskFull
from restrip.media.kept_tables import kept_by
from restrip.storage import json_files

if TYPE_CHECKING:
    from restrip.jobs.tasks.segment_ahead import SegmentAhead


class FileTrouble(RestripError):
    """A file can't be read or written, for a reason of the system's."""

    code = "file-trouble"

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path or 'A file'} can't be used: {why}.", "Check the drive and its rights.", path=path)


class JobDamaged(RestripError):
    """A file of a job's own is missing or damaged."""

    code = "job-lost"

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is missing or damaged.", "Resume the job: it is planned anew.", path=str(path))


def read_own(path: Path) -> dict[str, Any]:
    """A JSON file of a job's own. Raises JobDamaged."""
    body = json_files.read_json(path)
    if body is None:
        raise JobDamaged(path)
    return body


class PartMissing(RestripError):
    """A package that this task needs isn't installed beside the engine."""

    code = "part-missing"

    def __init__(self, package: str) -> None:
        extra = "diffusion" if package in _OF_DIFFUSION else "ray" if package == "ray" else "engine"
        super().__init__(
            f"The engine is installed without {package}, which this needs.",
            f"Install it with: {install_line(extra)}",
            package=package,
        )


_OF_DIFFUSION = {"torch", "diffusers", "transformers", "safetensors", "accelerate", "peft"}


class Progressed(Protocol):
    """How a task reports: the phase, how far it is, and more such as note, segment, preview. Raises Cancelled."""

    def __call__(self, phase: str, done: int, total: int, **more: Any) -> None:
        """`done` of `total` steps of this task's phase are finished."""


@dataclass
class WorkerMemory:
    """What a worker keeps from task to task: the look that is loaded, by its name, and whether it has made a key.

    `look_key` tells the look with its settings, its files and the frames' size from others of that name; `kernels`:
    those of propagation were loaded. `ahead` is a segment that was begun before its task.
    """

    loaded: str = ""
    warm: bool = False
    look: Look | None = None
    look_key: str = ""
    kernels: bool = False
    ahead: SegmentAhead | None = None

    def begin(self, message: Mapping[str, Any]) -> None:
        """A task comes from the supervisor: a segment that was begun for another one is dropped."""
        if self.ahead is not None and not self.ahead.is_for(message):
            self.drop_ahead()

    def drop_ahead(self) -> None:
        """A segment that was begun isn't wanted any more."""
        if self.ahead is not None:
            self.ahead.drop()
            self.ahead = None

    def forget(self) -> None:
        """Keep nothing: what an exception left may be half made."""
        self.look, self.look_key = None, ""
        self.loaded, self.warm = "", False

    def facts(self) -> dict[str, Any]:
        """What the engine tells of this worker's machine."""
        from restrip.jobs.resources.gpu import find_gpu

        return {"gpu": find_gpu()}


@dataclass(frozen=True)
class Assignment:
    """One task: the job's folder (None when it belongs to no job), the state folder, what was asked, how to report.

    `attempt` above 0 asks for less memory. `following` is what is asked of this worker next, if nothing comes between
    and no other worker may take it.
    """

    shop: WorkerMemory
    job: Path | None
    state_dir: Path
    body: Mapping[str, Any]
    report: Progressed
    attempt: int = 0
    following: Mapping[str, Any] | None = None

    @property
    def cache(self) -> Cache:
        """The cache of this state folder."""
        return Cache(self.state_dir)

    @property
    def folder(self) -> Path:
        """The job's folder, for tasks that have one."""
        assert self.job is not None
        return self.job


Tasks = Mapping[str, tuple[str, str]]
"""Where each kind of task is done: a module and a function of it that takes an Assignment. Loaded when asked for."""

JOB_TASKS: Tasks = {
    "probe": ("restrip.jobs.tasks.queries", "probe_media"),
    "check": ("restrip.jobs.tasks.queries", "check_job"),
    "looks": ("restrip.jobs.tasks.queries", "list_looks"),
    "models": ("restrip.jobs.tasks.queries", "list_models"),
    "export_keys": ("restrip.jobs.tasks.export_keys", "export_keys"),
    "save_look": ("restrip.jobs.tasks.look_files", "save_look"),
    "read_look": ("restrip.jobs.tasks.look_files", "read_look"),
    "add_look": ("restrip.jobs.tasks.look_files", "add_look"),
    "remove_look": ("restrip.jobs.tasks.look_files", "remove_look"),
    "cache": ("restrip.jobs.tasks.maintenance", "show_cache"),
    "discard": ("restrip.jobs.tasks.maintenance", "discard"),
    "prepare": ("restrip.jobs.tasks.prepare", "prepare"),
    "keys": ("restrip.jobs.tasks.keys", "make_keys"),
    "part": ("restrip.jobs.tasks.segments", "render_segments"),
    "finish": ("restrip.jobs.tasks.finish", "finish"),
    "seeds": ("restrip.jobs.tasks.seeds", "try_seeds"),
    "suggest": ("restrip.jobs.tasks.suggest", "suggest_keys"),
}


AFTER_ROOM = {
    "export_keys": "export the keys again: those that are there stay as they are",
    "save_look": "save the look again: one of that name that was there is as it was",
    "add_look": "add the look again: one of that name that was there is as it was",
}
"""What to do when a full disk has room again, by the kind of task that belongs to no job."""


def _full(path: str, message: Mapping[str, Any]) -> DiskFull:
    if message["job"]:
        return DiskFull(path)
    return DiskFull(path, AFTER_ROOM.get(message["kind"], "try again"))


def run_task(
    shop: WorkerMemory, message: Mapping[str, Any], report: Progressed, tasks: Tasks = JOB_TASKS
) -> dict[str, Any]:
    """Do what a message from the supervisor asks. Raises RestripError; anything else leaves a process of no use."""
    module, name = tasks[message["kind"]]
    job = Path(message["job"]) if message["job"] else None
    asked = message["body"], report, message.get("attempt", 0), message.get("following")
    assignment = Assignment(shop, job, Path(message["state_dir"]), *asked)
    shop.begin(message)
    try:
        body: Callable[[Assignment], dict[str, Any]] = getattr(import_module(module), name)
        with kept_by(CachedTables(assignment.cache, assignment.report)):
            return body(assignment)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        raise (fault_of(error, message) if package in ("", "restrip") else PartMissing(package)) from error
    except OSError as error:
        if unloadable(error):
            raise fault_of(error, message) from error
        path = str(error.filename or "")
        if error.errno in FULL:
            raise _full(path, message) from error
        raise FileTrouble(path, error.strerror or str(error)) from error
    except DiskFull as error:
        raise _full(str(error.detail["path"]), message) from error
    except RestripError:
        raise
    except BaseException as error:
        # A library may raise anything, SystemExit among it, and what it was given is the job's: so is the failure.
        if ends_process(error):
            raise
        shop.forget()
        raise fault_of(error, message) from error
