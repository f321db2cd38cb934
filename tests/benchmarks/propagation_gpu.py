"""Propagation on a GPU: python tests/benchmarks/propagation_gpu.py [--device cuda] [--sizes 960x540,...] [--frames N,M]
                              [--strokes smooth,crisp] [--graphs off,on] [--no-cpu] [--no-starts] [--no-stages]

Seconds a frame, both keys and motion included, averaged ("smooth") and with strokes kept whole ("crisp"), step by step
and played as graphs; whether the pictures are the same to the bit; where the host's time goes, and how many kernels,
graphs and copies it starts a frame; the device memory at its peak against what is counted on; how far the pictures are
from the CPU's, and the energy of their fine detail (unless --no-cpu); milliseconds of each stage. Pictures are dropped
as they come, as an encoder does. --device cpu rehearses all of it with torch operations, and a stand-in for graphs.
--compile cuda:90 or hip:gfx942 only compiles the kernels for such a GPU, which needs none.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any
from unittest import mock

SIZES = "960x540,1920x1080,3840x2160"
GOALS_S = {
    ((960, 540), "smooth"): 0.004,
    ((1920, 1080), "smooth"): 0.008,
    ((3840, 2160), "smooth"): 0.03,
    ((1920, 1080), "crisp"): 0.04,
}
STARTS = ("cudaLaunchKernel", "cuLaunchKernel", "cudaGraphLaunch", "cudaMemcpyAsync")


def scene(size: tuple[int, int], count: int) -> list[Any]:
    """`count` pictures of (width, height): a texture that moves, with a square in front that moves otherwise."""
    import cv2
    import numpy as np

    w, h = size
    wide = np.random.default_rng(0).integers(0, 255, (h // 8 + 40, w // 8 + 40, 3), np.uint8)
    wide = cv2.resize(wide, (w + 320, h + 320), interpolation=cv2.INTER_CUBIC)
    pictures = []
    for n in range(count):
        picture = wide[3 * n : 3 * n + h, 5 * n : 5 * n + w].copy()
        x, y = w // 4 + 6 * n, h // 3
        picture[y : y + h // 4, x : x + w // 4] = wide[-(h // 4) - 1 : -1, -(w // 4) - 1 : -1]
        pictures.append(picture)
    return pictures


def segment(size: tuple[int, int], count: int, strokes: str) -> tuple[Any, Any]:
    """A window of `count` frames and its two keys: a negative as the look, or two paints if strokes are kept whole."""
    import numpy as np

    from restrip.media.frame import Frame
    from restrip.propagate import StyledKey
    from restrip.timeline import FrameRange

    pictures = [Frame(np.ascontiguousarray(p)) for p in scene(size, count + 1)]

    class Window:
        frames = FrameRange(0, count)

        def __init__(self) -> None:
            self.size = size

        def frame(self, n: int) -> Frame:
            return pictures[n]

    if strokes == "smooth":
        styles = [255 - pictures[n].rgb for n in (0, count)]
    else:
        styles = [painted(pictures[n].rgb, n) for n in (0, count)]
    left, right = (StyledKey(n, pictures[n], Frame(style)) for n, style in zip((0, count), styles, strict=True))
    return Window(), (left, right)


def painted(picture: Any, seed: int) -> Any:
    """A picture with strokes on it that lie elsewhere for every seed."""
    import cv2
    import numpy as np

    grain = np.random.default_rng(seed).normal(0, 1, picture.shape[:2]).astype(np.float32)
    strokes = cv2.GaussianBlur(grain, (0, 0), 4, sigmaY=1.2)
    return np.clip(cv2.GaussianBlur(picture, (0, 0), 3) + 25 / strokes.std() * strokes[..., None], 0, 255).astype(
        np.uint8
    )


def carried(made: tuple[Any, Any], device: str, strokes: str, graphs: bool = False) -> Iterator[Any]:
    """Every frame of a segment as it comes. On the CPU "tensors" are torch operations, "cpu" is the CPU's own path."""
    from restrip.propagate import PropagateSettings, propagate

    window, keys = made
    how = PropagateSettings(strokes=strokes, device=device, graphs=graphs)
    if device != "tensors":
        return propagate(window, keys, how, told)
    sys.path.insert(0, str(Path(__file__).parents[1] / "propagate"))
    from taped import taped_stages

    from restrip.propagate.gpu.segment_walk import SegmentWalk

    return SegmentWalk(window, keys, how, told, taped_stages()[0]).frames()


