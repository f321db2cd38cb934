"""Laying whole blocks where pieces have fallen to shards, in torch operations: the CPU's kernels/blocks.py.

These are the reference of the Triton kernel, and do the work where there is no Triton.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from restrip.propagate.energy.blocks import (
    AGAIN,
    AROUND,
    CHEAPER,
    MOST,
    NEAR,
    RADII,
    RANDOM,
    SEAM,
    SEEN,
    SHARDS,
    SIDE,
    UNTRUSTED,
)
from restrip.propagate.energy.descriptors import NUMBERS
from restrip.propagate.gpu.bands import bands, rows_for
from restrip.propagate.gpu.patchmatch import noise_at
from restrip.propagate.gpu.strokes.sewing import SIDES, Cloth, unlike

BYTES_A_PIXEL = 640  # of the band: descriptors of both as int32, their difference, indices as int64
BESIDE = ((-1, 0), (0, -1), (1, 0), (0, 1))  # blocks beside one, as dx, dy, in the order in which they are tried


@dataclass(frozen=True)
class Checkerboard:
    """Which blocks: those of one `parity` of row + column on a board that is moved by `shift` up and left; the seed of
    random places.
    """

    parity: int
    shift: int
    seed: int


def lay_blocks(cloth: Cloth, field: Tensor, turn: Checkerboard, rows: int = 0) -> None:
    """Lay the blocks of one colour of a chessboard anew from one place each, where that is far cheaper; in place."""
    h, w = cloth.sure.shape
    down, columns = -(-(h + turn.shift) // SIDE), -(-(w + turn.shift) // SIDE)
    for first, end in bands(down, rows or max(1, rows_for(w, BYTES_A_PIXEL) // SIDE)):
        at = torch.arange(first * columns, end * columns, device=field.device)
        row, column = at // columns, at % columns
        mine = (row + column) % 2 == turn.parity
        blocks = _Blocks(cloth, field, row[mine] * SIDE - turn.shift, column[mine] * SIDE - turn.shift)
        if blocks.some:
            blocks.lay(turn.seed)


class _Blocks:
    """Those of some blocks that begin at rows `y` and columns `x` (some of them outside) where motion isn't trusted."""

    def __init__(self, cloth: Cloth, field: Tensor, y: Tensor, x: Tensor) -> None:
        self._cloth, self._field = cloth, field.view(-1, 2)
        self._h, self._w = cloth.sure.shape
        self._set(y, x)
        untrusted = (cloth.sure.view(-1)[self._at] < UNTRUSTED) & self._inside
        whole = (self._end - self._top) * (self._right - self._left)
        taken = (whole > 0) & (4 * untrusted.sum(1) >= 3 * whole)
        self._set(y[taken], x[taken])
        self.some = len(self._at) > 0
        self._own = cloth.described.view(-1, NUMBERS)[self._at].to(torch.int32)

    def _set(self, y: Tensor, x: Tensor) -> None:
        h, w = self._h, self._w
        self._top, self._left = y.clamp(min=0), x.clamp(min=0)
        self._end, self._right = (y + SIDE).clamp(max=h), (x + SIDE).clamp(max=w)
        n = torch.arange(SIDE * SIDE, device=y.device)
        self._y, self._x = y[:, None] + n // SIDE, x[:, None] + n % SIDE
        self._inside = (self._y >= 0) & (self._y < h) & (self._x >= 0) & (self._x < w)
        self._y, self._x = self._y.clamp(0, h - 1), self._x.clamp(0, w - 1)
        self._at = self._y * w + self._x

    def lay(self, seed: int) -> None:
        """Lay them."""
        cx, cy = self._field[self._at].to(torch.int64).unbind(2)
        best = self._cost(cy, cx, inner=True)
        shards = best - self._cost(cy, cx) >= SHARDS * self._inside.sum(1)
        best = torch.where(shards, best * CHEAPER // 100, torch.zeros_like(best))  # nothing costs less than nothing
        my, mx = (self._top + self._end) // 2, (self._left + self._right) // 2
        own_y, own_x = self._way(my, mx)
        by, bx, found = own_y, own_x, torch.zeros_like(best, dtype=torch.bool)
        lead = self._cloth.flow.view(-1, 2)[my * self._w + mx]
        ways = [(torch.zeros_like(my), torch.zeros_like(mx)), (own_y, own_x)]
        ways.append((torch.floor(lead[:, 1] + 0.5).to(torch.int64), torch.floor(lead[:, 0] + 0.5).to(torch.int64)))
        ways += [
            self._way((my + SIDE * dy).clamp(0, self._h - 1), (mx + SIDE * dx).clamp(0, self._w - 1))
            for dx, dy in BESIDE
        ]
        for turn in range(len(ways) + NEAR + RANDOM):
            if turn < len(ways):
                dy, dx = ways[turn]
            else:
                dy, dx = self._somewhere(noise_at(mx, my, seed + turn), turn - len(ways), by, bx)
            known = (self._top + dy >= 0) & (self._end + dy <= self._h)
            known &= (self._left + dx >= 0) & (self._right + dx <= self._w)
            cost = self._cost(
                (self._y + dy[:, None]).clamp(0, self._h - 1), (self._x + dx[:, None]).clamp(0, self._w - 1)
            )
            taken = known & (cost < best)
            by, bx, best = torch.where(taken, dy, by), torch.where(taken, dx, bx), torch.where(taken, cost, best)
            found |= taken
        laid = self._inside & found[:, None]
        places = torch.stack([self._x + bx[:, None], self._y + by[:, None]], 2)
        self._field[self._at[laid]] = places[laid].to(torch.int16)

    def _somewhere(self, noise: Tensor, n: int, by: Tensor, bx: Tensor) -> tuple[Tensor, Tensor]:
        """Near the best, and after these anywhere."""
        a, b, radius = noise >> 20, (noise >> 8) & 0xFFF, max(AROUND >> (n % RADII), 1)
        if n < NEAR:
            return by - radius + ((a * (2 * radius + 1)) >> 12), bx - radius + ((b * (2 * radius + 1)) >> 12)
        down, across = self._h - self._end + self._top + 1, self._w - self._right + self._left + 1
        return ((a * down) >> 12) - self._top, ((b * across) >> 12) - self._left

    def _way(self, y: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """From pixels of the frame to what they show of the key."""
        cx, cy = self._field[y * self._w + x].to(torch.int64).unbind(1)
        return cy - y, cx - x

    def _cost(self, cy: Tensor, cx: Tensor, inner: bool = False) -> Tensor:
        """What each block costs that shows these of the key's pixels, [blocks, SIDE * SIDE] each; with `inner` seams
        within are counted, where it shows what the field has.
        """
        key, w = self._cloth.key.view(-1, NUMBERS), self._w
        off = self._own - key[cy * w + cx]
        cost = off.mul_(off).sum(2, dtype=torch.int32).clamp_(max=MOST).to(torch.int64)
        for dx, dy in SIDES:
            x, y = self._x + dx, self._y + dy
            within = (y >= self._top[:, None]) & (y < self._end[:, None])
            within &= (x >= self._left[:, None]) & (x < self._right[:, None])
            seen = (y >= 0) & (y < self._h) & (x >= 0) & (x < w) & (~within | (inner and dx + dy > 0))
            cost += seen * self._seam(y.clamp(0, self._h - 1) * w + x.clamp(0, w - 1), cy, cx, dy, dx)
        return (cost * self._inside).sum(1)

    def _seam(self, there: Tensor, cy: Tensor, cx: Tensor, dy: int, dx: int) -> Tensor:
        """What it costs that the key's pixels are shown beside what the field has `there`, at dy, dx."""
        bx, by = self._field[there].to(torch.int64).unbind(2)
        shown = unlike(self._colour(cy, cx), self._colour(by - dy, bx - dx)).to(torch.int64)
        shown += unlike(self._colour(cy + dy, cx + dx), self._colour(by, bx)).to(torch.int64)
        cost = SEAM + AGAIN * ((by == cy) & (bx == cx)) + SEEN * shown
        return torch.where((by - dy == cy) & (bx - dx == cx), torch.zeros_like(cost), cost)

    def _colour(self, y: Tensor, x: Tensor) -> Tensor:
        return self._cloth.style.view(-1)[y.clamp(0, self._h - 1) * self._w + x.clamp(0, self._w - 1)]
