"""One frame in the strip's look before the job, for every kind of look, beside what it was: A/B in a window.

A  source        |  B  look          dragging moves the line; holding A shows the source alone
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Any, ClassVar

import bpy
from bpy.props import BoolProperty

from restrip.client.job import JobSpec, clip_to_json
from restrip.errors import RestripError
from restrip.timeline import FrameRange

from .. import jobs, previews, values
from ..engine import requests, submit
from ..live_job import LiveJob
from ..timeline import clip, vse
from . import operators, seeds

SHEET = "Restrip Preview"
HELP = "Drag: move the line between source and look    Hold A: source    Esc: done"


@dataclass
class Pair:
    """The two pictures, RGBA as Blender has them, bottom row first, and the part of the width that shows the source."""

    size: tuple[int, int]
    source: array[float]
    look: array[float]
    split: float = 0.5


_pair: Pair | None = None


class RESTRIP_OT_preview_frame(operators.Poll, bpy.types.Operator):
    """Make the frame under the playhead in this look, and compare it with the source"""

    bl_idname = "restrip.preview_frame"
    bl_label = "Preview Frame"
    bl_options: ClassVar[set[str]] = {"REGISTER"}

    window: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def why_not(cls, context: Any) -> str:
        """The playhead on the strip."""
        reason = super().why_not(context)
        if reason:
            return reason
        on = vse.edited_scene(context).frame_current in vse.span_of(operators.sources(context)[0])
        return "" if on else "Put the playhead on the strip"

    def execute(self, context: Any) -> set[str]:
        """Ask the engine, and open the window that it fills."""
        scene = vse.edited_scene(context)
        try:
            ask(scene, operators.sources(context)[0])
        except RestripError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if self.window and not bpy.app.background:
            open_window(context)
        return {"FINISHED"}


def ask(scene: Any, strip: Any) -> None:
    """Have the frame under the playhead made. Raises NothingToStylize, NoLook."""
    request, frame = requests.request_of(scene, strip), scene.frame_current
    name, key = f"Preview of {strip.name}", previews.mix_key(vse.base_of(strip).name, _look(request))

    def shown(facts: clip.StripFacts) -> None:
        submit.spec_of("preview", request, facts, described, lambda error: jobs.fail_unstarted(name, error))

    def described(spec: JobSpec) -> None:
        key_at = next((made for made in request.keys if made.frame == frame - spec.clip.timeline_start), None)
        given = {
            "source": clip_to_json(spec.clip),
            "frame": frame - spec.clip.timeline_start,
            "look": spec.look,
            "settings": dict(spec.settings),
            "count": 1,
            "prompt": key_at.prompt if key_at is not None else None,
        }
        jobs.follow_interactive("seeds", given, name, came, None, again)

    def again() -> None:
        found = requests.strip_of(request)
        if found[1] is not None:
            found[0].frame_set(frame)
            ask(*found)

    def came(job: LiveJob) -> None:
        found = job.status.result or {}
        pictures = found.get("pictures") or [{}]
        job.stage, job.message = "placed", f"Frame {frame} in this look."
        compare(str(found.get("source", "")), str(pictures[0].get("file", "")), key)

    submit.pictured(scene, strip, name, FrameRange(frame, frame + 1), shown)


def _look(request: requests.StripRequest) -> str:
    return str(values.own(request.values, "look.neural"))


def compare(source: str, look: str, key: str) -> None:
    """Take the two pictures' files, and show them wherever the comparison is open."""
    global _pair
    if not source or not look:
        return
    first = bpy.data.images.load(look)
    size = tuple(first.size)
    made = pixels_of(first)
    second = bpy.data.images.load(source)
    if tuple(second.size) != size:
        second.scale(*size)
    _pair = Pair((size[0], size[1]), pixels_of(second), made)
    bpy.data.images.remove(second)
    bpy.data.images.remove(first)
    with open(look, "rb") as file:
        previews.newest(key, file.read(), ".png")
    sheet = blank(size[0], size[1])
    show(sheet, _pair.split)
    seeds.fit(sheet)


