"""Try seeds: one frame in several seeds on a contact sheet, in a window of its own; a click or a number picks one."""

import math
from array import array
from typing import Any, ClassVar

import bpy
from bpy.props import IntProperty, StringProperty

from restrip.client.job import JobSpec, clip_to_json
from restrip.errors import RestripError
from restrip.timeline import FrameRange

from .. import jobs, previews, values
from ..engine import requests, schema, submit
from ..live_job import LiveJob
from ..timeline import clip, vse
from . import operators

SHEET = "Restrip Seeds"
SETTING = "seed"
_wanted = 9
"""How many pictures the sheet is for."""
DIGITS = ("ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE")


class RESTRIP_OT_seeds(operators.Poll, bpy.types.Operator):
    """Make the frame under the playhead in several seeds, to choose one for the strip"""

    bl_idname = "restrip.seeds"
    bl_label = "Try Seeds"
    bl_options: ClassVar[set[str]] = {"REGISTER"}

    count: IntProperty(name="How many", min=1, max=100, default=9)

    @classmethod
    def why_not(cls, context: Any) -> str:
        """A look with seeds, and the playhead on the strip."""
        reason = super().why_not(context)
        if reason:
            return reason
        strip = operators.sources(context)[0]
        family = values.own(schema.values_of(strip), "look.family")
        if not any(s.key == SETTING and (not s.looks or family in s.looks) for s in schema.current()):
            return "This look has no seeds: choose Stable Diffusion"
        if vse.edited_scene(context).frame_current not in vse.span_of(strip):
            return "Put the playhead on the strip"
        return ""

    def execute(self, context: Any) -> set[str]:
        """Ask the engine, and open the window that fills up."""
        scene = vse.edited_scene(context)
        strip = operators.sources(context)[0]
        try:
            ask(scene, strip, self.count)
        except RestripError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if not bpy.app.background:
            open_window(context, blank_sheet(self.count))
        return {"FINISHED"}


def ask(scene: Any, strip: Any, count: int) -> None:
    """Hand the job in for the frame under the playhead; its pictures come one by one. Raises NothingToStylize."""
    global _wanted
    _wanted = count
    request, frame = requests.request_of(scene, strip), scene.frame_current
    name = f"Seeds for {strip.name}"

    def shown(facts: clip.StripFacts) -> None:
        submit.spec_of("seeds", request, facts, described, lambda error: jobs.fail_unstarted(name, error))

    def described(spec: JobSpec) -> None:
        given = {
            "source": clip_to_json(spec.clip),
            "frame": frame - spec.clip.timeline_start,
            "look": spec.look,
            "settings": dict(spec.settings),
            "count": count,
        }
        jobs.follow_interactive("seeds", given, name, came, request, again)

    def again() -> None:
        found = requests.strip_of(request)
        if found[1] is not None:
            found[0].frame_set(frame)
            ask(*found, count)

    def came(job: LiveJob) -> None:
        found = job.status.result or {}
        job.seeds = tuple(int(picture["seed"]) for picture in found.get("pictures", ()))
        job.stage, job.message = "placed", "Pick a seed: click one, or press its number."
        show_sheet(str(found.get("sheet", "")))

    submit.pictured(scene, strip, name, FrameRange(frame, frame + 1), shown)


def picture_came(job: LiveJob, jpeg: bytes, seed: int) -> None:
    """One more picture of the sheet."""
    if seed not in job.seeds:
        job.seeds = (*job.seeds, seed)
    previews.newest(picture_key(job, seed), jpeg)
    path = previews.path_of(picture_key(job, seed))
    if path and SHEET in bpy.data.images:
        put_on_sheet(bpy.data.images[SHEET], path, len(job.seeds) - 1, _wanted)


def picture_key(job: LiveJob, seed: int) -> str:
    """The name of a seed's small picture."""
    return f"{job.job_id} {seed}"


def grid(count: int) -> tuple[int, int]:
    """Columns and rows of a sheet, as the engine lays it out."""
    columns = math.ceil(math.sqrt(count))
    return columns, math.ceil(count / columns)


def cell_at(x: float, y: float, count: int) -> int | None:
    """The cell at a place of the sheet, (0, 0) at the bottom left and (1, 1) at the top right; None outside."""
    columns, rows = grid(count)
    if not (0 <= x < 1 and 0 <= y < 1):
        return None
    index = int((1 - y) * rows) * columns + int(x * columns)
    return index if index < count else None


def blank_sheet(count: int) -> Any:
    """An image datablock with room for so many pictures."""
    old = bpy.data.images.get(SHEET)
    if old is not None:
        bpy.data.images.remove(old)
    columns, rows = grid(count)
    return bpy.data.images.new(SHEET, columns * 256, rows * 144)


