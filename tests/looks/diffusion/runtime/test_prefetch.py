from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from restrip.looks.diffusion.runtime.prefetch import Prefetch, StepCounter


def test_what_comes_next_is_begun_once_and_forgotten_behind() -> None:
    begun: list[int] = []

    def prepare(number: int) -> int:
        begun.append(number)
        return number * 10

    with ThreadPoolExecutor(1) as pool:
        ahead = Prefetch(pool, prepare, 5)
        assert ahead.get([0, 1], 4) == {0: 0, 1: 10}
        assert ahead.get([0], 2) == {0: 0}  # a batch that is made again
        assert ahead.get([2, 3, 4], 4) == {2: 20, 3: 30, 4: 40}
        assert sorted(ahead.waiting) == [2, 3, 4]
    assert begun == [0, 1, 2, 3, 4]


def test_what_is_made_a_second_time_counts_once() -> None:
    told: list[tuple[int, int]] = []
    counter = StepCounter(lambda done, total, note="": told.append((done, total)), 5)
    for _ in range(3):
        counter.ticks(2)()
    assert told == [(2, 5), (4, 5), (5, 5)]
