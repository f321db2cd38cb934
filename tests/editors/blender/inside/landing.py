"""Where results land: timelines by chance, each rendered before and after a result that looks like its source."""

import random
from pathlib import Path

import bpy
import numpy as np
import scenes

from restrip.client.job import KeyResult, Manifest, StripFile
from restrip.timeline import ClipRange, Crossfade, FrameRange, Key, Rate

CANVAS = (96, 54)
BLENDS = ("REPLACE", "ALPHA_OVER", "ALPHA_OVER", "ADD", "MULTIPLY", "OVERLAY")


def arrangements(movie: str, folder: str, seeds: list) -> list:
    """For each seed what went wrong, as words; nothing for one that is right."""
    return [[seed, wrong] for seed in seeds if (wrong := one(movie, folder, random.Random(seed)))]


def one(movie: str, folder: str, dice: random.Random) -> list:
    scene = scenes.empty_scene(size=CANVAS)
    clear(scene)
    vse, results = scenes.addon("timeline.vse"), scenes.addon("timeline.results")
    owner = scene.sequence_editor
    # Something always shows: with an empty sequence Blender renders the 3D scene.
    box(owner, "ground", 1, FrameRange(-50, 300), dice).mute = False
    if dice.random() < 0.2:
        owner = vse.add_meta(owner, "group", dice.randint(2, 4), 1)
    source = lay_source(vse, owner, movie, dice)
    surround(vse, owner, source, dice)
    if dice.random() < 0.2:
        transition(vse, owner, source, dice)
    paint_channels(owner, dice)
    if owner != scene.sequence_editor:
        vse.set_span(owner, FrameRange(1, 60))
    span = vse.span_of(source)
    frames = sorted({span.first, dice.randrange(span.first, span.end), span.end - 1})
    before, shown = facts(vse, owner), pictures(scene, frames, folder, "before")
    source.restrip.job = "job"
    source.restrip.start = round(vse.content_start(source))
    placed = results.place_result("job", manifest(vse, source, movie), None)
    after, now = facts(vse, owner), pictures(scene, frames, folder, "after")
    return list(faults(vse, owner, source, placed.meta, (before, after), (shown, now)))


def faults(vse, owner, source, meta, facts_of, pictures_of):
    before, after = facts_of
    if vse.span_of(meta) != vse.span_of(source):
        yield f"the result covers {vse.span_of(meta)}, the source {vse.span_of(source)}"
    channel = owner.channels[meta.channel]
    if channel.mute or channel.lock:
        yield "the result lies on a muted or locked channel"
    if {name: spans[0] for name, spans in before.items()} != {
        name: spans[0] for name, spans in after.items() if name != meta.name
    }:
        yield "other strips were moved or trimmed"
    pairs = [(a, b) for a in before for b in before if before[a][1] < before[b][1]]
    if not all(after[a][1] < after[b][1] for a, b in pairs):
        yield "the order of other strips changed"
    if any(before[name][2] != after[name][2] for name in before):
        yield "other strips came onto other channels' mutes or locks"
    for number, (shown, now) in enumerate(zip(*pictures_of, strict=True)):
        apart = np.abs(shown - now).max()
        if apart > 5 / 255:
            yield f"picture {number} differs by {apart * 255:.0f}"


def lay_source(vse, owner, movie: str, dice):
    source = vse.add_movie(owner, "shot", movie, dice.randint(2, 6), dice.randint(-10, 20))
    first = vse.span_of(source).first + dice.randint(0, 20)
    vse.set_span(source, FrameRange(max(2, first), max(2, first) + dice.randint(5, 25)))
    source.blend_type = dice.choice(BLENDS)
    source.blend_alpha = dice.choice((1.0, 1.0, 0.6))
    vse_size = vse.media_size(source)
    scale = CANVAS[0] / vse_size[0] * dice.choice((1.0, 1.0, 0.5, 1.3))
    source.transform.scale_x = source.transform.scale_y = scale
    source.transform.offset_x, source.transform.offset_y = dice.choice(((0, 0), (0, 0), (12, -7)))
    source.mute = dice.random() < 0.05
    return source


