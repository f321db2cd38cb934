"""A real cut in a windowed Blender: twelve strips, titles and a picture in the picture; two restyled at once, one cut,
one copied, a second take, a failed job, and the file read again.

    python tests/editors/blender/windowed/run.py --story cut --pictures docs/pictures
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

CLIPS = ("bigbuckbunny.mp4", "bikes.mp4", "carphone_pristine.mp4")
LENGTH = 25

LAID = """
import json
scene.render.fps, scene.render.fps_base = 25, 1.0
scene.render.resolution_x, scene.render.resolution_y = 640, 360
scene.frame_start, scene.frame_end = 1, 12 * LENGTH
editor = scene.sequence_editor_create()
def fit(strip):
    width, height = vse.media_size(strip)
    strip.transform.scale_x = strip.transform.scale_y = max(640 / width, 360 / height)
for number in range(12):
    first = 1 + LENGTH * number
    skipped = 30 * (number // 3)
    path = FOLDER + "/" + CLIPS[number % 3]
    strip = vse.add_movie(editor, f"shot {number + 1}", path, 2, first - skipped)
    vse.set_span(strip, vse.FrameRange(first, first + LENGTH))
    fit(strip)
    strip.restrip.values = '{"long_side": 320, "look.neural": "19"}'
for strip in list(vse.strips_of(editor)):
    strip.channel = 2  # Blender moved those away that overlapped the next one before they were trimmed.
    strip.select = False
known = vse.strips_of(editor).bl_rna.functions["new_effect"].parameters.keys()
def title(text, first, end):
    length = {"length": end - first} if "length" in known else {"frame_end": end}
    made = vse.strips_of(editor).new_effect(name=text, type="TEXT", channel=3, frame_start=first, **length)
    made.text, made.font_size, made.location = text, 48.0, (0.5, 0.15)
title("Opening", 1, 30)
title("Chapter 2", 110, 140)
inset = vse.add_movie(editor, "inset", FOLDER + "/bigbuckbunny.mp4", 4, 60)
vse.set_span(inset, vse.FrameRange(60, 120))
inset.transform.scale_x = inset.transform.scale_y = 0.18
inset.transform.offset_x, inset.transform.offset_y = 190, 100
inset.restrip.values = '{"long_side": 240, "look.neural": "3"}'
area.spaces.active.show_region_ui = True
bpy.ops.ed.undo_push(message="Lay out a cut")
"""

LIES = """
import json
def facts():
    found = {}
    for s in vse.strips_of(scene.sequence_editor):
        found[s.name] = [s.channel, vse.span_of(s).first, vse.span_of(s).end, s.mute, s.restrip.result_of != ""]
    return found
def above(name):
    r = next(s for s in vse.strips_of(scene.sequence_editor) if s.name == name + " restyled")
    source, span = strips[name], vse.span_of(r)
    over = [s for s in vse.strips_of(scene.sequence_editor) if len(vse.span_of(s).within(span)) and s != r]
    titles = [s.channel for s in over if s.type == "TEXT" or s.name.startswith("inset")]
    return vse.span_of(source) == span and source.channel < r.channel and all(r.channel < t for t in titles)
"""


def tell(story: Any, folder: Path, blend: Path) -> None:
    """The stages, in order, with what each took."""
    for stage in (lay_out, two_at_once, inset, cut_and_again, copy, failed, read_again):
        begun = time.monotonic()
        stage(story, folder if stage is lay_out else blend)
        print(f"    {stage.__name__}: {time.monotonic() - begun:.0f} s")


def lay_out(story: Any, folder: Path) -> None:
    """Twelve strips, two titles, a picture in the picture."""
    story.python(f"LENGTH, FOLDER, CLIPS = {LENGTH}, {str(folder)!r}, {CLIPS!r}\n{LAID}")
    time.sleep(1)
    story.python("with override(): bpy.ops.sequencer.view_all()")
    story.open_tab()
    story.wait("the engine's settings", "scene.restrip_form.bl_rna.properties.get('set_style_strength')", 60)
    story.python("scene.frame_set(70)")
    story.picture("cut")


def two_at_once(story: Any, _: Path) -> None:
    """Two strips by clicks, one look for both, and both stylized from the right-click menu."""
    click(story, 110, 2.5)
    dress(story, "shot 5", "7")
    click(story, 160, 2.5, "Shift_L")
    story.expect("two are selected", "sorted(s.name for s in strips.values() if s.select)", ["shot 5", "shot 7"])
    story.python("scene.sequence_editor.active_strip = strips['shot 5']")
    story.picture("two")
    story.python("with override(): bpy.ops.restrip.copy_look('INVOKE_DEFAULT')")
    story.expect("one look", "strips['shot 7'].restrip.values == strips['shot 5'].restrip.values", True)
    story.point_at(110, 2.5)
    story.desk.keys("click", "3")
    story.desk.keys("key", "End")
    story.desk.keys("key", "Return")
    story.wait("a job each", "len(jobs.board().jobs) == 2", 20)
    story.picture("two-jobs")
    story.wait("both results", "'shot 5 restyled' in strips and 'shot 7 restyled' in strips", 900)
    if story.python(LIES + "print(above('shot 5'), above('shot 7'))") != "True True":
        raise SystemExit("the results lie elsewhere: " + story.python(LIES + "print(facts())"))
    story.python("scene.frame_set(115)")
    story.picture("two-results")


def inset(story: Any, _: Path) -> None:
    """The picture in the picture."""
    select(story, "inset")
    story.python("with override(): bpy.ops.restrip.stylize('INVOKE_DEFAULT')")
    story.wait("the inset's result", "'inset restyled' in strips", 600)
    story.expect("it is small and on top", "strips['inset restyled'].channel > strips['Chapter 2'].channel", True)
    story.python("scene.frame_set(112)")
    story.picture("inset")


def cut_and_again(story: Any, _: Path) -> None:
    """K through source and result, then Stylize Again on the right half."""
    select(story, "shot 5", "shot 5 restyled")
    story.python("scene.frame_set(113)")
    story.point_at(113, 7)
    story.desk.keys("key", "k")
    story.wait("the cut", "'shot 5.001' in strips and 'shot 5 restyled.001' in strips", 10)
    select(story, "shot 5.001")
    dress(story, "shot 5.001", "11")
    before = story.python(LIES + "print(json.dumps(facts()))")
    story.python("with override(): bpy.ops.restrip.stylize_again('INVOKE_DEFAULT')")
    story.wait("a second take of the right half", "strips['shot 5 restyled.001'].restrip.take == 2", 600)
    after = story.python(LIES + "print(json.dumps(facts()))")
    if before != after:
        raise SystemExit(f"more changed than the pictures: {before} {after}")
    story.expect("the left half has one take", "strips['shot 5 restyled'].restrip.takes.count('job')", 1)
    select(story, "shot 5 restyled.001")
    story.python("scene.frame_set(118)")
    story.menu("RESTRIP_MT_takes", "takes")
    story.python("with override(): bpy.ops.restrip.show_take(take=1)")
    story.expect("back to the first", "strips['shot 5 restyled.001'].restrip.take", 1)


def copy(story: Any, _: Path) -> None:
    """Shift+D on source and result, dropped later; then the copy's result removed."""
    select(story, "shot 7", "shot 7 restyled")
    story.point_at(165, 2.5)
    story.desk.keys("key", "shift+d")
    for key in ("3", "0", "0", "Return"):
        story.desk.keys("key", key)
    story.wait("the copies", "'shot 7 restyled.001' in strips", 10)
    time.sleep(1.5)
    story.expect(
        "each has a tie of its own",
        "strips['shot 7.001'].restrip.tie == strips['shot 7 restyled.001'].restrip.tie != strips['shot 7'].restrip.tie",
        True,
    )
    select(story, "shot 7.001")
    story.python("with override(): bpy.ops.restrip.remove_result('INVOKE_DEFAULT')")
    story.expect(
        "only the copy's is gone",
        "['shot 7 restyled.001' in strips, strips['shot 7.001'].mute, strips['shot 7'].mute]",
        [False, False, True],
    )
    select(story, "shot 7 restyled")
    story.point_at(165, 7)
    story.python("with override(): bpy.ops.sequencer.delete()")
    time.sleep(1.5)
    story.expect("deleted by hand: the source is seen", "strips['shot 7'].mute", False)


def failed(story: Any, _: Path) -> None:
    """A look that isn't there: said where the editor looks."""
    select(story, "shot 9")
    dress(story, "shot 9", "99")
    story.python("area.spaces.active.show_region_ui = False")
    story.python("with override(): bpy.ops.restrip.stylize('INVOKE_DEFAULT')")
    end = time.monotonic() + 120
    while story.python("print(any(j.stage == 'failed' for j in jobs.board().jobs.values()))") != "True":
        if time.monotonic() > end:
            raise SystemExit("the job didn't fail")
        time.sleep(0.25)
    story.picture("failed")
    story.python("area.spaces.active.show_region_ui = True")


def read_again(story: Any, blend: Path) -> None:
    """Saved and read again: everything is where it was."""
    before = story.python(LIES + "print(json.dumps(facts()))")
    story.python(f"bpy.ops.wm.save_as_mainfile(filepath={str(blend)!r})")
    story.python(f"bpy.ops.wm.open_mainfile(filepath={str(blend)!r})")
    time.sleep(3)
    after = story.python(LIES + "print(json.dumps(facts()))")
    if before != after:
        raise SystemExit(f"the file holds something else: {before} {after}")
    story.picture("cut-read-again")


def dress(story: Any, name: str, look: str) -> None:
    """Give a strip a look by its number."""
    values = json.dumps({"long_side": 320, "look.neural": look})
    story.python(f"strips[{name!r}].restrip.values = {values!r}")


def click(story: Any, frame: float, channel: float, modifier: str = "") -> None:
    """Click a strip."""
    story.point_at(frame, channel)
    if modifier:
        story.desk.keys("keydown", modifier)
    story.desk.keys("click", "1")
    if modifier:
        story.desk.keys("keyup", modifier)


def select(story: Any, *names: str) -> None:
    """Select these strips, the first as the active one."""
    story.python(
        f"""
for strip in strips.values():
    strip.select = strip.name in {names!r}
scene.sequence_editor.active_strip = strips[{names[0]!r}]
"""
    )
