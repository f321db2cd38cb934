from __future__ import annotations

import torch

from restrip.looks import open_look
from restrip.looks.diffusion.runtime.lru import KEPT, LruCache
from restrip.looks.diffusion.sampling import inversion
from restrip.timeline import Key


def test_only_what_is_missing_is_computed() -> None:
    recent, asked = LruCache(), []

    def compute(numbers: list[int]) -> torch.Tensor:
        asked.append(numbers)
        return torch.tensor([[float(n)] for n in numbers])

    assert recent.get(["a", "b"], compute).tolist() == [[0.0], [1.0]]
    assert recent.get(["b", "c", "a"], compute).tolist() == [[1.0], [1.0], [0.0]]
    assert asked == [[0, 1], [1]]


def test_few_are_kept_and_those_that_broke_are_dropped() -> None:
    recent = LruCache()
    recent.get(["x", "y"], lambda numbers: torch.tensor([[torch.nan], [1.0]]))
    recent.drop(["x", "never known"])
    assert list(recent.rows) == ["y"]
    for n in range(KEPT + 5):
        recent.get([n], lambda numbers: torch.zeros(1, 1))
    assert list(recent.rows) == list(range(5, KEPT + 5))


def test_trying_seeds_recovers_the_noise_once(picture, moved, silent, monkeypatch) -> None:
    calls, real = [], inversion.exact
    monkeypatch.setattr(inversion, "exact", lambda *a: calls.append(len(a[1])) or real(*a))
    settings = {"steps": 4, "width": 64, "height": 48, "noise": "exact", "randomness": 0.5, "anchor": False}
    look = open_look("sd:tiny", settings)
    pictures = [look.stylize([picture], [Key(0, seed=n)], silent.report)[0].picture.rgb for n in range(3)]
    assert calls == [1] and (pictures[0] != pictures[1]).any()
    look.stylize([picture, moved(5)], [Key(0), Key(1)], silent.report)
    assert calls == [1, 1]
