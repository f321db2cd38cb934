"""What editors do to strips that have a result: cut, copy, group, move, rename; and whose result is whose then."""

import random

import bpy
import landing
import scenes
from landing import CANVAS
from line import select, sequencer_context

from restrip.client.job import KeyResult, Manifest, StripFile
from restrip.timeline import ClipRange, Crossfade, FrameRange, Key, Rate


def modules():
    return (scenes.addon(name) for name in ("timeline.vse", "timeline.results", "timeline.ties", "timeline.takes"))


def begin(movie: str, name: str = "shot", start: int = 1, channel: int = 2):
    """A strip of 40 frames whose result, of another movie, is placed."""
    scene = bpy.context.scene
    vse = scenes.addon("timeline.vse")
    strip = vse.add_movie(scene.sequence_editor, name, movie, channel, start)
    vse.set_span(strip, FrameRange(start, start + 40))
    strip.transform.scale_x = strip.transform.scale_y = 0.3
    return strip


def give(source, movie: str, job: str = "job"):
    """Place a result for a strip as it is now; the meta strip."""
    results, vse = scenes.addon("timeline.results"), scenes.addon("timeline.vse")
    source.restrip.job, source.restrip.start = job, round(vse.content_start(source))
    return results.place_result(job, manifest(source, movie, job), None).meta


def manifest(source, movie: str, job: str) -> Manifest:
    vse = scenes.addon("timeline.vse")
    span, start = vse.span_of(source), round(vse.content_start(source))
    length, skipped = len(span), span.first - start
    clip = ClipRange((movie,), Rate.of(25), length, trim_in=skipped, timeline_start=span.first, name=source.name)
    held, half = FrameRange(-skipped, 100 - skipped), length // 2
    parts = (
        StripFile(0, held, FrameRange(0, half + 2), movie, ""),
        StripFile(1, held, FrameRange(half, length), movie, ""),
    )
    keys = (KeyResult(Key(0), "a.png"), KeyResult(Key(length - 1), "b.png"))
    fades = (Crossfade(0, 1, FrameRange(half, half + 2)),)
    return Manifest(job, "0", clip, CANVAS, "neural:1", {}, keys, parts, fades)


def told(scene) -> dict:
    """Every strip on the top level: channel, frames, muted, and the source of a result."""
    vse, results = scenes.addon("timeline.vse"), scenes.addon("timeline.results")
    found = {}
    for strip in vse.strips_of(scene.sequence_editor):
        span = vse.span_of(strip)
        found[strip.name] = [strip.channel, span.first, span.end, strip.mute]
        if strip.restrip.result_of:
            found[strip.name].append([source.name for source in results.sources_of(scene, strip)])
    return found


def copies(scene, strips, by: int, up: int = 0) -> list:
    """Strips as Shift+D leaves them: the same, moved."""
    vse = scenes.addon("timeline.vse")
    before = {strip.name for strip in vse.every_strip(scene)}
    for strip in vse.every_strip(scene):
        strip.select = strip in strips
    with sequencer_context(scene):
        bpy.ops.sequencer.duplicate()
    made = [strip for strip in vse.strips_of(scene.sequence_editor) if strip.name not in before]
    for strip in sorted(made, key=lambda strip: -strip.channel):
        if by:
            vse.move(strip, by)
    wanted = {strip.name: strip.channel + up for strip in strips}
    for strip in sorted(made, key=lambda strip: -strip.channel):
        strip.channel = wanted[strip.name.rpartition(".")[0]]
    return made


def cut(first: str, second: str) -> dict:
    """Source and result cut (K), the right half stylized again, then its result removed."""
    scene = landing_scene()
    _, _, ties, takes = modules()
    source, seen = begin(first), {}
    meta = give(source, second)
    right, right_meta = source.split(frame=21, split_method="SOFT"), meta.split(frame=21, split_method="SOFT")
    right.name, right_meta.name = "right", "right restyled"
    seen["cut"] = told(scene)
    ties.settle(scene)
    seen["ties"] = len({ties.tie_of(strip) for strip in (source, right)})
    again = give(right, first, "job 2")
    seen["again"] = told(scene)
    seen["same"] = again.name
    seen["takes"] = [[take["job"] for take in takes.listed(strip)] for strip in (meta, again)]
    select(scene, "right restyled")
    with sequencer_context(scene):
        bpy.ops.restrip.remove_result()
    seen["removed"] = told(scene)
    select(scene, "shot")
    with sequencer_context(scene):
        bpy.ops.restrip.remove_result()
    seen["both"] = told(scene)
    return seen