def put_on_sheet(sheet: Any, path: str, index: int, count: int) -> None:
    """Copy a small picture into its cell; a sheet of other proportions is made anew for the first one."""
    small: Any = bpy.data.images.load(path)
    try:
        width, height = small.size
        columns, rows = grid(count)
        if tuple(sheet.size) != (columns * width, rows * height):
            sheet.scale(columns * width, rows * height)
            fit(sheet)
        pixels = array("f", bytes(4 * 4 * width * height))
        small.pixels.foreach_get(pixels)
        whole = array("f", bytes(4 * 4 * columns * width * rows * height))
        sheet.pixels.foreach_get(whole)
        left, bottom = index % columns * width, (rows - 1 - index // columns) * height
        for row in range(height):
            at = 4 * ((bottom + row) * columns * width + left)
            whole[at : at + 4 * width] = pixels[4 * row * width : 4 * (row + 1) * width]
        sheet.pixels.foreach_set(whole)
        sheet.update()
    finally:
        bpy.data.images.remove(small)


def show_sheet(path: str) -> None:
    """The finished sheet, with the seeds written under the pictures."""
    sheet = bpy.data.images.get(SHEET)
    if sheet is not None and path:
        sheet.source, sheet.filepath = "FILE", path
        sheet.reload()
        fit(sheet)


def fit(sheet: Any) -> None:
    """Show the whole sheet wherever it is open."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "IMAGE_EDITOR" and area.spaces.active.image == sheet:
                region = next(region for region in area.regions if region.type == "WINDOW")
                with bpy.context.temp_override(window=window, area=area, region=region):
                    bpy.ops.image.view_all(fit_view=True)


def open_window(context: Any, sheet: Any, operator: str = "pick_from_sheet") -> None:
    """A window with a picture in an image editor, and one of the operators at work in it: waiting for a click."""
    bpy.ops.wm.window_new()
    window = context.window_manager.windows[-1]
    area = window.screen.areas[0]
    area.type = "IMAGE_EDITOR"
    area.spaces.active.image = sheet
    region = next(region for region in area.regions if region.type == "WINDOW")
    with context.temp_override(window=window, area=area, region=region):
        bpy.ops.image.view_all(fit_view=True)
        getattr(vse.own_operators(), operator)("INVOKE_DEFAULT")


def newest_job() -> LiveJob | None:
    """The job whose sheet is shown."""
    with_seeds = [job for job in jobs.board().jobs.values() if job.seeds]
    return with_seeds[-1] if with_seeds else None


def pick(job: LiveJob, seed: int) -> bool:
    """Write a seed to the strip that it was tried on; False when that strip is gone."""
    assert job.request is not None
    scene = bpy.data.scenes.get(job.request.origin.scene)
    strip = next((s for s in vse.every_strip(scene) if s.name == job.request.origin.strip), None) if scene else None
    if strip is None:
        return False
    vse.base_of(strip).restrip.values = values.written({**schema.values_of(strip), SETTING: seed})
    job.message, job.picked = f"Seed {seed} is set.", True
    return True


class RESTRIP_OT_pick_seed(bpy.types.Operator):
    """Use this seed for the strip"""

    bl_idname = "restrip.pick_seed"
    bl_label = "Use This Seed"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    job_id: StringProperty(options={"HIDDEN", "SKIP_SAVE"})
    # A text, because seeds go beyond Blender's whole numbers.
    seed: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def execute(self, context: Any) -> set[str]:
        """Set it."""
        job = jobs.board().jobs.get(self.job_id)
        if job is None or not pick(job, int(self.seed)):
            self.report({"WARNING"}, "The strip is gone")
            return {"CANCELLED"}
        vse.redraw(context)
        return {"FINISHED"}


class RESTRIP_OT_pick_from_sheet(bpy.types.Operator):
    """Click a picture or press its number; Esc leaves"""

    bl_idname = "restrip.pick_from_sheet"
    bl_label = "Pick a Seed"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    def invoke(self, context: Any, event: Any) -> set[str]:
        """Wait in the sheet's window."""
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Any, event: Any) -> set[str]:
        """A click or a digit picks; everything else is the editor's."""
        area = context.area
        if area is None or area.type != "IMAGE_EDITOR" or event.type == "ESC":
            return {"CANCELLED"}
        job = newest_job()
        if event.value != "PRESS" or job is None:
            return {"PASS_THROUGH"}
        index = self.index_of(context, event, len(job.seeds))
        if index is None or index >= len(job.seeds):
            return {"PASS_THROUGH"}
        vse.own_operators().pick_seed(job_id=job.job_id, seed=str(job.seeds[index]))
        self.report({"INFO"}, job.message)
        if len(context.window_manager.windows) > 1:
            bpy.ops.wm.window_close()
        return {"FINISHED"}

    @staticmethod
    def index_of(context: Any, event: Any, count: int) -> int | None:
        """Which picture was meant."""
        if event.type in DIGITS:
            return DIGITS.index(event.type)
        if event.type != "LEFTMOUSE":
            return None
        region = next(region for region in context.area.regions if region.type == "WINDOW")
        x, y = region.view2d.region_to_view(event.mouse_x - region.x, event.mouse_y - region.y)
        return cell_at(x, y, count)


def draw(layout: Any, job: LiveJob) -> None:
    """The pictures that came, each with a button that picks it."""
    flow = layout.grid_flow(row_major=True, columns=3, even_columns=True, even_rows=True, align=True)
    for number, seed in enumerate(job.seeds, 1):
        cell = flow.column(align=True)
        icon = previews.icon(picture_key(job, seed))
        if icon:
            cell.template_icon(icon_value=icon, scale=4.0)
        button = cell.operator("restrip.pick_seed", text=f"{number}: {seed}")
        button.job_id, button.seed = job.job_id, str(seed)


CLASSES = (RESTRIP_OT_seeds, RESTRIP_OT_pick_seed, RESTRIP_OT_pick_from_sheet)

_register, _unregister = bpy.utils.register_classes_factory(CLASSES)


def register() -> None:
    """Make the operators known."""
    _register()
    jobs.on_picture[:] = [picture_came]


def unregister() -> None:
    """Forget them."""
    jobs.on_picture.clear()
    _unregister()
