"""The patch search: a texture that moved by whole pixels, and rules that hold for any picture."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import constant_flow, inside, texture

from restrip.propagate.cpu.descriptors import describe
from restrip.propagate.cpu.kernels.patchmatch import start, sweep

SIZE = (60, 44)
NONE = np.empty((0, 0, 2), np.int16)


class Search:
    """A frame's descriptors against a key's, and the field between them; `tie` is 0 unless given."""

    def __init__(self, frame: np.ndarray, key: np.ndarray, flow: np.ndarray, tie: float = 0.0) -> None:
        self.frame, self.key = describe(frame).reshape(-1), describe(key).reshape(-1)
        self.flow, self.tie = flow, np.float32(tie)
        self.field, self.errors = np.empty(flow.shape, np.int16), np.empty(flow.shape[:2], np.float32)

    def start(self, before: np.ndarray = NONE, step: np.ndarray | None = None) -> np.ndarray:
        step = self.flow if step is None else step
        start(self.frame, self.key, self.flow, self.tie, before, step, self.field, self.errors)
        return self.offsets()

    def sweep(self, parity: int, radius: int, quiet: float = -1.0, seed: int = 1, far: int = 1) -> np.ndarray:
        rest = parity, far, radius, np.float32(quiet), seed
        sweep(self.frame, self.key, self.flow, self.tie, self.field, self.errors, *rest)
        return self.offsets()

    def offsets(self) -> np.ndarray:
        h, w = self.errors.shape
        return self.field - np.dstack(np.meshgrid(np.arange(w), np.arange(h)))

    def distances(self) -> np.ndarray:
        """The errors that the field should have, by plain numpy."""
        h, w = self.errors.shape
        frame, key = (d.reshape(h, w, 16).astype(np.int64) for d in (self.frame, self.key))
        apart = ((frame - key[self.field[..., 1], self.field[..., 0]]) ** 2).sum(2)
        return apart + float(self.tie) * ((self.offsets() - self.flow) ** 2).sum(2)


def moved(by: tuple[int, int], seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """A key, and a frame that shows at x, y what lies at x + by[0], y + by[1] in the key."""
    key = texture(SIZE, seed)
    return np.roll(key, (-by[1], -by[0]), (0, 1)), key


def test_it_starts_where_the_motion_leads_rounded_and_inside():
    key = texture(SIZE, 1)
    search = Search(key, key, constant_flow(SIZE, 3.6, -2.4))
    offsets = search.start()
    assert (offsets[2:, :-4] == [4, -2]).all()
    assert (search.field[:, -4:, 0] == SIZE[0] - 1).all()
    assert (search.field[:2, :, 1] == 0).all()
    np.testing.assert_allclose(search.errors, search.distances(), rtol=1e-6)


def test_the_match_of_the_frame_before_counts_where_it_fits_better():
    frame, key = moved((5, 3))
    before = np.dstack(np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))).astype(np.int16)
    before[:, :30] += [6, 3]  # right for the left half, once the step of one pixel is taken
    before = np.clip(before, 0, np.subtract(SIZE, 1)).astype(np.int16)
    search = Search(frame, key, constant_flow(SIZE, 0, 0))
    offsets = search.start(before, constant_flow(SIZE, -1, 0))
    assert (offsets[4:-4, 6:26] == [5, 3]).all()
    assert (np.abs(offsets[4:-4, 34:-8]) <= 1).all()


@pytest.mark.parametrize("by", [(5, 3), (-9, 0), (0, 12)])
def test_it_finds_what_the_motion_missed(by):
    frame, key = moved(by)
    search = Search(frame, key, constant_flow(SIZE, 0, 0))
    search.start()
    for n, radius in enumerate((32, 8, 8)):
        for parity in (0, 1):
            search.sweep(parity, radius, seed=2 * n + parity)
    found = (inside(search.offsets(), 14) == by).all(2)
    assert found.mean() > 0.7
    np.testing.assert_allclose(search.errors, search.distances(), rtol=1e-5)


@pytest.mark.parametrize("far", [1, 3, 9])
def test_what_a_pixel_found_is_passed_on_and_only_one_colour_changes(far):
    frame, key = moved((5, 3))
    search = Search(frame, key, constant_flow(SIZE, 0, 0))
    search.start()
    search.field[20, 30] = 35, 23  # one pixel of the other colour knows
    search.errors = search.distances().astype(np.float32)
    before = search.offsets().copy()
    after = search.sweep(1, 0, far=far)  # 20 + 30 is even: the four around it are of parity 1
    changed = (before != after).any(2)
    y, x = np.nonzero(changed)
    assert ((x + y) % 2 == 1).all()
    for dy, dx in ((0, far), (0, -far), (far, 0), (-far, 0)):
        assert (after[20 + dy, 30 + dx] == [5, 3]).all()


def test_no_sweep_makes_an_error_larger_and_quiet_places_stay():
    frame, key = moved((7, -4), seed=5)
    search = Search(frame, key, constant_flow(SIZE, 1, 1))
    search.start()
    errors = search.errors.copy()
    field = search.field.copy()
    quiet = float(np.median(errors))
    search.sweep(0, 16, quiet=quiet)
    search.sweep(1, 16, quiet=quiet)
    assert (search.errors <= errors).all()
    changed = (search.field != field).any(2)
    assert changed.any()
    assert (errors[changed] > quiet).all()


def test_places_at_random_find_what_no_neighbour_knows():
    frame, key = moved((7, -4), seed=5)
    search = Search(frame, key, constant_flow(SIZE, 1, 1))
    search.start()
    field, errors = search.field.copy(), search.errors.copy()
    search.sweep(0, 0)
    only_from_neighbours = search.field.copy()
    search.field[:], search.errors[:] = field, errors
    search.sweep(0, 16)
    assert (search.errors <= errors).all()
    assert (search.field != only_from_neighbours).any()


def test_a_tie_holds_flat_places_at_the_motion():
    flat = np.full((SIZE[1], SIZE[0], 3), 120, np.uint8)
    search = Search(flat, flat, constant_flow(SIZE, 2, 1), tie=1.0)
    search.start()
    search.field[10:30, 10:30] = 0, 0
    search.errors = search.distances().astype(np.float32)
    for n in range(40):
        search.sweep(n & 1, 8, seed=n)
    assert (inside(search.offsets(), 3) == [2, 1]).all()


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (1, 20), (33, 47), (16, 5)])
def test_matches_lie_inside_the_key_whatever_the_size_and_the_motion(size):
    rng = np.random.default_rng(2)
    frame, key = (rng.integers(0, 256, (size[1], size[0], 3), np.uint8) for _ in range(2))
    flow = rng.normal(0, 100, (size[1], size[0], 2)).astype(np.float32)
    search = Search(frame, key, flow, tie=1.0)
    search.start()
    for n in range(6):
        search.sweep(n & 1, 64, seed=n)
    assert (search.field >= 0).all()
    assert (search.field < [*size]).all()
    np.testing.assert_allclose(search.errors, search.distances(), rtol=1e-4)


def test_the_same_search_gives_the_same_field():
    frame, key = moved((5, 3), seed=8)
    fields = []
    for _ in range(2):
        search = Search(frame, key, constant_flow(SIZE, 0, 0))
        search.start()
        for parity in (0, 1):
            search.sweep(parity, 32)
        fields.append(search.field)
    np.testing.assert_array_equal(*fields)
    np.testing.assert_array_equal(fields[0].shape, (SIZE[1], SIZE[0], 2))