def cut_source(first: str, second: str) -> dict:
    """The source cut, the result not: one half stylized again, the other's result removed."""
    scene = landing_scene()
    source, seen = begin(first), {}
    give(source, second)
    right = source.split(frame=21, split_method="SOFT")
    right.name = "right"
    scenes.addon("timeline.ties").settle(scene)
    seen["cut"] = told(scene)
    give(right, first, "job 2")
    seen["again"] = told(scene)
    select(scene, "shot")
    with sequencer_context(scene):
        bpy.ops.restrip.remove_result()
    seen["removed"] = told(scene)
    return seen


def cut_result(first: str, second: str) -> dict:
    """The result cut and its right piece deleted, the source not: stylized again, what was trimmed stays trimmed."""
    scene = landing_scene()
    source, seen = begin(first), {}
    meta = give(source, second)
    middle = meta.split(frame=11, split_method="SOFT")
    end = middle.split(frame=31, split_method="SOFT")
    scenes.addon("timeline.vse").remove(scene.sequence_editor, middle)
    scenes.addon("timeline.ties").settle(scene)
    end.name = "end"
    give(source, first, "job 2")
    seen["again"] = told(scene)
    scenes.addon("timeline.vse").remove(scene.sequence_editor, end)
    scenes.addon("timeline.vse").set_span(meta, FrameRange(1, 9))
    source.restrip.job = "job 3"
    placed = scenes.addon("timeline.results").place_result("job 3", manifest(source, second, "job 3"), None)
    seen["trimmed"] = [told(scene), placed.note]
    return seen


def copied(first: str, second: str) -> dict:
    """Source and result copied beside, above, alone, and into another scene; renamed."""
    scene = landing_scene()
    vse, results, ties, _ = modules()
    source = begin(first)
    meta = give(source, second)
    copies(scene, [source, meta], 100)
    copies(scene, [source, meta], 0, up=5)
    alone = copies(scene, [source], 200)[0]
    ties.tick()
    seen = {"copied": told(scene), "alone": [alone.mute, alone.restrip.placed, alone.restrip.job]}
    source.name, meta.name = "renamed", "also renamed"
    results.remove(scene, meta)
    seen["removed"] = told(scene)
    for strip in vse.every_strip(scene):
        strip.select = strip.name.startswith("shot.001") or strip.name.startswith("shot restyled.001")
    other = bpy.data.scenes.new("other")
    with sequencer_context(scene):
        bpy.ops.sequencer.copy()
    edit(other)
    with sequencer_context(other):
        bpy.ops.sequencer.paste()
    ties.tick()
    seen["pasted"] = told(other)
    pasted = vse.strips_of(other.sequence_editor)
    results.remove(other, next(strip for strip in pasted if strip.restrip.result_of))
    seen["removed there"] = told(other)
    seen["still here"] = told(scene)
    return seen


def grouped(first: str, second: str) -> dict:
    """Source and result in a meta strip, which is cut; then each half's result removed."""
    scene = landing_scene()
    vse, results, ties, _ = modules()
    source = begin(first)
    meta = give(source, second)
    for strip in vse.every_strip(scene):
        strip.select = strip in (source, meta)
    with sequencer_context(scene):
        bpy.ops.sequencer.meta_make()
    group = next(strip for strip in vse.strips_of(scene.sequence_editor) if strip.type == "META")
    right = group.split(frame=21, split_method="SOFT")
    ties.settle(scene)
    inner = {strip.name: strip for strip in vse.strips_of(right)}
    mine = next(strip for strip in inner.values() if strip.restrip.result_of)
    seen = {"sources": [name in inner for name in [results.source_of(scene, mine).name]]}
    results.remove(scene, mine)
    seen["muted"] = [sorted([strip.type, strip.mute] for strip in vse.strips_of(owner)) for owner in (group, right)]
    return seen


def deleted(first: str, second: str) -> dict:
    """A result deleted by hand: its source is seen again, and what the editor muted stays muted."""
    scene = landing_scene()
    vse, _, ties, _ = modules()
    source, hidden = begin(first), begin(first, "hidden", 101)
    hidden.mute = True
    metas = give(source, second), give(hidden, second, "job 2")
    ties.tick()
    seen = {"placed": told(scene)}
    for meta in metas:
        vse.remove(scene.sequence_editor, meta)
    ties.tick()
    seen["deleted"] = told(scene)
    return seen


