"""What the extension makes of strips."""

import bpy
import scenes

from restrip.client.job import clip_to_json


def movie(
    path: str,
    media: dict,
    folder: str,
    fps: int = 25,
    trim=(0, 0),
    stretch: bool = False,
    hide: int = 0,
    size=(320, 180),
) -> dict:
    """A trimmed movie strip as the extension reads it, and the frames that Blender shows of it."""
    scene = scenes.empty_scene(fps, size)
    strip = scenes.add_stretched(scene, path, 5) if stretch else scenes.add(scene, path, 5)
    if hide:
        strip.animation_offset_start = hide
    vse, clip = scenes.addon("timeline.vse"), scenes.addon("timeline.clip")
    span = vse.span_of(strip)
    vse.set_span(strip, vse.FrameRange(span.first + trim[0], span.end - trim[1]))
    facts = clip.facts_of(scene, strip)
    shown = vse.span_of(strip)
    pictures = scenes.render(scene, shown, folder)
    return {
        "clip": clip_to_json(clip.clip_of(facts, media)),
        "reasons": facts.reasons,
        "pictures": pictures,
        "span": [shown.first, shown.end],
    }


def pictures(paths: list, trim=(0, 0)) -> dict:
    scene = scenes.empty_scene()
    strip = scenes.top(scene).new_image(name="stills", filepath=paths[0], channel=2, frame_start=3)
    for path in paths[1:]:
        strip.elements.append(path.rpartition("/")[2])
    vse, clip = scenes.addon("timeline.vse"), scenes.addon("timeline.clip")
    end = 3 + (len(paths) if len(paths) > 1 else 10)
    vse.set_span(strip, vse.FrameRange(3 + trim[0], end - trim[1]))
    return clip_to_json(clip.clip_of(clip.facts_of(scene, strip), {}))


def reasons(path: str) -> dict:
    """Why each kind of change needs a render, one at a time."""
    scene = scenes.empty_scene()
    clip, vse = scenes.addon("timeline.clip"), scenes.addon("timeline.vse")
    told = {}

    def look(name: str, change) -> None:
        strip = scenes.add(scene, path)
        change(strip)
        told[name] = list(clip.facts_of(scene, clip.subject_of(scene, strip)).reasons)
        for other in list(scenes.top(scene)):
            if other.type not in ("MOVIE", "META"):
                scenes.top(scene).remove(other)
        for other in list(scenes.top(scene)):
            scenes.top(scene).remove(other)
        scene.animation_data_clear()

    def effect(strip) -> None:
        vse.strips_of(scene.sequence_editor)
        known = scenes.top(scene).bl_rna.functions["new_effect"].parameters.keys()
        first = "input1" if "input1" in known else "seq1"
        scenes.top(scene).new_effect(name="speed", type="SPEED", channel=2, frame_start=1, **{first: strip})

    look("plain", lambda strip: None)
    look("faded", lambda strip: strip.keyframe_insert("blend_alpha", frame=3))
    look("reversed", lambda strip: setattr(strip, "use_reverse_frames", True))
    look("strobe", lambda strip: setattr(strip, "strobe", 3))
    look("cropped", lambda strip: setattr(strip.crop, "min_x", 8))
    look("colour", lambda strip: setattr(strip, "color_saturation", 0.5))
    look("moving", lambda strip: strip.transform.keyframe_insert("offset_x", frame=3))
    look("held", lambda strip: vse.set_span(strip, vse.FrameRange(1, vse.span_of(strip).end + 5)))
    look("effect", effect)
    return told


def missing(folder: str) -> str:
    scene = scenes.empty_scene()
    strip = scenes.top(scene).new_movie(name="gone", filepath=folder + "/gone.mp4", channel=1, frame_start=1)
    try:
        scenes.addon("timeline.clip").facts_of(scene, strip)
    except scenes.addon("timeline.clip").NothingToStylize as error:
        return str(error)
    return ""


assert bpy