def told(done: int, total: int, note: str = "") -> None:
    """What the engine has to say."""
    if note:
        print(f"  ({note})", flush=True)


class HostTime:
    """Where the host's time goes while a segment is carried: "stage" copies frames into pinned memory, "wait" is for
    finished pictures, "ahead" for work that is too far behind; the rest starts work.
    """

    def __init__(self) -> None:
        from restrip.propagate.gpu import transfers

        self.seconds = dict.fromkeys(("stage", "wait", "ahead"), 0.0)
        self._patched = [
            mock.patch.object(transfers, "copied", self._timed("stage", transfers.copied)),
            mock.patch.object(transfers.Coming, "array", self._timed("wait", transfers.Coming.array)),
            mock.patch.object(transfers.Uploads, "upload", self._timed("ahead", transfers.Uploads.upload)),
        ]

    def _timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any) -> Any:
            begin = time.perf_counter()
            try:
                return function(*args)
            finally:
                self.seconds[name] += time.perf_counter() - begin

        return run

    def __enter__(self) -> HostTime:
        for one in self._patched:
            one.start()
        return self

    def __exit__(self, *args: object) -> None:
        for one in self._patched:
            one.stop()

    def said(self, whole_s: float, frames: int) -> str:
        """Milliseconds a frame of so many that took `whole_s`."""
        stage, wait, upload = (self.seconds[name] for name in ("stage", "wait", "ahead"))
        parts = {"stage": stage, "wait": wait, "upload": upload - stage, "rest": whole_s - wait - upload}
        return ", ".join(f"{name} {seconds / frames * 1e3:.1f}" for name, seconds in parts.items())


def timed(made: tuple[Any, Any], device: str, strokes: str, graphs: bool) -> tuple[float, str]:
    """Seconds a frame that is carried (the key's own is not), and the host's time."""
    frames = len(made[0].frames) - 1
    with HostTime() as host:
        begin = time.perf_counter()
        for _ in carried(made, device, strokes, graphs):
            pass
        whole = time.perf_counter() - begin
    return whole / frames, host.said(whole, frames)


def kept(made: tuple[Any, Any], device: str, strokes: str, graphs: bool = False) -> list[list[Any]]:
    """Both renditions of every frame."""
    return [[one.left.rgb.copy(), one.right.rgb.copy()] for one in carried(made, device, strokes, graphs)]


def starts(size: tuple[int, int], strokes: str, graphs: bool) -> dict[str, float]:
    """What the host starts a frame: what a segment takes more if it is four frames longer."""
    from torch.profiler import ProfilerActivity, profile

    counts = []
    for count in (6, 10):
        made = segment(size, count, strokes)
        with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA], acc_events=True) as seen:
            timed(made, "cuda", strokes, graphs)
        counts.append({event.key: event.count for event in seen.key_averages() if event.key in STARTS})
    return {name: (counts[1].get(name, 0) - counts[0].get(name, 0)) / 4 for name in STARTS}


