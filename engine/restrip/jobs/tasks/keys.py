"""The task that makes keys: pictures of the look or of the user's, each cached as soon as it is there."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import Any

import cv2

from restrip.client.messages import MAX_BLOB_BYTES
from restrip.errors import RestripError
from restrip.jobs.cache import Entry
from restrip.jobs.frame_source import Window
from restrip.jobs.matte import BlackMatte, Matte
from restrip.jobs.model.effective_settings import Job
from restrip.jobs.model.input_files import SourceChanged
from restrip.jobs.model.plan import Plan
from restrip.jobs.resources.gpu import find_gpu
from restrip.jobs.tasks.kernel_loading import kernels_beside
from restrip.jobs.tasks.prepare import job_spec, look_of, saved_plan
from restrip.jobs.tasks.registry import Assignment
from restrip.looks import Beside, Look, Styled
from restrip.looks.keys_from_files import picture_for_key
from restrip.media import fit_picture, read_picture, write_picture
from restrip.media.frame import Frame
from restrip.propagate.device_choice import chosen
from restrip.timeline import Key

PREVIEW_SIDE_PX = 320
WRITERS = 4

# More than any batch: a task has fewer keys.
MOST_AT_ONCE = 64

# On the processor, of looks that make several keys at once: few, for each is cached with the others, and small:
# at 1280x720 two beside each other take half as long again as one after the other, at 640x360 a seventh less.
MOST_BESIDE, PIXELS_BESIDE = 4, 700_000


class KeyLost(RestripError):
    """A key's picture went missing between its making and its use."""

    code = "key-lost"

    def __init__(self, frame: int) -> None:
        super().__init__(f"The picture of key {frame} is gone from the cache.", "Retry the job: it is made again.")


def make_keys(task: Assignment) -> dict[str, Any]:
    """Make the pictures of these keys that aren't cached. Returns how many that were."""
    spec = job_spec(task.folder)
    plan, _ = saved_plan(task.folder)
    wanted = [n for n in task.body["keys"] if not task.cache.has("keys", plan.key_hashes[n])]
    painted = [n for n in wanted if plan.keys[n].image]
    styled = [n for n in wanted if not plan.keys[n].image]
    made = len(painted)
    with Window(spec, plan, spec.clip.frames, for_keys=True) as window:
        for index in painted:
            keep_painted(task, plan, window, index)
        if styled:
            look = look_of(task.shop, spec, plan.key_size, task.report)
            if look.identity() != plan.look_identity:
                raise SourceChanged(spec.look)
            with _beside(task, spec, plan, look, painted), KeyMaker(task, spec, plan, look, window) as maker:
                maker.done, maker.total = len(task.body["keys"]) - len(styled), len(task.body["keys"])
                for chunk in chunks_of(look, styled, int(task.body.get("memory", 0)), size=window.size):
                    maker.make(chunk)
                made += maker.made
    return {"rendered": made}


def _beside(task: Assignment, spec: Job, plan: Plan, look: Look, painted: list[int]) -> AbstractContextManager[None]:
    """Where the processor both paints and carries: the kernels of propagation, loaded meanwhile."""
    motion = spec.asked.motion
    here = look.traits.beside and not painted and motion.strokes != "smooth" and len(plan.keys) > 1
    if not here or motion.device == "cuda" or chosen(motion.device, plan.size) != "cpu":
        return nullcontext()
    return kernels_beside(task.shop)


