"""The part of the story about keys that are painted elsewhere: exported, painted, stylized, and painted on, watched.

What stands for the painting program is OpenCV: every key becomes a drawing, and then one gets warmer light.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import clip_of_sixty
import cv2
import numpy as np

SAVED = 29
"""The number of the key that is painted on: frame 30 of the timeline, whose strip begins on 1."""


def tell(story: Any, clip: Path, work: Path) -> None:
    """The stages, in order."""
    folder = work / "keys to paint"
    clip_of_sixty.lay_out(story, clip, "own_keys_watch", long_side=640, frame=30)
    export(story, folder)
    stylize(story)
    paint_on(story, folder)
    take_away(story, folder)


def export(story: Any, folder: Path) -> None:
    """Export the keys, and paint each of them."""
    story.python(f"with override(): bpy.ops.restrip.export_keys('EXEC_DEFAULT', directory={str(folder)!r})")
    end = time.monotonic() + 240
    while len(list(folder.glob("key_*.png"))) < 3 or not list(folder.glob("*.txt")):
        if time.monotonic() > end:
            raise SystemExit("the keys weren't exported")
        time.sleep(0.25)
    print("ok: three keys and a note")
    story.expect("they are the look, and watched", "scene.restrip_form.own_keys_watch", True)
    for path in folder.glob("key_*.png"):
        save(path, drawn(cv2.imread(str(path))))


def stylize(story: Any) -> None:
    """Stylize with the painted keys."""
    story.python("with override(): bpy.ops.restrip.stylize()")
    story.wait("the result", "'hare restyled' in strips", 900)
    story.picture("keys-placed")
    # The editor's own work on the result: it is to be there afterwards.
    story.python("vse.set_span(strips['hare restyled'], vse.FrameRange(4, 58)); strips['key 1'].blend_alpha = 0.9")


def paint_on(story: Any, folder: Path) -> None:
    """Save one key in warmer light: its strips show it, and nothing else is another than before."""
    before = story.python("print(strips['hare'].restrip.placed)")
    path = next(path for path in folder.glob("key_*.png") if int(path.stem[-5:]) == SAVED)
    picture = cv2.imread(str(path)).astype(np.float32)
    warm = picture * np.float32([0.55, 0.85, 1.25])
    save(path, np.clip(warm, 0, 255).astype(np.uint8))
    story.wait("the strips follow", f"strips['hare'].restrip.placed not in ('', {before!r})", 600)
    story.expect(
        "what the editor did stays",
        "[*map(int, (vse.span_of(strips['hare restyled']).first, vse.span_of(strips['hare restyled']).end)),"
        " round(strips['key 1'].blend_alpha, 2), len(__import__('json').loads(strips['hare restyled'].restrip.takes))]",
        [4, 58, 0.9, 1],
    )
    story.expect(
        "two segments were rendered",
        "[j.manifest.counts['segments_rendered'] for j in jobs.board().jobs.values() if j.by_watch]",
        [2],
    )
    story.python("scene.frame_set(30)")
    story.picture("keys-followed")


def take_away(story: Any, folder: Path) -> None:
    """The folder vanishes and comes back."""
    watch = "key_watch = sys.modules['bl_ext.user_default.restrip.key_watch']"
    folder.rename(folder.with_name("away"))
    story.until("the folder is missed", "key_watch.troubles", 60, watch)
    folder.with_name("away").rename(folder)
    story.until("and found again", "not key_watch.troubles", 60, watch)


def drawn(picture: Any) -> Any:
    """A frame as a drawing."""
    return cv2.stylization(picture, sigma_s=60, sigma_r=0.45)


def save(path: Path, picture: Any) -> None:
    """As painting programs do: aside, then renamed."""
    aside = path.with_name(f"~{path.name}")
    cv2.imwrite(str(aside), picture)
    os.replace(aside, path)