def stage_times(size: tuple[int, int], device: str) -> dict[str, float]:
    """Milliseconds of each stage for one key and one frame."""
    import numpy as np
    import torch

    from restrip.media.colour import ColourTags, to_yuv
    from restrip.media.movies.decoded_frame import DecodedFrame, YuvPlanes
    from restrip.propagate.energy.mix_weights import MixWeights
    from restrip.propagate.gpu.decoded import on_device
    from restrip.propagate.gpu.matcher import Matcher
    from restrip.propagate.gpu.motion import KeyMotion
    from restrip.propagate.gpu.shares import shares_of
    from restrip.propagate.gpu.side import Side
    from restrip.propagate.gpu.stages import stages_on
    from restrip.propagate.gpu.strokes.crisp import crisp
    from restrip.propagate.gpu.strokes.handover import HandOverTensors
    from restrip.propagate.gpu.strokes.paint import PaintTensors
    from restrip.propagate.gpu.strokes.pieces import Pieces
    from restrip.propagate.gpu.strokes.strangeness import parts_of
    from restrip.propagate.gpu.transfers import Coming, Uploads, upload
    from restrip.propagate.settings import PropagateSettings

    where = torch.device(device)
    stages, (window, keys) = stages_on(where), segment(size, 3, "crisp")
    shown = [stages.shown(upload(window.frame(n).rgb, where)) for n in range(3)]
    side = Side(keys[0], shown[0], PropagateSettings(), stages)
    shares = shares_of([[MixWeights(1, 0.1), MixWeights(0.1, 1)]], [0.5], where)[0]
    described, light = stages.describe(shown[2].rgb), torch.tensor((0.9, 1.0, 0.0), device=where)
    motion = KeyMotion(shown[0], stages)
    first = motion.next(shown[1])
    flow = motion.next(shown[2])
    field = Matcher(side.tensors.described, stages).match(described, flow, None)
    read = stages.read(shown[2].rgb, side.tensors, flow, light)
    votes, other = (stages.weighed([read, read]) for _ in range(2))
    pieces, paint = Pieces(side.tensors, stages, motion), PaintTensors.of(side.tensors, 1.0, stages)
    laid = paint.laid(shown[2], pieces.next(shown[2]), stages)
    handed = HandOverTensors.of(laid.picture, laid.picture)
    turn = handed.at(shares.begun, laid, laid, stages)
    style = read[0]

    def moved() -> None:
        motion.resume(first, shown[1])
        motion.next(shown[2])

    def uploaded() -> None:
        stages.shown(upload(window.frame(2).rgb, where))

    tags = ColourTags(matrix="bt709", range="limited")
    planes = DecodedFrame(YuvPlanes(*to_yuv(window.frame(2).rgb, 8, (2, 2), tags), 8, tags))
    uploads = Uploads(where, rgb_of=stages.rgb_of)
    if not np.array_equal(uploads.upload(planes).cpu().numpy(), planes.rgb):
        print("  (decoded planes: NOT the host's picture)", flush=True)
    elif not on_device(planes.planes, stages.rgb_of, where):
        print("  (decoded planes: the host rounds otherwise, R'G'B' goes up)", flush=True)

    work: dict[str, Callable[[], object]] = {
        "upload": uploaded,
        "upload of decoded planes": lambda: stages.shown(uploads.upload(planes)),
        "motion": moved,
        "describe": lambda: stages.describe(shown[2].rgb),
        "match": lambda: Matcher(side.tensors.described, stages).match(described, flow, None),
        "read": lambda: stages.read(shown[2].rgb, side.tensors, flow, light),
        "vote": lambda: stages.vote(shown[2].rgb, side.tensors, field, light),
        "weigh": lambda: stages.weighed([read, read]),
        "mix": lambda: stages.rendered(votes, other, shares, False),
        "pieces": lambda: pieces.next(shown[2]),
        "paint": lambda: paint.laid(shown[2], laid.field, stages),
        "hand-over": lambda: handed.at(shares.begun, laid, laid, stages),
        "energy": lambda: stages.coded([crisp(laid, laid, turn, stages)] * 2, False),
        "strangeness, once": lambda: parts_of(style, *read, flow, stages),
        "cells, once": lambda: HandOverTensors.of(laid.picture, laid.picture).times,
        "download": lambda: Coming(shown[2].rgb).array(),
    }
    wait = torch.cuda.synchronize if where.type == "cuda" else lambda: None
    times = {}
    with torch.inference_mode():
        for name, stage in work.items():
            repeats = 20 if where.type == "cuda" else 1
            stage()  # compiles
            wait()
            begin = time.perf_counter()
            for _ in range(repeats):
                stage()
            wait()
            times[name] = (time.perf_counter() - begin) / repeats * 1e3
    return times


def more(counts: list[int], each: list[float]) -> str:
    """What a frame more takes, without what is done once a segment; "" for segments of one length."""
    whole = [(count - 1) * seconds for count, seconds in zip(counts, each, strict=True)]
    return f"{(whole[-1] - whole[0]) / (counts[-1] - counts[0]):.4f}" if len(counts) > 1 else ""


