"""A draft on the timeline, pulled at, and rendered in full."""

import bpy
import line
import scenes


def draft_then_full(path: str, values: dict, size, folder: str) -> dict:
    """A strip as a draft; a fade and an end of the result are moved; then Render in Full, and the draft shown again."""
    scene = scenes.empty_scene(30, size)
    vse, operators = scenes.addon("timeline.vse"), scenes.addon("ui.operators")
    results, read = scenes.addon("timeline.results"), scenes.addon("values").read
    strip = scenes.add(scene, path, 1, 1, "shot")
    vse.set_span(strip, vse.FrameRange(1, 11))
    strip.transform.offset_x = 10
    for frame in (2, 8):
        scene.timeline_markers.new("K", frame=frame)
    told: dict = {}
    line.select(scene, "shot")
    told["before"] = operators.RESTRIP_OT_render_full.why_not(bpy.context)
    first = line.begin(scene, "shot", {**values, "draft": True})
    line.pump(lambda: first.stage == "placed")
    (meta,) = [other for other in scenes.top(scene) if other.restrip.result_of]

    def state() -> dict:
        shown = [inner for inner in vse.strips_of(meta) if not inner.mute]
        keys = [inner for inner in shown if inner.type == "MOVIE"]
        span = vse.span_of(meta)
        return {
            "name": meta.name,
            "colour": meta.color_tag,
            "inner colours": sorted({inner.color_tag for inner in shown}),
            "span": [span.first, span.end],
            "files": [bpy.path.basename(inner.filepath)[:6] for inner in keys],
            "sizes": [list(vse.media_size(inner)) for inner in keys],
            "area": [
                [round(side * by, 2), round(other * down, 2), inner.transform.offset_x]
                for inner in keys
                for (side, other), by, down in [
                    (vse.media_size(inner), inner.transform.scale_x, inner.transform.scale_y)
                ]
            ],
            "fade": line.fade_of(scene, next(inner.name for inner in shown if inner.type == "CROSS")),
        }

    told["draft"] = state()
    told["draft picture"] = scenes.render(scene, (5,), folder, "draft")
    pulled = next(inner for inner in vse.strips_of(meta) if inner.type == "CROSS")
    inner = vse.inputs_of(pulled)[0]
    vse.set_span(inner, vse.FrameRange(vse.span_of(inner).first, vse.span_of(inner).end - 1))
    vse.set_span(meta, vse.FrameRange(1, 10))
    told["pulled"] = state()
    line.select(scene, "shot")
    told["can"] = operators.RESTRIP_OT_render_full.why_not(bpy.context)
    with line.sequencer_context(scene):
        assert bpy.ops.restrip.render_full() == {"FINISHED"}
    full = list(scenes.addon("jobs").board().jobs.values())[-1]
    line.pump(lambda: full.stage == "placed")
    told["results"] = sum(bool(other.restrip.result_of) for other in scenes.top(scene))
    told["full"] = state()
    told["full picture"] = scenes.render(scene, (5,), folder, "full")
    told["asked"] = [made.manifest.facts.get("draft", {}).get("size") for made in (first, full)]
    told["settings"] = [dict(made.manifest.settings) for made in (first, full)]
    told["value"] = read(strip.restrip.values)["draft"]
    told["again"] = operators.RESTRIP_OT_render_full.why_not(bpy.context)
    meta.color_tag = "COLOR_09"
    results.show_take(scene, meta, 1)
    told["draft again"] = state()
    meta.color_tag = "COLOR_08"  # The editor's own: it stays.
    results.show_take(scene, meta, 2)
    told["full again"] = [meta.name, meta.color_tag]
    return told
