"""One frame in several seeds, on a contact sheet; each picture is cached like a key, so choosing one costs nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from restrip.client.job import clip_from_json
from restrip.jobs.frame_source import Window
from restrip.jobs.model.effective_settings import Job
from restrip.jobs.model.planner import make_plan
from restrip.jobs.source import open_source
from restrip.jobs.tasks.keys import KeyLost, KeyMaker, chunks_of, key_picture
from restrip.jobs.tasks.prepare import highlights_of, known_of, look_of
from restrip.jobs.tasks.registry import Assignment, read_own
from restrip.media import fit_picture, write_picture
from restrip.media.frame import Frame
from restrip.timeline import Key

CELL_PX = 384
GAP_PX = 8
LABEL_PX = 26

# On a GPU: shown together, and soon enough.
SEEDS_AT_ONCE = 4


def try_seeds(task: Assignment) -> dict[str, Any]:
    """Make the pictures and the sheet. Returns {"sheet": file, "source": file, "pictures": [{"seed", "file"}]}.

    `source` is the frame as it was before, in its own size.
    """
    body = read_own(task.folder / "job.json")
    spec = seeds_job(body)
    result = task.folder / "result"
    result.mkdir(exist_ok=True)
    pictures = []
    for seed, picture in _pictures(task, body, spec, seeds_for(spec, int(body["n"]))):
        path = result / f"seed-{seed}.png"
        write_picture(path, picture)
        pictures.append((seed, picture, path))
    sheet = result / "sheet.png"
    write_picture(sheet, contact_sheet([(str(seed), picture) for seed, picture, _ in pictures]))
    source = result / "source.png"
    write_picture(source, _source(spec, int(body["frame"])))
    return {
        "sheet": str(sheet),
        "source": str(source),
        "pictures": [{"seed": seed, "file": str(path)} for seed, _, path in pictures],
    }


def seeds_job(body: Mapping[str, Any]) -> Job:
    """What the seeds are tried with, as a job without keys. Raises BadJob, UnknownLook, BadSetting."""
    look = body["look"]
    return Job("seeds", clip_from_json(body["source"]), (), look["name"], look.get("settings", {}), cuts=())


def seeds_for(spec: Job, count: int) -> list[int]:
    """`count` seeds, from the look's own seed on; a look without a seed shows one picture only."""
    first = spec.asked.look.seed
    return [0] if first is None else [max(0, first) + n for n in range(count)]


def _source(spec: Job, frame: int) -> Frame:
    """The frame that the seeds are tried on."""
    with open_source(spec) as media:
        return media.frame(frame)


def _pictures(task: Assignment, body: dict[str, Any], spec: Job, seeds: list[int]) -> Iterator[tuple[int, Frame]]:
    """The frame in these seeds: from the cache, or made and cached as the keys that a job would make."""
    frame = int(body["frame"])
    with open_source(spec) as media:
        look = look_of(task.shop, spec, media.size, task.report)
        known = replace(known_of(look, media), highlights=highlights_of(task, spec, media))
    alone = [make_plan(replace(spec, keys=(Key(frame, body.get("prompt"), seed),)), known) for seed in seeds]
    # One plan with a key for each seed, which no job could have: all on one frame.
    keys, hashes = (tuple(part for plan in alone for part in getattr(plan, of)) for of in ("keys", "key_hashes"))
    plan = replace(alone[0], keys=keys, key_hashes=hashes, previous=(None,) * len(seeds))
    missing = [n for n, key_hash in enumerate(hashes) if not task.cache.has("keys", key_hash)]
    with (
        Window(spec, plan, spec.clip.frames, for_keys=True) as window,
        KeyMaker(task, spec, plan, look, window) as maker,
    ):
        maker.done, maker.total = len(seeds) - len(missing), len(seeds)
        for chunk in chunks_of(look, missing, int(task.body.get("memory", 0)), SEEDS_AT_ONCE):
            maker.make(chunk)
    for seed, key_hash in zip(seeds, hashes, strict=True):
        entry = task.cache.find("keys", key_hash)
        if entry is None:
            raise KeyLost(frame)
        yield seed, key_picture(entry)


def contact_sheet(pictures: list[tuple[str, Frame]]) -> Frame:
    """Pictures in a grid with a label under each: [H, W, 3] uint8."""
    columns = math.ceil(math.sqrt(len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    width, height = pictures[0][1].size
    cell = (CELL_PX, max(1, round(CELL_PX * height / width)))
    sheet = Image.new(
        "RGB", (columns * (cell[0] + GAP_PX) + GAP_PX, rows * (cell[1] + LABEL_PX + GAP_PX) + GAP_PX), (24, 24, 26)
    )
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=16)
    for index, (label, picture) in enumerate(pictures):
        left = GAP_PX + index % columns * (cell[0] + GAP_PX)
        top = GAP_PX + index // columns * (cell[1] + LABEL_PX + GAP_PX)
        sheet.paste(Image.fromarray(fit_picture(picture, cell).rgb8()), (left, top))
        draw.text((left, top + cell[1] + 4), label, (225, 225, 225), font=font)
    return Frame(np.ascontiguousarray(sheet))