def table(sizes: list[tuple[int, int]], counts: list[int], device: str, given: argparse.Namespace) -> None:
    """Print a row for each size, kind of strokes and way to start."""
    import numpy as np
    import torch

    from restrip.propagate.gpu import segment_walk
    from restrip.propagate.gpu_memory import need_mib

    segment_walk.GRAPHS_PIXELS = 1 << 40  # whether to play larger frames is what is measured here
    on_gpu = device != "cpu"
    where = device if on_gpu else "tensors"
    name = torch.cuda.get_device_name() if on_gpu else "CPU, torch operations"
    print(f"{name}, torch {torch.__version__}\n")
    print("Seconds a frame in a segment of so many frames; the host's milliseconds a frame are of the last one.")
    titles = ("frame", "strokes", "graphs", *(f"s a frame of {n}" for n in counts), "each more", "goal", "peak MiB")
    print(f"| {' | '.join((*titles, 'counted on', 'same pictures', 'host, ms', 'starts'))} |")
    print(f"|{' --- |' * (len(titles) + 4)}")
    notes, ways = [], given.graphs.split(",")
    for size in sizes:
        for strokes in given.strokes.split(","):
            few, *made = (segment(size, count, strokes) for count in (min(counts[0], 5), *counts))
            truth = None
            for graphs in (way == "on" for way in ways):
                begin = time.perf_counter()
                pictures = kept(few, where, strokes, graphs)
                if on_gpu and (taken := time.perf_counter() - begin) > 5:
                    print(f"  ({taken:.0f} s until the first pictures: kernels were compiled)", flush=True)
                pairs = zip(chain(*pictures), chain(*(truth or pictures)), strict=True)
                same = all(np.array_equal(a, b) for a, b in pairs)
                truth = truth or pictures
                if on_gpu:
                    torch.cuda.empty_cache()  # of what the row before has left
                    torch.cuda.reset_peak_memory_stats()
                each = [min(timed(one, where, strokes, graphs) for _ in range(2 if on_gpu else 1)) for one in made]
                peak = torch.cuda.max_memory_reserved() >> 20 if on_gpu else 0
                counted = need_mib(size, strokes == "crisp", graphs)
                started = starts(size, strokes, graphs) if on_gpu and given.starts else {}
                said = ", ".join(f"{n:.0f} {what}" for what, n in started.items() if n)
                row = (f"{size[0]}x{size[1]}", strokes, "on" if graphs else "off", *(f"{s:.4f}" for s, _ in each))
                row += (more(counts, [s for s, _ in each]), GOALS_S.get((size, strokes), ""), peak, counted)
                row += ("yes" if same else "NO", each[-1][1], said)
                print(f"| {' | '.join(map(str, row))} |", flush=True)
            if size == sizes[0] and not given.no_cpu and truth is not None:
                notes.append(f"{strokes}: {differences(truth, kept(few, 'cpu', strokes))}")
    print("\n" + "\n".join(notes))
    for size in sizes if given.stages else []:
        times = stage_times(size, device)
        print(f"{size[0]}x{size[1]}, ms a key: " + ", ".join(f"{k} {v:.2f}" for k, v in times.items()), flush=True)


def differences(out: list[Any], cpu: list[Any]) -> str:
    """How far pictures are from the CPU's."""
    import cv2
    import numpy as np

    def fine(picture: Any) -> float:
        return float(np.square(picture - cv2.GaussianBlur(np.float32(picture), (0, 0), 2)).mean())

    apart = [np.abs(a.astype(int) - b).mean() for (a, _), (b, _) in zip(out, cpu, strict=True)]
    energy = [fine(a) / fine(b) for (a, _), (b, _) in zip(out, cpu, strict=True)]
    return (
        f"pictures differ from the CPU's by {np.mean(apart):.2f} code values in the mean, "
        f"the energy of their fine detail is {np.mean(energy):.3f} of theirs"
    )


def sizes_of(text: str) -> list[tuple[int, int]]:
    """(width, height) of each size in "960x540,1920x1080"."""
    return [(int(w), int(h)) for w, h in (size.split("x") for size in text.split(","))]


