from __future__ import annotations

from pathlib import Path

import pytest

from restrip.looks.diffusion.runtime.speed.break_even import COST_S, FOUND, STAYS, BreakEven, Costs

KIND = "a GPU, 8 rows"


def batches(costs: BreakEven, *seconds: float, compiled: bool, rows: int = 8 * 15) -> None:
    for each in seconds:
        costs.took(KIND, each, rows, compiled=compiled)


def test_nothing_is_compiled_before_its_time_is_known(tmp_path: Path) -> None:
    costs = BreakEven(tmp_path / "measured.json")
    assert not costs.pays(KIND, 10**9)
    batches(costs, 5.0, compiled=False)  # the first one of a process loads what all of them need
    assert not costs.pays(KIND, 10**9)
    batches(costs, 1.2, compiled=False)
    rows = COST_S / (0.01 * (1 - STAYS))
    assert costs.pays(KIND, int(rows * 1.01)) and not costs.pays(KIND, int(rows * 0.99))


def test_what_was_measured_decides_in_another_process(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "measured.json"
    first = BreakEven(path)
    batches(first, 5.0, 1.2, compiled=False)
    batches(first, 40.6, 0.6, compiled=True)
    assert first.pays(KIND, 1), "it is compiled"
    later = BreakEven(path)
    assert later.costs(KIND) == Costs(0.01, 0.005, 40.0)
    rows = FOUND * 40.0 / 0.005
    assert later.pays(KIND, int(rows * 1.01)) and not later.pays(KIND, int(rows * 0.99))
    batches(later, 2.6, 0.6, compiled=True)
    assert BreakEven(path).costs(KIND).compiling_s == pytest.approx(2.0)
    assert not BreakEven(path).pays("a GPU, 4 rows", 10**9)


def test_a_way_that_is_no_faster_is_never_gone(tmp_path: Path) -> None:
    path = tmp_path / "measured.json"
    costs = BreakEven(path)
    batches(costs, 1.2, 1.2, compiled=False)
    batches(costs, 9.0, 1.3, compiled=True)
    assert not BreakEven(path).pays(KIND, 10**9)


@pytest.mark.parametrize("content", ["", "[]", '{"a GPU, 8 rows": 3}', '{"a GPU, 8 rows": {"plain_s": "x"}}'])
def test_a_file_that_says_nothing_is_none(content: str, tmp_path: Path) -> None:
    path = tmp_path / "measured.json"
    path.write_text(content)
    costs = BreakEven(path)
    assert costs.costs(KIND) == Costs()
    batches(costs, 1.2, 1.2, compiled=False)
    assert BreakEven(path).costs(KIND) == Costs(0.01)


def test_a_place_that_takes_no_file_costs_no_key(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    costs = BreakEven(tmp_path / "file" / "measured.json")
    batches(costs, 1.2, 1.2, compiled=False)
    assert costs.costs(KIND) == Costs(0.01)