def transition(first: str, second: str) -> dict:
    """A dissolve between two strips works on the result, and on the source again when that is removed."""
    scene = landing_scene()
    vse, results, _, _ = modules()
    source, next_ = begin(first), begin(first, "next", 31, 3)
    vse.add_cross(scene.sequence_editor, "dissolve", 4, (source, next_), FrameRange(31, 41))

    def inputs() -> list:
        effect = next(strip for strip in vse.every_strip(scene) if strip.name == "dissolve")
        return [strip.name for strip in vse.inputs_of(effect)] + [effect.channel, *span(vse, effect)]

    seen = [inputs()]
    meta = give(source, second)
    seen.append(inputs())
    give(next_, second, "job 2")
    seen.append(inputs())
    results.remove(scene, meta)
    seen.append(inputs())
    return {"inputs": seen, "strips": told(scene)}


def speed(first: str, second: str) -> dict:
    """Remove Result with a Speed effect on the source, on the result, and added to the source later."""
    scene = landing_scene()
    vse = scenes.addon("timeline.vse")
    seen = {}
    for number, name in enumerate(("before", "on the result", "later")):
        source = begin(first, name, 1 + 100 * number)
        if name == "before":
            source = scenes.effect(scene, "speed before", "SPEED", source, 3)
        meta = give(source, second, name)
        if name != "before":
            scenes.effect(scene, f"speed {name}", "SPEED", meta if name == "on the result" else source, 9)
        select(scene, {"before": "before", "on the result": "speed on the result", "later": "speed later"}[name])
        before = told(scene)
        with sequencer_context(scene):
            assert bpy.ops.restrip.remove_result() == {"FINISHED"}, name
        seen[name] = [sorted(before), told(scene)]
        for strip in [strip for strip in vse.every_strip(scene) if vse.inputs_of(strip)]:
            vse.remove(scene.sequence_editor, strip)
        for strip in list(vse.strips_of(scene.sequence_editor)):
            vse.remove(scene.sequence_editor, strip)
    return seen


def versions(first: str, second: str) -> dict:
    """Three takes: what the editor did inside and to the result stays; back and forth."""
    scene = landing_scene()
    vse, results, _, takes = modules()
    source = begin(first)
    meta = give(source, second)
    meta.channel, meta.blend_alpha = 7, 0.5
    title = landing.box(meta, "title", 9, FrameRange(5, 15), random.Random(1))
    title.mute = False
    key = takes.shown(meta)[0]
    key.color_saturation = 0.5
    give(source, first, "job 2")
    give(source, second, "job 3")
    seen = {"one": told(scene)["shot restyled"], "alpha": meta.blend_alpha}

    def inside() -> list:
        return sorted([strip.name, strip.channel, strip.mute] for strip in vse.strips_of(meta))

    seen["inside"] = inside()
    seen["jobs"] = sorted({takes.job_of(meta, strip) for strip in vse.strips_of(meta)})
    seen["note"] = results.show_take(scene, meta, 1)
    seen["back"], seen["job"] = inside(), [meta.restrip.result_of, source.restrip.placed]
    seen["kept"] = next(s for s in vse.strips_of(meta) if s.name == "key 1").color_saturation
    seen["said"] = [takes.said(take)[:8] for take in takes.listed(meta)]
    takes.forget(meta, 2)
    seen["forgotten"] = [[take["take"] for take in takes.listed(meta)], inside()]
    for number in range(45):
        give(source, first, f"job {number + 4}")
    seen["many"] = [len(takes.listed(meta)) < 45, max(strip.channel for strip in vse.strips_of(meta)) <= 128]
    return seen


def meanwhile(first: str, second: str) -> dict:
    """Cut, or copied, before the result came."""
    scene = landing_scene()
    vse, results, ties, _ = modules()
    source = begin(first)
    source.restrip.job, source.restrip.start = "job", round(vse.content_start(source))
    made = manifest(source, second, "job")
    right = source.split(frame=21, split_method="SOFT")
    right.name = "right"
    copy = copies(scene, [source], 100)[0]
    copy.name = "copy"
    results.place_result("job", made, None)
    ties.tick()
    return {"strips": told(scene), "copy waits": copy.restrip.job}


def landing_scene():
    """The edited scene, empty and small."""
    scene = scenes.empty_scene(size=CANVAS)
    landing.clear(scene)
    return scene


def span(vse, strip) -> list:
    held = vse.span_of(strip)
    return [held.first, held.end]


def edit(scene) -> None:
    """Make a scene the edited one."""
    scene.sequence_editor_create()
    bpy.context.window.scene = scene
    if hasattr(bpy.context.workspace, "sequencer_scene"):
        bpy.context.workspace.sequencer_scene = scene


STORIES = (cut, cut_source, cut_result, copied, grouped, deleted, transition, speed, versions, meanwhile)


def everything(first: str, second: str) -> dict:
    """All stories, one after the other in one Blender."""
    seen = {}
    for story in STORIES:
        edit(bpy.data.scenes[0])
        seen[story.__name__] = story(first, second)
    return seen