def kernels() -> list[tuple[Any, dict[str, Any], dict[str, str]]]:
    """Every kernel, its constants, and the types of what is not a pointer to float32."""
    from restrip.propagate.gpu.kernels import (
        blocks_triton,
        coded_triton,
        decoded_triton,
        descriptors_triton,
        detail_selection_triton,
        filter_triton,
        fit_triton,
        flow_triton,
        mixing_triton,
        motion_triton,
        neighbours_triton,
        patchmatch_triton,
        pieces_triton,
        places_triton,
        pyramid_triton,
        shading_triton,
        stillness_triton,
        vote_triton,
    )

    words = dict.fromkeys(("key", "field", "before", "out"), "*i16")
    search = {"N": 16, "BLOCK": patchmatch_triton.BLOCK}
    read = {"CODE": 257.0, "REACH": 25.0, "BLOCK": vote_triton.BLOCK}
    tile = {"TX": 32, "TY": 8}
    level = {"WINDOW": 7} | tile
    bounds = {"SLIGHT": 4.0, "PLAIN": 12.0, "LEAST": 0.1, "LANES": shading_triton.LANES}
    picture = dict.fromkeys(("frame", "key", "rgb", "plain", "followed"), "*u8")
    compared = {"first": "*u8", "second": "*u8"}
    described = words | {"frame": "*i16"}
    mixed = {"COUNT": 3, "BOTH": True, "TAPS": 11, "FLOOR": 10.0, "SCALE": 1 / 257, "TOP": 255.0, "EVEN": 8.0}
    sums = {"SCALE": 1 / 257, "TAPS": 11, "FLOOR": 10.0, "LANES": 256}
    cells = detail_selection_triton.HOW | {"COUNT": 3, "TAPS": 5, "CODE": 257.0}
    pieces = dict.fromkeys(("frame", "key", "field", "before"), "*i16") | {"style": "*i32"}
    pieced = {"N": 16, "BLOCK": pieces_triton.BLOCK}
    share = {"SHARE": pieces_triton.CONSTANTS["SHARE"]}
    spread = {"PIXELS": places_triton.PIXELS}
    turn = {"FIRST": 0, "WINDOW": 13, "FARTHEST": 1.0, "LIT": True} | tile
    planes = {"MIDDLE": decoded_triton.MIDDLE, "WHOLE": decoded_triton.WHOLE, "PIXELS": decoded_triton.PIXELS}
    colours = {f"{a}_{b}": "fp32" for a in ("red", "green", "blue") for b in ("y", "b", "r", "more")}
    return [
        (
            descriptors_triton.describe_kernel,
            descriptors_triton.CONSTANTS | {"BLOCK": descriptors_triton.BLOCK},
            words | picture,
        ),
        (patchmatch_triton.start_kernel, {**search, "BEFORE": True}, described),
        (patchmatch_triton.sweep_kernel, {**search, "PLACES": 6}, described),
        (vote_triton.vote_kernel, {**read, "RIDGE": 5.0, "STEEPEST": 514.0}, picture | words),
        (vote_triton.read_kernel, read, picture | words),
        (pyramid_triton.begin_halves_kernel, {"LIGHT": 8} | tile, {}),
        (pyramid_triton.halve_kernel, tile, {}),
        (fit_triton.gradient_kernel, tile, {}),
        (fit_triton.inverse_kernel, {"WINDOW": 13, "CALM": 20.0} | tile, {}),
        (flow_triton.begin_kernel, {"COARSE": True, "REACH": 1} | tile, {}),
        (flow_triton.chosen_kernel, {"REACH": 1, "FAR": 20.0, "FIT": 9, "CALM": 20.0} | level, {}),
        (fit_triton.turn_kernel, turn, {}),
        (flow_triton.kept_kernel, level, {}),
        (neighbours_triton.tried_kernel, {"FRESH": True} | level, {}),
        (neighbours_triton.adopted_kernel, {"FAVOUR": 0.95} | level, {}),
        (flow_triton.smooth_kernel, {"WINDOW": 5, "NOISE": 100.0} | tile, {}),
        (pyramid_triton.double_kernel, tile, {}),
        (shading_triton.means_kernel, {"FLOW": True, "BLOCK": shading_triton.BLOCK}, picture | compared),
        (shading_triton.exposure_kernel, bounds, {}),
        (shading_triton.relit_kernel, {"BYTES": shading_triton.BYTES}, picture),
        (motion_triton.gray_kernel, {"PIXELS": motion_triton.PIXELS}, picture),
        (motion_triton.chain_kernel, tile, {}),
        (motion_triton.compare_kernel, tile, picture),
        (mixing_triton.along_kernel, {"TAPS": 11} | tile, {}),
        (mixing_triton.sums_kernel, sums, {}),
        (detail_selection_triton.cells_kernel, cells | tile, {}),
        (mixing_triton.mix_kernel, mixed | tile, {"out": "*u8"}),
        (filter_triton.filter_kernel, {"ACROSS": True, "MIRRORED": True} | tile, {}),
        (blocks_triton.blocks_kernel, blocks_triton.CONSTANTS, pieces),
        (pieces_triton.sew_kernel, pieced | pieces_triton.CONSTANTS, pieces),
        (pieces_triton.moved_kernel, {"BLOCK": pieces_triton.BLOCK}, pieces | {"out": "*i16"}),
        (pieces_triton.judge_kernel, pieced | share, pieces),
        (pieces_triton.lay_kernel, {"NEAR": 0.25, "FAR": 0.06, "BLOCK": pieces_triton.BLOCK}, pieces),
        (places_triton.places_kernel, spread, {"out": "*i16"}),
        (places_triton.flow_kernel, spread, {"field": "*i16"}),
        (places_triton.taken_kernel, spread, {"field": "*i16"}),
        (stillness_triton.off_kernel, tile, {}),
        (stillness_triton.resting_kernel, {"NOISE": 8.0, "MARGIN": 1.2} | tile, {}),
        (filter_triton.steepness_kernel, tile, {}),
        (coded_triton.coded_kernel, {"SCALE": 1 / 257, "TOP": 255.0, "PIXELS": coded_triton.PIXELS}, {"out": "*u8"}),
        (decoded_triton.rgb_kernel, planes, dict.fromkeys(("luma", "blue", "red", "out"), "*u8") | colours),
        (motion_triton.better_kernel, {"BOTH": True, "MEAN": False, "WINDOW": 9, "FAVOUR": 0.9} | tile, {}),
    ]


