"""How long the timer takes while jobs run, are placed, and pictures of them come."""

import time

import line
import scenes


def ticks(path: str, values: dict, count: int) -> dict:
    """Two strips with `count` keys each, stylized at once; the milliseconds of every call of the timer."""
    scene = scenes.empty_scene(25, (1280, 720))
    vse, jobs, connection = scenes.addon("timeline.vse"), scenes.addon("jobs"), scenes.addon("engine.engine_connection")
    connection.wanted()
    calls: list = []
    for channel, first in ((1, 1), (3, 201)):
        strip = scenes.add(scene, path, first, channel, f"shot {channel}")
        vse.set_span(strip, vse.FrameRange(first, first + 120))
        for number in range(count):
            scene.timeline_markers.new("K", frame=first + round(number * 119 / (count - 1)))
    for channel in (1, 3):
        line.begin(scene, f"shot {channel}", values)
    while not line.all_placed():
        stages = sorted(job.stage for job in jobs.board().jobs.values())
        assert "failed" not in stages
        wall, spent = time.perf_counter(), time.thread_time()
        jobs.tick()
        calls.append([(time.perf_counter() - wall) * 1000, (time.thread_time() - spent) * 1000, " ".join(stages)])
        time.sleep(jobs.TICK_S)
    return {"calls": calls}
