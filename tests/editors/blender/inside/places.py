"""Results on the timeline."""

import scenes

from restrip.client.job import Manifest
from restrip.errors import RestripError


def two_keys(
    manifest: dict,
    source: str,
    folder: str,
    start: int = 101,
    trim=(0, 0),
    over: int = 2,
    crowd=(),
    look=(),
    size=(320, 180),
    shift: int = 0,
    fade=(),
) -> dict:
    """Place a result over a strip of `source` on channel `over`, with other strips on the channels of `crowd`."""
    scene = scenes.empty_scene(size=size)
    vse, place, ties = scenes.addon("timeline.vse"), scenes.addon("timeline.place"), scenes.addon("timeline.ties")
    read = Manifest.from_json(manifest)
    strip = scenes.add(scene, source, start, over)
    span = vse.FrameRange(start + trim[0], start + read.clip.length - trim[1])
    vse.set_span(strip, span)
    for name, value in look:
        owner, _, last = name.rpartition(".")
        setattr(getattr(strip, owner) if owner else strip, last, value)
    for frame, value in fade:
        strip.blend_alpha = value
        strip.keyframe_insert("blend_alpha", frame=frame)
    for channel in crowd:
        scenes.add(scene, source, start + read.clip.length - 1, channel, name=f"other {channel}")
    before = scenes.strips(scene)
    spot = place.Spot(scene.sequence_editor, start + shift, span, over, strip)
    try:
        meta = place.place(read, spot, vse.size_of(scene))
    except RestripError as error:
        return {"error": error.code, "unchanged": scenes.strips(scene) == before}
    ties.hide(strip)
    muted = [other.name for other in scenes.top(scene) if other.mute]
    others = {other.name: other.channel for other in scenes.top(scene) if other.name.startswith("other")}
    for other in list(scenes.top(scene)):
        if other.name.startswith("other"):
            scenes.top(scene).remove(other)
    inner = {inner.name: inner for inner in vse.strips_of(meta)}
    transform = inner["key 1"].transform
    return {
        "meta": meta.name,
        "muted": muted,
        "others": others,
        "blend": [meta.blend_type, round(meta.blend_alpha, 3), meta.color_tag],
        "transform": [round(value, 4) for value in (transform.scale_x, transform.scale_y, transform.offset_x)],
        "flip": inner["key 1"].use_flip_x,
        "rotation": round(transform.rotation, 4),
        "turns": vse.turns_movies(),
        "selected": [other.name for other in scenes.top(scene) if other.select],
        "strips": scenes.strips(scene),
        "handles": [inner["key 1"].frame_offset_end, inner["key 2"].frame_offset_start],
        "pictures": scenes.render(scene, span, folder),
    }
