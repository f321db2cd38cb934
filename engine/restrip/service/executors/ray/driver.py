"""The child that speaks to Ray: `python -m restrip.service.executors.ray.driver`, started by the engine alone.

engine ── stdin: tasks, cancels ──► driver ── tasks, actors ──► cluster
       ◄── stdout: cluster, started, progress, result, error, gone ──
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from restrip.errors import RestripError
from restrip.jobs.tasks.registry import PartMissing
from restrip.service.executors.ray.cluster_api import Cluster
from restrip.service.executors.ray.cluster_scheduler import ClusterScheduler, Options
from restrip.service.limits import Limits
from restrip.service.workers.worker import Pipe, end_with_parent, take_over_pipes

Connect = Callable[[str, Callable[[], None]], Cluster]
TURN_S, IDLE_TURN_S = 0.2, 1.0
CONNECT_S = 20.0


def connect_to_ray(address: str, wake: Callable[[], None]) -> Cluster:
    """The cluster. Raises PartMissing, RayUnreachable."""
    # Nobody is told that Ray is used here, unless the user has it so.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        from restrip.service.executors.ray.ray_cluster import RayCluster, RayUnreachable
    except ModuleNotFoundError as error:
        raise PartMissing((error.name or "ray").partition(".")[0]) from error
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon:
        # Ray itself waits for minutes.
        try:
            socket.create_connection((host, int(port)), CONNECT_S).close()
        except (OSError, ValueError) as error:
            raise RayUnreachable(address, str(error).lower()) from error
    return RayCluster(address, wake)


def drive(pipe: Pipe, arguments: argparse.Namespace, connect: Connect) -> None:
    """Work until the engine ends. Raises RestripError when the cluster is missing or was lost."""
    wake = threading.Event()
    pipe.on_message = wake.set
    token = Path(arguments.token)
    options = Options(
        Path(arguments.state_dir),
        arguments.window,
        arguments.shared,
        (str(token), token.read_text("utf-8")),
        Limits.from_environment().worker_idle_s,
    )
    scheduler = ClusterScheduler(connect(arguments.address, wake.set), pipe.send, options)
    while True:
        scheduler.turn()
        wake.wait(TURN_S if scheduler.busy else IDLE_TURN_S)
        wake.clear()
        while not pipe.tasks.empty():
            scheduler.take(pipe.tasks.get())


def main(connect: Connect = connect_to_ray) -> None:
    """The driver's life."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", default="auto")
    parser.add_argument("--state-dir", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--shared", choices=("auto", "yes", "no"), default="auto")
    parser.add_argument("--window", type=int, default=0)
    arguments = parser.parse_args()
    # Ray puts the folder of the program that was started on the search path of its workers: not this one.
    sys.argv = [sys.executable]
    pipe = take_over_pipes()
    end_with_parent()
    if os.name == "posix":
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        drive(pipe, arguments, connect)
    except RestripError as error:
        pipe.send({"t": "fatal", "error": error.to_wire()})
        sys.stderr.flush()
        os._exit(1)


if __name__ == "__main__":
    main()
