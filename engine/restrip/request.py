"""The one-line door: restyle a clip and get its manifest. The command line's `render` is this with options."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

from restrip.client.client import Client, connect
from restrip.client.job import JobSpec, Manifest, Output
from restrip.client.key_files.places import folder_of
from restrip.client.status import JobStatus
from restrip.errors import RemoteError, RestripError
from restrip.looks.families import family_named
from restrip.storage.texts import words
from restrip.storage.typed_paths import typed_path
from restrip.timeline import (
    BadRange,
    ClipRange,
    FrameRange,
    Key,
    KeyOutside,
    Rate,
    check_keys,
    is_picture,
    pictures_of,
)
from restrip.timeline.key_names import keys_in_folder

_log = logging.getLogger("restrip")


class NoKeys(RestripError):
    """Keys mode without a key."""

    code = "no-keys"
    bad_input = True

    def __init__(self) -> None:
        super().__init__(
            "No keyframe was given.",
            "Give keys by frame, for example 0,45,90, or one every N frames. A folder of painted keys that is there and"
            " has pictures of the clip's frames needs none.",
        )


class NoClip(RestripError):
    """An empty name for the clip, as of a variable that isn't set: it would be the folder that one is in."""

    code = "no-clip"
    bad_input = True

    def __init__(self) -> None:
        super().__init__("No clip is named.", "Name a movie, or a folder of pictures; . is the folder that you are in.")


class FolderUnreadable(RestripError):
    """A folder of pictures that can't be listed."""

    code = "folder-unreadable"
    bad_input = True

    def __init__(self, path: str, why: str) -> None:
        super().__init__(
            f"The folder {path} can't be listed: {why}.",
            "Check the disk, and that your account may read it.",
            path=path,
        )


@dataclass(frozen=True)
class Request:
    """What to do with a clip. Frames of `frames` and `keys` count from the clip's own first frame, at `rate`.

    `clip` is a movie, a picture, or a folder of pictures (an image sequence). Without keys those are meant for which a
    look of painted keys has pictures. `rate` is the timeline's: a movie lasts
    the same seconds at every rate, and a sequence shows one picture a frame. None is the clip's own.
    """

    clip: str | os.PathLike[str]
    look: str
    keys: Sequence[int | Key] = ()
    every: int | None = None
    frames: FrameRange | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    output: Output = field(default_factory=Output)
    matte: str = ""
    mode: str = "keys"
    step: int = 1
    rate: str | None = None
    project: str = ""


def restyle(
    clip: str | os.PathLike[str],
    *,
    look: str,
    keys: Sequence[int | Key],
    out: str | os.PathLike[str] = "",
    draft: bool = False,
    on_status: Callable[[JobStatus], None] | None = None,
    **settings: Any,
) -> Manifest:
    """Restyle `clip` from its keyframes and wait for the result; the engine is started when it doesn't run.

    >>> manifest = restrip.restyle("clip.mp4", look="neural:19", keys=[0, 45, 90], out="restyled")

    `settings` are the look's, such as prompt="an oil painting". A `draft` is a third of the size, to see what comes.
    Raises RestripError: bad input is told before anything is rendered, and what was finished when a job fails is kept
    for the next try, as it is when Ctrl+C cancels it.
    """
    request = Request(
        clip, look, keys, settings=settings, output=Output(folder=str(typed_path(out)) if out else "", draft=draft)
    )
    with connect("python", on_wait=_log.warning) as client:
        return render(client, request, on_status)


def render(client: Client, request: Request, on_status: Callable[[JobStatus], None] | None = None) -> Manifest:
    """Submit `request` and watch it to its end. Raises what the job failed with."""
    spec = job_of(client, request)
    with client.stopping(spec.job_id):
        client.submit(spec)
        return finished(client, spec.job_id, on_status)


def finished(client: Client, job_id: str, on_status: Callable[[JobStatus], None] | None = None) -> Manifest:
    """Wait until a job is over and return its manifest. Raises what it failed with, or JobNotDone."""
    watched(client, job_id, on_status)
    return client.manifest(job_id)


def watched(client: Client, job_id: str, on_status: Callable[[JobStatus], None] | None = None) -> dict[str, Any]:
    """Wait until a job is over and return what an interactive one found. Raises what it failed with, or JobNotDone."""
    status = client.watch(job_id, on_status)
    if status.error:
        raise RemoteError(status.error)
    if status.state != "done":
        raise JobNotDone(job_id, status.state)
    return status.result or {}


class JobNotDone(RestripError):
    """A job that ended without a result and without an error: cancelled, or interrupted."""

    code = "not-done"

    def __init__(self, job_id: str, state: str) -> None:
        super().__init__(
            f"Job {job_id} is {state}.",
            f"Go on with `restrip resume {job_id}`: what was finished is kept.",
            state=state,
        )