def surround(vse, owner, source, dice) -> None:
    """Titles, plates and pictures in pictures: boxes of one colour, here and there, each on a free piece of channel."""
    for number in range(dice.randint(0, 9)):
        first = dice.randint(1, 45)
        span = FrameRange(first, first + dice.randint(3, 40))
        channel = dice.choice((dice.randint(2, 8), dice.randint(2, 8), dice.randint(2, 8), 127, 128))
        if any(other.channel == channel and len(vse.span_of(other).within(span)) for other in vse.strips_of(owner)):
            continue
        box(owner, f"box {number}", channel, span, dice)


def box(owner, name: str, channel: int, span: FrameRange, dice):
    vse = scenes.addon("timeline.vse")
    collection = vse.strips_of(owner)
    known = collection.bl_rna.functions["new_effect"].parameters.keys()
    length = {"length": len(span)} if "length" in known else {"frame_end": span.end}
    made = collection.new_effect(name=name, type="COLOR", channel=channel, frame_start=span.first, **length)
    made.color = [dice.random() for _ in range(3)]
    made.blend_type = dice.choice(BLENDS[1:])
    made.blend_alpha = dice.choice((1.0, 0.7))
    made.transform.scale_x, made.transform.scale_y = dice.choice(((1, 1), (0.5, 0.4), (0.3, 0.8)))
    made.transform.offset_x, made.transform.offset_y = dice.randint(-30, 30), dice.randint(-20, 20)
    made.mute, made.lock = dice.random() < 0.1, dice.random() < 0.1
    return made


def transition(vse, owner, source, dice) -> None:
    """A dissolve from the source to a neighbour, above both."""
    span = vse.span_of(source)
    over = FrameRange(span.end - 4, span.end + 10)
    used = {other.channel for other in vse.strips_of(owner)}
    free = [channel for channel in range(2, 12) if channel not in used]
    neighbour = box(owner, "neighbour", free[0], over, dice)
    above = max(source.channel, neighbour.channel)
    channel = next(channel for channel in range(above + 1, 20) if channel not in used and channel != free[0])
    vse.add_cross(owner, "dissolve", channel, (source, neighbour), FrameRange(span.end - 4, span.end))


def paint_channels(owner, dice) -> None:
    for number in range(2, 12):
        channel = owner.channels[number]
        channel.mute, channel.lock = dice.random() < 0.12, dice.random() < 0.15
        channel.name = dice.choice((f"Channel {number}", f"Channel {number}", "Titles"))


def manifest(vse, source, movie: str) -> Manifest:
    """A result that looks like its source, in two strips."""
    span, start = vse.span_of(source), round(vse.content_start(source))
    length, skipped = len(span), span.first - start
    half = length // 2
    clip = ClipRange((movie,), Rate.of(25), length, trim_in=skipped, timeline_start=span.first, name="shot")
    keys = (KeyResult(Key(half), "a.png"), KeyResult(Key(length - 1), "b.png"))
    whole = FrameRange(-skipped, 100 - skipped)
    parts = (
        StripFile(0, whole, FrameRange(0, half), movie, ""),
        StripFile(1, whole, FrameRange(half, length), movie, ""),
    )
    fades = (Crossfade(0, 1, FrameRange(half, half)),)
    return Manifest("job", "0", clip, CANVAS, "neural:1", {}, keys, parts, fades)


def facts(vse, owner) -> dict:
    return {
        strip.name: (
            (vse.span_of(strip).first, vse.span_of(strip).end),
            strip.channel,
            (owner.channels[strip.channel].mute, owner.channels[strip.channel].lock),
        )
        for strip in vse.strips_of(owner)
    }


def pictures(scene, frames, folder: str, name: str) -> list:
    found = []
    for path in scenes.render(scene, frames, folder, name):
        image = bpy.data.images.load(path)
        pixels = np.empty(4 * CANVAS[0] * CANVAS[1], np.float32)
        image.pixels.foreach_get(pixels)
        bpy.data.images.remove(image)
        Path(path).unlink()
        found.append(pixels)
    return found


def clear(scene) -> None:
    """An empty sequence, whatever was there."""
    scene.sequence_editor_clear()
    scene.animation_data_clear()
    editor = scene.sequence_editor_create()
    for known in editor.bl_rna.properties:
        if known.identifier.startswith("use_cache"):  # Up to 4.5 the cache shows a frame of another arrangement.
            setattr(editor, known.identifier, False)
