"""Which executor this computer's engine has: <state>/executor.json, so that an editor that starts it gets the same."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from restrip import codec
from restrip.service.executors.executor import Executor, Start
from restrip.service.executors.local import LocalExecutor
from restrip.service.executors.ray.cluster import RayExecutor, RaySettings
from restrip.service.limits import Limits
from restrip.storage.json_files import read_json, write_json

NAMES = ("local", "ray")
SHARED = ("auto", "yes", "no")


@dataclass(frozen=True)
class Choice:
    """`name` is "local" or "ray"; the rest is Ray's."""

    name: str = "local"
    address: str = "auto"
    shared: str = "auto"
    window: int = 0

    @classmethod
    def load(cls, root: Path) -> Choice:
        """What was chosen last; local when nothing was, or when that can't be read."""
        body = read_json(root / "executor.json") or {}
        try:
            choice = codec.read(cls, body)
        except codec.Misfit:
            return cls()
        return choice if choice.name in NAMES and choice.shared in SHARED else cls()

    def save(self, root: Path) -> None:
        """Keep it for the engines to come."""
        write_json(root / "executor.json", codec.write(self))

    def executor(self, start: Start, root: Path, limits: Limits) -> Executor:
        """The executor that was chosen."""
        if self.name == "ray":
            return RayExecutor(start, root, limits, RaySettings(self.address, self.shared, self.window))
        return LocalExecutor(start, int(limits.workers))


def chosen(arguments: Sequence[str], root: Path) -> Choice:
    """What the engine's command line asks for, and kept; without a word, what was kept."""
    parser = argparse.ArgumentParser(prog="restrip-engine", description="The Restrip engine.")
    parser.add_argument("--detach", action="store_true", help="go on without whoever started it")
    parser.add_argument("--executor", choices=NAMES)
    parser.add_argument("--ray-address", default="auto")
    parser.add_argument("--ray-shared", choices=SHARED, default="auto")
    parser.add_argument("--ray-window", type=int, default=0)
    given = parser.parse_args(arguments)
    if given.executor is None:
        return Choice.load(root)
    choice = Choice(given.executor, given.ray_address, given.ray_shared, max(0, given.ray_window))
    choice.save(root)
    return choice
