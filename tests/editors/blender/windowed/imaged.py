"""The part of the story about one key that is a picture of the user's, between keys of a look.

Exported, painted, taken by Key from Image, and watched while it is saved again, by the right-click menu and the file
browser. What stands for the painting program is OpenCV: it turns the exported frame red, then saves half a picture and
later the rest, and then saves six times in a moment.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import clip_of_sixty
import cv2
import numpy as np
from painted import save

KEY = 30
NUMBER = KEY - 1
"""The key's frame on the timeline, and in the strip, which begins on 1."""
RED, GREEN, BLUE = (0.6, 0.6, 1.5), (0.6, 1.5, 0.6), (1.5, 0.6, 0.6)
BROWSER = """
found = [
    (w, a, a.spaces.active) for w in bpy.context.window_manager.windows for a in w.screen.areas
    if a.type == "FILE_BROWSER" and a.spaces.active.active_operator is not None
]
"""
SHOWN = "print(strips['hare'].restrip.placed)"
EDITED = """
import json
def edited():
    inside = {s.name: [int(vse.span_of(s).first), int(vse.span_of(s).end), round(s.blend_alpha, 2)]
              for s in strips.values() if s.name.startswith("key ") and not s.mute}
    result = strips["hare restyled"]
    span = vse.span_of(result)
    return [inside, int(span.first), int(span.end), len(json.loads(result.restrip.takes))]
"""


def tell(story: Any, clip: Path, work: Path) -> None:
    """The stages, in order."""
    folder = work / "one key"
    folder.mkdir()
    clip_of_sixty.lay_out(story, clip, "own_keys_watch", long_side=640, frame=KEY)
    path = export(story, folder)
    frame = cv2.imread(str(path))
    save(path, tinted(frame, RED))
    take(story, path)
    stylize(story, path)
    edit(story)
    kept = work / "state" / "jobs"
    half_saved(story, path, tinted(frame, GREEN), kept)
    burst(story, path, frame, kept)


def export(story: Any, folder: Path) -> Path:
    """Export Keys to Paint, without making the folder the look."""
    choose(story, "Export Keys to Paint")
    confirm(story, folder, "", use=False)
    path = folder / f"key_{NUMBER:05d}.png"
    end = time.monotonic() + 240
    while not path.exists() or not list(folder.glob("*.txt")):
        if time.monotonic() > end:
            raise SystemExit("the keys weren't exported")
        time.sleep(0.25)
    print("ok: the keys and a note")
    story.expect("the look stays", "'keys' in strips['hare'].restrip.values", False)
    return path


def take(story: Any, path: Path) -> None:
    """Key from Image, for the marker under the playhead; and the watch is switched on."""
    choose(story, "Key from Image")
    confirm(story, path.parent, path.name)
    story.wait("the picture is the key's", f"{str(path)!r} in scene.restrip.images", 30)
    story.expect("three markers, as before", "len(scene.timeline_markers)", 3)
    story.python("scene.restrip_form.own_keys_watch = True")


def stylize(story: Any, path: Path) -> None:
    """Stylize; the key is the picture, the others are the look's."""
    story.python("with override(): bpy.ops.restrip.stylize()")
    story.wait("the result", "'hare restyled' in strips", 900)
    watch = "key_watch = sys.modules['bl_ext.user_default.restrip.key_watch']"
    story.until("the picture is watched", "key_watch.count_of(scene, strips['hare']) == 1", 30, watch)
    story.python(f"scene.frame_set({KEY})")
    story.picture("image-taken")
    shown(story, path)


def edit(story: Any) -> None:
    """The editor's own work on the result: trims outside and inside, and a strip that is seen through."""
    story.python(
        """
vse.set_span(strips["hare restyled"], vse.FrameRange(4, 58))
span = vse.span_of(strips["key 1"])
vse.set_span(strips["key 1"], vse.FrameRange(span.first, span.end - 3))
strips["key 3"].blend_alpha = 0.9
bpy.ops.ed.undo_push(message="Trim")
"""
    )