SCALARS = dict.fromkeys(("h", "w", "hs", "ws", "n", "count", "reach", "width", "every", "across", "down"), "i32")
SCALARS |= dict.fromkeys(("cell", "ch", "cw"), "i32")
SCALARS |= dict.fromkeys(("parity", "far", "radius", "seed", "half", "shift"), "i32")
SCALARS |= dict.fromkeys(("tie", "quiet", "strength", "seen", "surest"), "fp32")


def compiled(target: str) -> dict[str, int]:
    """Every kernel compiled for "cuda:90" or "hip:gfx942": its name and the size of its binary."""
    os.environ.pop("TRITON_INTERPRET", None)
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    api, _, arch = target.partition(":")
    gpu = GPUTarget(api, int(arch) if api == "cuda" else arch, 64 if arch.startswith("gfx9") else 32)
    sizes = {}
    for kernel, constants, types in kernels():
        types = SCALARS | types
        kinds = {name: "constexpr" if name in constants else types.get(name, "*fp32") for name in kernel.arg_names}
        # Tensors begin at multiples of 16 bytes: loads are as wide as in a real start.
        aligned = {(n,): [["tt.divisibility", 16]] for n, name in enumerate(kernel.arg_names) if kinds[name][0] == "*"}
        warps = {"num_warps": 8} if "TX" in constants else {}
        source = ASTSource(kernel, signature=kinds, constexprs=constants, attrs=aligned)
        made = triton.compile(source, target=gpu, options=warps)
        sizes[kernel.__name__] = len(made.asm["cubin" if api == "cuda" else "hsaco"])
    return sizes


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("--device", default="cuda")
    ask.add_argument("--sizes", default=SIZES)
    ask.add_argument("--frames", default="10,27", help="of segments; two lengths tell apart what is done once")
    ask.add_argument("--strokes", default="smooth,crisp")
    ask.add_argument("--graphs", default="off,on", help="ways to start a frame's work, the one to compare with first")
    ask.add_argument("--no-cpu", action="store_true", help="leave out the CPU's pictures")
    ask.add_argument("--no-starts", dest="starts", action="store_false", help="leave out what the host starts")
    ask.add_argument("--no-stages", dest="stages", action="store_false", help="leave out milliseconds of each stage")
    ask.add_argument("--compile", default="")
    given = ask.parse_args()
    if given.compile:
        print(json.dumps(compiled(given.compile)))
        return
    import torch

    if given.device == "cpu":
        torch.set_num_threads(1)
    elif not torch.cuda.is_available():
        sys.exit("there is no GPU here that torch can use")
    table(sizes_of(given.sizes), [int(count) for count in given.frames.split(",")], given.device, given)


if __name__ == "__main__":
    main()
