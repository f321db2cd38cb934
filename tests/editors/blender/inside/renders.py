"""Strips rendered through the sequencer by a second Blender."""

import time
from pathlib import Path

import scenes


def through(path: str, other: str, folder: str, kind: str) -> dict:
    """Render a changed strip twice: by the extension, and here with everything else deleted."""
    scene = scenes.empty_scene()
    scene.view_settings.exposure = 2.0
    scene.view_settings.view_transform = "AgX"
    scene.render.resolution_percentage = 50
    vse, clip, rendering = (scenes.addon(name) for name in ("timeline.vse", "timeline.clip", "timeline.rendering"))
    strip = scenes.add(scene, path, 1, 1, "shot")
    vse.set_span(strip, vse.FrameRange(11, 21))
    over = scenes.add(scene, other, 1, 5, "over")
    over.blend_type = "REPLACE"
    subject = change(scene, strip, other, kind)
    span = vse.FrameRange(vse.span_of(subject).first, vse.span_of(subject).first + 6)
    facts = clip.facts_of(scene, subject)
    before = settings(scene)
    first = rendered(rendering, scene, subject, span)
    assert settings(scene) == before
    assert not over.mute
    # And once more: the same pictures are the same files.
    again = rendered(rendering, scene, subject, span)
    left = [path.name for path in rendering.renders_folder().iterdir() if path.name.startswith("aside")]
    vse.remove(scene.sequence_editor, over)
    scene.view_settings.exposure = 0.0
    scene.view_settings.view_transform = "Standard"
    scene.render.resolution_percentage = 100
    scene.animation_data_clear()
    subject.blend_alpha = 1.0
    return {
        "reasons": facts.reasons,
        "paths": first.get("paths"),
        "failed": first.get("failed"),
        "parts": first["parts"],
        "again": again.get("paths"),
        "left": left,
        "expected": scenes.render(scene, span, folder),
    }


def rendered(rendering, scene, strip, span) -> dict:
    """What the second Blender tells until it is done."""
    told: dict = {"parts": []}
    teller = rendering.Teller(
        told["parts"].append, lambda paths: told.update(paths=paths), lambda log: told.update(failed=log)
    )
    rendering.begin(scene, strip, span, (False, True), teller)
    end = time.monotonic() + 120
    while len(told) == 1 and time.monotonic() < end:
        rendering.tick()
        time.sleep(0.02)
    return told


def settings(scene) -> list:
    """What the user's render settings are."""
    render, view = scene.render, scene.view_settings
    return [
        render.filepath,
        render.resolution_percentage,
        render.image_settings.file_format,
        render.dither_intensity,
        view.view_transform,
        view.exposure,
        scene.frame_current,
        [strip.mute for strip in scenes.top(scene)],
    ]


def see_through(paths: list[str]) -> list[bool]:
    """Which pictures are less than opaque."""
    scenes.empty_scene()
    known = scenes.addon("timeline.render_strip")
    return [known.transparent(Path(path)) for path in paths]


def change(scene, strip, other: str, kind: str):
    vse = scenes.addon("timeline.vse")
    if kind == "crop":
        strip.crop.min_x = 80
    elif kind == "effect":
        known = scenes.top(scene).bl_rna.functions["new_effect"].parameters.keys()
        first = "input1" if "input1" in known else "seq1"
        made = scenes.top(scene).new_effect(
            name="soft", type="GAUSSIAN_BLUR", channel=2, frame_start=11, **{first: strip}
        )
        made.size_x = made.size_y = 20
        return scenes.addon("timeline.clip").subject_of(scene, strip)
    elif kind == "fade":
        strip.crop.min_x = 80
        for frame, value in ((11, 0.0), (16, 1.0)):
            strip.blend_alpha = value
            strip.keyframe_insert("blend_alpha", frame=frame)
    elif kind == "meta":
        meta = vse.add_meta(scene.sequence_editor, "group", 2, 31)
        a = vse.add_movie(meta, "a", strip.filepath, 1, 31)
        b = vse.add_movie(meta, "b", other, 2, 41)
        vse.set_span(a, vse.FrameRange(31, 46))
        vse.set_span(b, vse.FrameRange(41, 60))
        vse.add_cross(meta, "x", 3, (a, b), vse.FrameRange(41, 46))
        vse.close_meta(meta, vse.FrameRange(39, 55))
        return meta
    return strip