def half_saved(story: Any, path: Path, picture: Any, jobs: Path) -> None:
    """Half a picture is no picture; with its other half it is, and its two segments come anew."""
    before, shown_before, count = edited(story), story.python(SHOWN), len(list(jobs.iterdir()))
    whole = bytes(cv2.imencode(".png", picture)[1])
    with open(path, "wb") as file:
        file.write(whole[: len(whole) // 2])
        file.flush()
        time.sleep(4)
        if len(list(jobs.iterdir())) != count:
            raise SystemExit("half a picture isn't waited for")
        print("ok: half a picture is waited for")
        file.write(whole[len(whole) // 2 :])
    followed(story, shown_before)
    if before != edited(story):
        raise SystemExit(f"what the editor did is lost: {before} {edited(story)}")
    print("ok: what the editor did stays")
    story.picture("image-followed")
    shown(story, path)


def burst(story: Any, path: Path, frame: Any, jobs: Path) -> None:
    """Six saves in a moment are one; the last is what is seen."""
    before, shown_before, count = edited(story), story.python(SHOWN), len(list(jobs.iterdir()))
    for part in range(6):
        save(path, tinted(frame, BLUE if part == 5 else (1, 1, 0.2 * part)))
        time.sleep(0.3)
    followed(story, shown_before)
    time.sleep(3)
    if len(list(jobs.iterdir())) != count + 1:
        raise SystemExit(f"{len(list(jobs.iterdir())) - count} jobs for one burst of saves")
    print("ok: a burst of saves is one job")
    if before != edited(story):
        raise SystemExit("what the editor did is lost by the second save")
    story.picture("image-burst")
    shown(story, path)


def edited(story: Any) -> str:
    """Where the result and the strips in it lie, how much is seen through them, and how many takes there are."""
    return str(story.python(EDITED + "print(json.dumps(edited()))"))


def followed(story: Any, before: str) -> None:
    """Another result is shown than before, of which two segments and one key were rendered."""
    story.wait("the strips follow", f"strips['hare'].restrip.placed not in ('', {before!r})", 600)
    story.expect(
        "two segments and one key were rendered",
        "[[j.manifest.counts['segments_rendered'], j.manifest.counts['keys_rendered']]"
        " for j in jobs.board().jobs.values() if j.by_watch and j.stage == 'placed'][-1:]",
        [[2, 1]],
    )


def shown(story: Any, path: Path) -> None:
    """The strip's file shows the saved picture on the key's frame."""
    told = story.python("s = strips['key 2']; print(bpy.path.abspath(s.filepath), int(s.frame_start))").rsplit(" ", 1)
    movie = cv2.VideoCapture(told[0])
    movie.set(cv2.CAP_PROP_POS_FRAMES, KEY - int(told[1]))
    there, made = movie.read()
    wanted = cv2.imread(str(path)).mean((0, 1))
    # OpenCV reads movies by another matrix than pictures, which moves these colours by up to 10.
    if not there or np.abs(made.mean((0, 1)) - wanted).max() > 20:
        raise SystemExit(f"the strip shows another picture: {made.mean((0, 1)) if there else None}, {wanted}")
    print("ok: it is the saved picture that is seen")


def choose(story: Any, entry: str) -> None:
    """An entry of the submenu Restrip: right click, the submenu, and the entry by its name."""
    story.point_at(KEY + 4, 2.5)
    for action in (("click", "1"), ("click", "3"), ("key", "End"), ("key", "Up"), ("key", "Right")):
        story.desk.keys(*action)
    story.picture(f"{entry.split()[0].lower()}-menu")
    story.desk.keys("key", "space")
    story.desk.keys("type", "--delay", "60", entry)
    time.sleep(1)
    story.desk.keys("key", "Return")
    story.until("the file browser", "found", 30, BROWSER)


def confirm(story: Any, directory: Path, name: str, **options: bool) -> None:
    """A file, or a folder, in the file browser, with the options beside it; then its button."""
    story.python(
        f"""{BROWSER}
_, _, space = found[0]
space.params.directory = {str(directory).encode()!r}
if {name!r}:
    space.params.filename = {name!r}
for option, value in {options!r}.items():
    setattr(space.active_operator, option, value)
"""
    )
    story.picture("browser")
    story.python(
        f"""{BROWSER}
window, area, _ = found[0]
region = next(r for r in area.regions if r.type == "WINDOW")
with bpy.context.temp_override(window=window, area=area, region=region): bpy.ops.file.execute()
"""
    )
    time.sleep(1)


def tinted(picture: Any, by: tuple[float, float, float]) -> Any:
    """A picture in another light, in OpenCV's order: blue, green, red."""
    return np.clip(picture.astype(np.float32) * np.float32(by), 0, 255).astype(np.uint8)
