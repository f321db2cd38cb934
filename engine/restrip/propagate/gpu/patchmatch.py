"""The patch search on the device in torch operations: the kernels of search_cpu.py, a band of rows at a time.

These are the reference of the Triton kernels, and do the work where there is no Triton. Within a band every pixel of
one parity of x + y is worked on at once; the bands of a half sweep read nothing that it writes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from restrip.propagate.energy.descriptors import NUMBERS
from restrip.propagate.gpu.bands import bands, rows_for

_MASK = 0xFFFFFFFF
BYTES_A_PIXEL = 320  # of the band: descriptors of both as int32, their difference, indices


def start(
    described: tuple[Tensor, Tensor], flow: Tensor, tie: float, before: tuple[Tensor, Tensor] | None, rows: int = 0
) -> tuple[Tensor, Tensor]:
    """The field [H, W, 2] int16 and its errors [H, W] to begin with.

    `described` are frame and key [H, W, 16] int16, `flow` the motion to the key [H, W, 2]; `before` the field of the
    frame before and the motion to it. `rows` a time (0: as many as fit).
    """
    h, w = flow.shape[:2]
    field = torch.empty((h, w, 2), dtype=torch.int16, device=flow.device)
    errors = torch.empty((h, w), dtype=torch.float32, device=flow.device)
    for first, end in bands(h, rows or rows_for(w, BYTES_A_PIXEL)):
        places = _Places(described, flow, tie, torch.arange(first * w, end * w, device=flow.device))
        bx, by = _rounded(places.lead_x, w), _rounded(places.lead_y, h)
        best = places.error(bx, by)
        if before is not None:
            old, step = before[0].view(-1, 2), before[1].reshape(-1, 2)[places.at]
            px, py = _rounded(places.x + step[:, 0], w), _rounded(places.y + step[:, 1], h)
            cx, cy = old[py * w + px].to(torch.int64).unbind(1)
            bx, by, best = _better((bx, by, best), (cx, cy, places.error(cx, cy)))
        field[first:end] = torch.stack([bx, by], 1).to(torch.int16).view(end - first, w, 2)
        errors[first:end] = best.view(end - first, w)
    return field, errors


def sweep(
    described: tuple[Tensor, Tensor], flow: Tensor, tie: float, field: Tensor, errors: Tensor, turn: Turn, rows: int = 0
) -> None:
    """One half sweep, in place, over the pixels of one parity of x + y, which read only pixels of the other."""
    h, w = errors.shape
    flat_field, flat_errors = field.view(-1, 2), errors.view(-1)
    for first, end in bands(h, rows or 2 * rows_for(w, BYTES_A_PIXEL)):
        at = torch.arange(first * w, end * w, device=flow.device)
        at = at[((at % w + at // w + turn.parity) % 2 == 0) & (flat_errors[at] > turn.quiet)]
        places = _Places(described, flow, tie, at)
        bx, by = flat_field[at].to(torch.int64).unbind(1)
        found = bx, by, flat_errors[at]
        for dx, dy in ((0, turn.far), (turn.far, 0), (0, -turn.far), (-turn.far, 0)):
            there = (places.column + dx).clamp(0, w - 1) + (places.row + dy).clamp(0, h - 1) * w
            cx, cy = flat_field[there].to(torch.int64).unbind(1)
            cx, cy = cx - dx, cy - dy
            inside = (places.column + dx == there % w) & (places.row + dy == there // w)
            known = inside & (cx >= 0) & (cx < w) & (cy >= 0) & (cy < h)
            cx, cy = cx.clamp(0, w - 1), cy.clamp(0, h - 1)
            found = _better(found, (cx, cy, places.error(cx, cy).masked_fill(~known, torch.inf)))
        bx, by, best = _anywhere(places, found, turn)
        flat_field[at] = torch.stack([bx, by], 1).to(torch.int16)
        flat_errors[at] = best


@dataclass(frozen=True)
class Turn:
    """Which half sweep: parity of x + y, how `far` the neighbours are (odd), radius of its search, what is `quiet`, and
    the seed of its random places.
    """

    parity: int
    far: int
    radius: int
    quiet: float
    seed: int


class _Places:
    """Some pixels of a frame, and what a match of theirs is worth."""

    def __init__(self, described: tuple[Tensor, Tensor], flow: Tensor, tie: float, at: Tensor) -> None:
        self.height, self.width = flow.shape[:2]
        self.at, self.tie = at, tie
        self.column, self.row = at % self.width, at // self.width
        self.x, self.y = self.column.to(torch.float32), self.row.to(torch.float32)
        lead = flow.reshape(-1, 2)[at]
        self.lead_x, self.lead_y = self.x + lead[:, 0], self.y + lead[:, 1]
        self._own = described[0].view(-1, NUMBERS)[at].to(torch.int32)
        self._key = described[1].view(-1, NUMBERS)

    def error(self, x: Tensor, y: Tensor) -> Tensor:
        """Squared distance of the descriptors plus the tie to where the motion leads."""
        apart = self._own - self._key[y * self.width + x]
        gx, gy = x.to(torch.float32) - self.lead_x, y.to(torch.float32) - self.lead_y
        return apart.mul_(apart).sum(1, dtype=torch.int32).to(torch.float32) + self.tie * (gx * gx + gy * gy)


Found = tuple[Tensor, Tensor, Tensor]


def _better(best: Found, other: Found) -> Found:
    taken = other[2] < best[2]
    bx, by, error = (torch.where(taken, b, a) for a, b in zip(best, other, strict=True))
    return bx, by, error


def _anywhere(places: _Places, found: Found, turn: Turn) -> Found:
    """Random places around the best, within radius, radius / 2, ... 1, of pixels that are not quiet."""
    ox, oy, best = found
    loud, noise, radius = best > turn.quiet, noise_at(places.column, places.row, turn.seed), turn.radius
    while radius > 0:
        noise = (noise * 1664525 + 1013904223) & _MASK
        side = 2 * radius + 1
        cx = (ox - radius + (((noise >> 20) * side) >> 12)).clamp(0, places.width - 1)
        cy = (oy - radius + ((((noise >> 8) & 0xFFF) * side) >> 12)).clamp(0, places.height - 1)
        found = _better(found, (cx, cy, places.error(cx, cy).masked_fill(~loud, torch.inf)))
        radius >>= 1
    return found


def noise_at(x: Tensor, y: Tensor, seed: int) -> Tensor:
    """32 bits for each place x, y int64, the same for the same seed."""
    v = ((x * 0x9E3779B1) ^ (y * 0x85EBCA77) ^ seed) & _MASK
    v = ((v ^ (v >> 15)) * 0x2C1B3C6D) & _MASK
    return v ^ (v >> 13)


def _rounded(value: Tensor, side: int) -> Tensor:
    return torch.floor(value + 0.5).to(torch.int64).clamp(0, side - 1)
