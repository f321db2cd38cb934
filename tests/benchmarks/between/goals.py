"""What the pictures between keys are to reach, for each row and in the mean."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from between.score import Scores

Recorded = Mapping[str, Scores]
"""Scores by picture: "Restrip", "EbSynth fade", "EbSynth nearest"; "before": Restrip's when the rest was recorded."""
RIVALS = ("EbSynth fade", "EbSynth nearest")
TOLERANCE = 0.1
UNSEEN = {"warp": 0.25, "warpF": 0.25, "still": 0.1, "gram": 0.01}
"""What may be lost beside the tolerance: EbSynth's own values come down to 0 and below."""


@dataclass(frozen=True)
class Goal:
    """A measure's bound: `limit` gives it from a row's recorded scores, None where what it needs isn't known."""

    measure: str
    says: str
    limit: Callable[[Recorded], float | None]
    at_least: bool = False

    def met(self, value: float, bound: float, slack: float = 0.0) -> bool:
        """Is the value within the bound, or beyond it by no more than `slack`?"""
        allowed = slack + 1e-9
        return value >= bound - allowed if self.at_least else value <= bound + allowed


def _fixed(bound: float) -> Callable[[Recorded], float | None]:
    return lambda row: bound


def _share(picture: str, measure: str, share: float) -> Callable[[Recorded], float | None]:
    def limit(row: Recorded) -> float | None:
        value = row.get(picture, {}).get(measure, math.nan)
        return None if math.isnan(value) else share * value

    return limit


def _better(measure: str, largest: bool = False) -> Callable[[Recorded], float | None]:
    """The better one of EbSynth's pictures."""

    def limit(row: Recorded) -> float | None:
        values = [row[name].get(measure, math.nan) for name in RIVALS if name in row]
        values = [value for value in values if not math.isnan(value)]
        return (max(values) if largest else min(values)) if values else None

    return limit


GOALS = (
    Goal("mid", "at least .95 of the keys' fine band in the middle", _fixed(0.95), at_least=True),
    Goal("mid", "at most 1.05 of it", _fixed(1.05)),
    Goal("pop", "keys at most 1.03 of their neighbours' band", _fixed(1.03)),
    Goal("coh", "at most 1.2 of EbSynth nearest's", _share("EbSynth nearest", "coh", 1.2)),
    Goal("warp", "at most .8 of EbSynth nearest's", _share("EbSynth nearest", "warp", 0.8)),
    Goal("warpF", "at most .8 of EbSynth nearest's", _share("EbSynth nearest", "warpF", 0.8)),
    Goal("jump", "no step above twice the mean", _fixed(2.0)),
    Goal("still", "no livelier than EbSynth's better picture", _better("still")),
    Goal("gram", "at most half of what it was before", _share("before", "gram", 0.5)),
)


def missed(row: Recorded) -> list[str]:
    """The goals that a row alone misses, each with its value and bound."""
    out = []
    for goal in GOALS:
        bound, value = goal.limit(row), row["Restrip"].get(goal.measure, math.nan)
        if bound is not None and not math.isnan(value) and not goal.met(value, bound):
            out.append(f"{goal.measure} {value:.2f} ({'>=' if goal.at_least else '<='} {bound:.2f})")
    return out


def worse(row: Recorded) -> list[str]:
    """Where a row is worse than EbSynth's better picture by more than a tenth."""
    out = []
    for measure in ("mid", "pop", "coh", "warp", "warpF", "still", "gram"):
        largest = measure == "mid"
        bound, value = _better(measure, largest)(row), row["Restrip"].get(measure, math.nan)
        if bound is None or math.isnan(value):
            continue
        slack = TOLERANCE * abs(bound) + UNSEEN.get(measure, 0)
        if not Goal(measure, "", _fixed(bound), largest).met(value, bound, slack):
            out.append(f"{measure} {value:.2f} (EbSynth {bound:.2f})")
    return out


def in_the_mean(rows: Mapping[str, Recorded]) -> list[tuple[Goal, float, float, int]]:
    """For each goal: the mean value and bound over the rows where both are known, and how many these are."""
    out = []
    for goal in GOALS:
        pairs = [(row["Restrip"].get(goal.measure, math.nan), goal.limit(row)) for row in rows.values()]
        known = [(value, bound) for value, bound in pairs if bound is not None and not math.isnan(value)]
        if known:
            values, bounds = zip(*known, strict=True)
            out.append((goal, sum(values) / len(known), sum(bounds) / len(known), len(known)))
    return out