def chunks_of(
    look: Look, indices: list[int], spared: int, most: int = MOST_AT_ONCE, size: tuple[int, int] | None = None
) -> Iterator[list[int]]:
    """Keys to make in one call: `most` for a look that batches on a GPU, a few for one that makes small ones of `size`
    beside each other, else one, so that each is cached when done.

    `spared` counts the workers that ended with larger plans.
    """
    batches = look.traits.batches and find_gpu() is not None and not spared
    at_once = most if batches else 1
    if look.traits.beside and size is not None and not spared:
        at_once = min(most, MOST_BESIDE, max(1, PIXELS_BESIDE // (size[0] * size[1])))
    for n in range(0, len(indices), at_once):
        yield indices[n : n + at_once]


class KeyMaker:
    """Asks a look for keys of one job and caches them. `done` of `total` keys of the task were made before."""

    def __init__(self, task: Assignment, spec: Job, plan: Plan, look: Look, window: Window) -> None:
        self.task, self.spec, self.plan, self.look, self.window = task, spec, plan, look, window
        self.done, self.total = 0, 1
        self.made = 0
        self._matte: Matte | None = None
        self._stack = ExitStack()

    def __enter__(self) -> KeyMaker:
        self.look.spare_memory(int(self.task.body.get("memory", 0)))
        if self.spec.matte:
            matte = self._stack.enter_context(Matte(self.spec, self.window.size))
            if not any(matte.alpha(key.frame).any() for key in self.plan.keys):
                self._stack.close()
                raise BlackMatte(self.spec.matte, "on every key")
            self._matte = matte if self.look.traits.takes_mattes else None
        return self

    def __exit__(self, *raised: object) -> None:
        self._stack.close()

    def make(self, chunk: list[int]) -> None:
        """Make these keys of the plan, together, and cache them.

        Where a look carries each key into the next, those that they follow are made first, and one by one.
        """
        # A model is loaded with the first key, and that may take long without a step.
        self._say(0, 1, phase="keys" if self.task.shop.warm else "loading", count=len(chunk))
        anchor = self._anchor()
        for group in self._groups(chunk):
            if self.plan.keys[group[0]].image:
                keep_painted(self.task, self.plan, self.window, group[0])
            else:
                self._make_together(group, anchor, len(chunk))
            self.made += len(group)
        self.done += len(chunk)

    def _groups(self, chunk: list[int]) -> list[list[int]]:
        """What can be made together, in the order in which it has to be made."""
        if not any(before is not None for before in self.plan.previous):
            return [chunk]
        wanted: set[int] = set()
        for index in chunk:
            at: int | None = index
            # A key that was made meanwhile, or by another worker, isn't made again.
            while at is not None and at not in wanted and not self._has(at):
                wanted.add(at)
                at = self.plan.previous[at]
        return [[index] for index in sorted(wanted, key=lambda n: abs(n - (self.plan.anchor or 0)))]

    def _has(self, index: int) -> bool:
        return self.task.cache.has("keys", self.plan.key_hashes[index])

    def _make_together(self, group: list[int], anchor: tuple[Frame, Key] | None, count: int) -> None:
        for index in [n for n in group if self._untouched(n)]:
            key = self.plan.keys[index]
            note = f"The matte is black on {key.said}: it stays as it is."
            self.window.check()
            keep_key(self.task, self.plan, index, Styled(self.window.frame(key.frame), {}, (note,)))
            group = [n for n in group if n != index]
        if not group:
            return
        keys = [self.spec.asked.look.explicit(self.plan.keys[n]) for n in group]
        frames = [self.window.frame(key.frame) for key in keys]

        def report(done: int, total: int, note: str = "") -> None:
            self._say(done, total, note=note, count=count)

        made = self.look.stylize(frames, keys, report, anchor, self._what_is_beside(group))
        hashes = [self.plan.key_hashes[index] for index in group]
        self.window.check()
        # Coding a picture takes about as long as a GPU needs to make one.
        with ThreadPoolExecutor(min(WRITERS, len(group))) as pool:
            kept = pool.map(lambda n, styled: store_key(self.task, self.plan, n, styled), group, made)
            for key_hash, key, styled, _ in zip(hashes, keys, made, kept, strict=True):
                show_key(self.task, key_hash, key, styled)
        self.task.shop.warm = True

    def _untouched(self, index: int) -> bool:
        """Whether the look would change nothing of this key: what the matte shows may come later, or leave."""
        return self._matte is not None and not self._matte.alpha(self.plan.keys[index].frame).any()

    def _what_is_beside(self, group: list[int]) -> Beside:
        """What the look may know beside these keys' frames."""
        plan, matte = self.plan, self._matte
        return Beside(
            mattes=() if matte is None else [matte.alpha(plan.keys[n].frame) for n in group],
            anchor_matte=None if matte is None or plan.anchor is None else matte.alpha(plan.keys[plan.anchor].frame),
            previous=[self._before(n) for n in group],
            clip=self.spec.clip,
            keys=self.total - self.done,
            corrections=[plan.correction(n) for n in group],
            colours=self.window.colours,
            clip_size=self.window.reader.size,
        )

    def _before(self, index: int) -> tuple[Frame, Frame] | None:
        """The frame and the finished picture of the key that this one is carried from."""
        before = self.plan.previous[index]
        if before is None:
            return None
        key = self.plan.keys[before]
        entry = self.task.cache.find("keys", self.plan.key_hashes[before])
        if entry is None:
            raise KeyLost(key.frame)
        source = self.window.frame(key.frame)
        return source, self.window.fitted(key_picture(entry))

    def _anchor(self) -> tuple[Frame, Key] | None:
        """The frame and key that the job's keys are made against; none without one, and where a matte hides it."""
        index = self.plan.anchor
        if index is None or self._untouched(index):
            return None
        key = self.spec.asked.look.explicit(self.plan.keys[index])
        return self.window.frame(key.frame), key

    def _say(self, done: int, total: int, *, count: int, phase: str = "keys", note: str = "") -> None:
        fraction = count * done / total if total else 0
        more = {"note": note} if note else {}
        self.task.report(phase, round((self.done + fraction) * 100), self.total * 100, **more)


def keep_painted(task: Assignment, plan: Plan, window: Window, index: int) -> None:
    """Cache the picture that a key brings along."""
    key = plan.keys[index]
    frame = window.frame(key.frame)
    styled = picture_for_key(
        frame, key, correction=plan.correction(index), colours=window.colours, clip_size=window.reader.size
    )
    window.check()
    keep_key(task, plan, index, styled)


def keep_key(task: Assignment, plan: Plan, index: int, styled: Styled) -> None:
    """Cache a key's picture and publish a small one as progress."""
    store_key(task, plan, index, styled)
    show_key(task, plan.key_hashes[index], plan.keys[index], styled)


def store_key(task: Assignment, plan: Plan, index: int, styled: Styled) -> None:
    """Cache a key's picture, at the size that is rendered: a draft's is made from larger frames."""
    with task.cache.make("keys", plan.key_hashes[index]) as draft:
        write_picture(draft.folder / "picture.png", fit_picture(styled.picture, plan.size))
        draft.facts.update(facts=dict(styled.facts), notes=list(styled.notes))


def show_key(task: Assignment, key_hash: str, key: Key, styled: Styled) -> None:
    """Publish a small picture of a cached key as progress, with the path of the whole one."""
    entry = task.cache.find("keys", key_hash)
    where = {"picture": str(entry.file("picture.png"))} if entry is not None else {}
    task.report("keys", 0, 0, preview=preview_blob(styled.picture), frame=key.frame, seed=key.seed, **where)


def key_picture(entry: Entry) -> Frame:
    """The picture of a cached key."""
    return read_picture(str(entry.file("picture.png")))


def preview_blob(picture: Frame) -> str:
    """A small JPEG as base64, at most MAX_BLOB_BYTES."""
    width, height = picture.size
    scale = min(1.0, PREVIEW_SIDE_PX / max(width, height))
    small = fit_picture(picture, (max(1, round(width * scale)), max(1, round(height * scale)))).rgb8()
    for quality in (85, 60, 30):
        _, coded = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        raw = coded.tobytes()
        if len(raw) <= MAX_BLOB_BYTES:
            break
    return base64.b64encode(raw).decode("ascii")