def job_of(client: Client, request: Request) -> JobSpec:
    """The job that `request` asks for, with the clip's length and rate as the engine reads them."""
    paths = media_paths(request.clip, str(request.settings.get("gaps", "hold")))
    stream = int(request.settings.get("video_stream", 0))
    info = client.probe(paths, stream) if stream else client.probe(paths)
    rate = Rate.parse(request.rate or info["rate"])
    whole = FrameRange(0, _frames_at(rate, paths, info))
    frames = whole if request.frames is None else request.frames
    if frames.first < 0 or frames.end > whole.end or not len(frames):
        raise BadRange(
            f"The range {frames.first}:{frames.end} does not lie in the clip, which has frames 0 to {whole.end - 1}.",
            f"Give a range inside 0:{whole.end}.",
            frames=whole.end,
        )
    return JobSpec(
        job_id=uuid.uuid4().hex,
        clip=ClipRange(tuple(paths), rate, len(frames), trim_in=frames.first, name=Path(request.clip).stem),
        keys=_keys(request, frames),
        look=absolute_look(request.look),
        settings=_settings(request, frames),
        output=request.output,
        matte=str(typed_path(request.matte)) if request.matte else "",
        mode=request.mode,
        step=request.step,
        project=request.project,
    )


def _frames_at(rate: Rate, paths: Sequence[str], info: Mapping[str, Any]) -> int:
    """How many frames the whole clip has at `rate`: a movie lasts the same seconds, a sequence shows each picture once.

    A movie's last frame is one that has begun a hundredth before the pictures end.
    """
    still = is_picture(paths[0]) and info.get("pictures", 1) == 1
    if len(paths) > 1 or still or rate == Rate.parse(info["rate"]):
        return int(info["frames"])
    return max(1, ceil(Fraction(info["duration_s"]) * rate.fraction - Fraction(1, 100)))


def media_paths(clip: str | os.PathLike[str], gaps: str = "hold") -> list[str]:
    """The files of a clip: itself, or the pictures of a folder as file managers order them.

    Where numbers are missing between them, the picture before is named again with `gaps` "hold". Raises
    FolderUnreadable, NoClip.
    """
    if not os.fspath(clip):
        raise NoClip
    path = typed_path(clip)
    if not os.path.isdir(path):  # Which asks of any text, also of one that is too long for a name.
        return [str(path)]
    try:
        pictures = pictures_of(path, gaps)
    except OSError as error:
        raise FolderUnreadable(str(path), words(error)) from error
    return pictures or [str(path)]


def _keys(request: Request, frames: FrameRange) -> tuple[Key, ...]:
    """The request's keys, counted from the range's first frame, sorted, one a frame."""
    if request.mode == "every":
        return ()
    wanted: Iterable[int | Key] = request.keys
    if request.every is not None:
        wanted = [*wanted, *range(frames.first, frames.end, request.every)]
    given = [key if isinstance(key, Key) else Key(key) for key in wanted] or painted_keys(request, frames)
    if not given:
        raise NoKeys
    outside = [key.frame for key in given if key.frame not in frames]
    if outside:
        raise KeyOutside(outside, len(frames), frames.first)
    keys, _ = check_keys([_moved(key, -frames.first) for key in given], len(frames))
    return keys


def painted_keys(request: Request, frames: FrameRange) -> list[Key]:
    """The keys for which a look of painted keys has pictures in the range, where no keys are named."""
    folder = folder_of(absolute_look(request.look))
    if not folder:
        return []
    shift = frames.first - int(_settings(request, frames).get("first_number", 0))
    try:
        numbers = keys_in_folder(folder)
    except OSError:
        return []  # The engine says what is wrong with the folder, or that there are no keys.
    return [Key(number + shift) for number in numbers if number + shift in frames]


def absolute_look(look: str) -> str:
    """The look with the path in its name absolute: the engine's folder is another. sd:tiny and the like are names."""
    family, (prefix, colon, argument) = family_named(look), look.partition(":")
    if family is None or not family.names_path or not argument or not os.path.exists(os.path.expanduser(argument)):
        return look
    return f"{prefix}{colon}{typed_path(argument)}"


def _settings(request: Request, frames: FrameRange) -> Mapping[str, Any]:
    """The request's settings. Painted pictures are named in the clip's frames, as the request's keys are."""
    family = family_named(request.look)
    numbered = family is not None and any(setting.key == "first_number" for setting in family.settings)
    pictures = {setting.key for setting in family.settings if setting.holds == "picture"} if family is not None else ()
    given = {key: _absolute(value) if key in pictures else value for key, value in request.settings.items()}
    return {"first_number": frames.first, **given} if numbered and frames.first else given


def _absolute(path: Any) -> Any:
    """A file of the folder that one is in, for the engine."""
    there = isinstance(path, str) and path and os.path.exists(os.path.expanduser(path))
    return str(typed_path(path)) if there else path


def _moved(key: Key, by: int) -> Key:
    return Key(key.frame + by, key.prompt, key.seed, key.image, key.name)
