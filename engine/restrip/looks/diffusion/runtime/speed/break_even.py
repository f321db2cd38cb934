"""Whether compiling pays: what it took and what it saved on this machine before, remembered in a file.

    seconds saved a row x rows to come  >  seconds that compiling takes

All times are of whole batches, by row and evaluation. Before a machine has compiled anything its times are guessed from
those of others.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, astuple, dataclass, replace
from pathlib import Path

from restrip.storage.json_files import read_json, write_json

# Until it is measured: seconds that compiling takes, the share of an evaluation's time that stays (SD 1.5 at 512 on an
# H100: 7.5 -> 12.4 frames/s), and the share of the work that another process finds done in the cache.
COST_S, STAYS, FOUND = 60.0, 0.65, 0.3

# Times that differ by no more than this share of them are the same.
NEAR = 0.15


@dataclass(frozen=True)
class Costs:
    """Of one kind of batch: seconds a row and evaluation without and with compiled networks, seconds that compiling
    took at first and where another process had done it; 0 is not known.
    """

    plain_s: float = 0.0
    fast_s: float = 0.0
    first_s: float = 0.0
    again_s: float = 0.0

    @property
    def compiling_s(self) -> float:
        """Seconds that it will take a process that has not compiled yet."""
        return self.again_s or FOUND * self.first_s or COST_S

    def pays(self, rows: int) -> bool:
        """Whether compiling pays for so many rows and evaluations to come; not before their time is known."""
        saved = self.plain_s - (self.fast_s or STAYS * self.plain_s)
        return saved * rows > self.compiling_s


class BreakEven:
    """The costs on this machine, kept in `path`; another process's are seen when a new one begins."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[str, Costs] | None = None
        self._compiled: dict[str, float] = {}
        self._plain: set[str] = set()

    def costs(self, kind: str) -> Costs:
        """What is known of a kind of batch."""
        if self._known is None:
            self._known = _read(self.path)
        return self._known.get(kind, Costs())

    def pays(self, kind: str, rows: int) -> bool:
        """Whether to compile for so many rows and evaluations to come: at once where this process has compiled it."""
        return kind in self._compiled or self.costs(kind).pays(rows)

    def took(self, kind: str, seconds: float, rows: int, *, compiled: bool) -> None:
        """Remember what a batch took, of so many rows and evaluations together."""
        costs, each = self.costs(kind), seconds / max(rows, 1)
        if not compiled:
            # A process's first batch also loads what all of them need.
            if kind in self._plain:
                self._keep(kind, replace(costs, plain_s=each))
            self._plain.add(kind)
        elif kind not in self._compiled:
            self._compiled[kind] = seconds
        else:
            costs = replace(costs, fast_s=each)
            first = self._compiled[kind]
            if first:
                extra = max(first - seconds, 0.001)
                costs = replace(costs, again_s=extra) if costs.first_s else replace(costs, first_s=extra)
                self._compiled[kind] = 0.0
            self._keep(kind, costs)

    def _keep(self, kind: str, costs: Costs) -> None:
        """Remember costs; what hardly changed isn't written again, and a disk that is full costs no key."""
        if all(_near(*pair) for pair in zip(astuple(costs), astuple(self.costs(kind)), strict=True)):
            return
        self._known = {**_read(self.path), kind: costs}
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_json(self.path, {name: asdict(one) for name, one in self._known.items()})


def _near(now: float, before: float) -> bool:
    return abs(now - before) <= NEAR * before


def _read(path: Path) -> dict[str, Costs]:
    """The costs in a file; none of what can't be read."""
    known: dict[str, Costs] = {}
    for kind, numbers in (read_json(path) or {}).items():
        if isinstance(numbers, Mapping) and all(isinstance(value, int | float) for value in numbers.values()):
            known[kind] = Costs(**{name: float(numbers.get(name, 0.0)) for name in asdict(Costs())})
    return known