def pixels_of(image: Any) -> array[float]:
    """An image's pixels."""
    width, height = image.size
    pixels = array("f", bytes(16 * width * height))
    image.pixels.foreach_get(pixels)
    return pixels


def blank(width: int, height: int) -> Any:
    """The image that is shown, in this size."""
    sheet = bpy.data.images.get(SHEET)
    if sheet is None:
        return bpy.data.images.new(SHEET, width, height)
    if tuple(sheet.size) != (width, height):
        sheet.scale(width, height)
    return sheet


def split_pixels(pair: Pair, part: float) -> array[float]:
    """The source in the left `part` of the width, the look in the rest, and a white line between."""
    width, height = pair.size
    column = max(0, min(width, round(part * width)))
    both = array("f", pair.look)
    for row in range(height):
        at = 4 * row * width
        both[at : at + 4 * column] = pair.source[at : at + 4 * column]
        if 0 < column < width:
            both[at + 4 * column : at + 4 * column + 4] = array("f", (1.0, 1.0, 1.0, 1.0))
    return both


def show(sheet: Any, part: float) -> None:
    """Put the comparison onto the image."""
    if _pair is not None and tuple(sheet.size) == _pair.size:
        sheet.pixels.foreach_set(split_pixels(_pair, part))
        sheet.update()


def open_window(context: Any) -> None:
    """A window with the comparison, unless one is open."""
    sheet = bpy.data.images.get(SHEET) or blank(*vse.size_of(vse.edited_scene(context)))
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "IMAGE_EDITOR" and area.spaces.active.image == sheet:
                return
    seeds.open_window(context, sheet, "compare")


class RESTRIP_OT_compare(bpy.types.Operator):
    """Drag to move the line between source and look; hold A for the source; Esc leaves"""

    bl_idname = "restrip.compare"
    bl_label = "Compare with the Source"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    def invoke(self, context: Any, event: Any) -> set[str]:
        """Wait in the window."""
        self.held = False
        context.area.header_text_set(HELP)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Any, event: Any) -> set[str]:
        """A drag or the key A compares; everything else is the editor's."""
        area, sheet = context.area, bpy.data.images.get(SHEET)
        if area is None or area.type != "IMAGE_EDITOR" or sheet is None:
            return {"CANCELLED"}
        if event.type == "ESC":
            area.header_text_set(None)
            return {"CANCELLED"}
        if event.type == "A" and _pair is not None:
            show(sheet, _pair.split if event.value == "RELEASE" else 1.0)
            return {"RUNNING_MODAL"}
        if event.type == "LEFTMOUSE":
            self.held = event.value == "PRESS" and self.place(area, event) is not None
        if _pair is not None and self.held and event.type in ("LEFTMOUSE", "MOUSEMOVE"):
            place = self.place(area, event)
            if place is not None:
                _pair.split = place
                show(sheet, place)
            return {"RUNNING_MODAL"}
        return {"PASS_THROUGH"}

    @staticmethod
    def place(area: Any, event: Any) -> float | None:
        """Where the mouse is on the picture, 0 at its left edge and 1 at its right; None outside the editor."""
        region = next(region for region in area.regions if region.type == "WINDOW")
        x, y = event.mouse_x - region.x, event.mouse_y - region.y
        if not (0 <= x < region.width and 0 <= y < region.height):
            return None
        return float(min(1.0, max(0.0, region.view2d.region_to_view(x, y)[0])))


_register, _unregister = bpy.utils.register_classes_factory((RESTRIP_OT_preview_frame, RESTRIP_OT_compare))


def register() -> None:
    """Make the operators known."""
    _register()


def unregister() -> None:
    """Forget them, and the pictures."""
    global _pair
    _pair = None
    _unregister()
