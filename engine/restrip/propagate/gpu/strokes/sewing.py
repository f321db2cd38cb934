"""Laying out a frame of a key's pieces, in torch operations: the CPU's kernels/pieces.py, a band of rows at a time.

These are the reference of the Triton kernels, and do the work where there is no Triton. A field [H, W, 2] int16 holds
for each pixel the x, y of the key's pixel that is shown there; a style [H, W] int32 the key's 8-bit colours in one.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from restrip.propagate.energy.descriptors import NUMBERS
from restrip.propagate.energy.pieces import COSTS, FARTHEST, SHARE, UNTRUSTED
from restrip.propagate.gpu.bands import bands, rows_for
from restrip.propagate.gpu.patchmatch import noise_at
from restrip.propagate.gpu.planes import unsigned
from restrip.propagate.gpu.strokes.places import places

BYTES_A_PIXEL = 480  # of the band: descriptors of both as int32, their difference, indices
SIDES = ((0, 1), (1, 0), (0, -1), (-1, 0))
AROUND = [(dx, dy) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]


@dataclass(frozen=True, eq=False)
class Cloth:
    """What stays as it is while a frame is sewn: descriptors of it and of the key [H, W, 16] int16, the key's style
    [H, W] int32, the calm motion to it [H, W, 2], how far that is trusted [H, W], and the pieces before.
    """

    described: Tensor
    key: Tensor
    style: Tensor
    flow: Tensor
    sure: Tensor
    before: Tensor


@dataclass(frozen=True)
class Stitch:
    """Which half sweep: parity of x + y, how `far` the neighbours are (odd), radius of random places, how much is
    `seen` of a seam where motion can't be trusted, up to what trust places take part, and the seed of random places.
    """

    parity: int
    far: int
    radius: int
    seen: float
    surest: float
    seed: int


def packed_style(style: Tensor) -> Tensor:
    """[H, W] int32 of colours [H, W, 3] float32 in 16-bit code values, as 8 bit."""
    r, g, b = (style / 257).round_().to(torch.int32).unbind(2)
    return r | g << 8 | b << 16


def sew(cloth: Cloth, field: Tensor, stitch: Stitch, rows: int = 0) -> None:
    """One half sweep, in place, over the pixels of one parity of x + y, which read only pixels of the other."""
    h, w = cloth.sure.shape
    flat = field.view(-1, 2)
    for first, end in bands(h, rows or rows_for(w, BYTES_A_PIXEL)):
        at = torch.arange(first * w, end * w, device=field.device)
        at = at[((at % w + at // w + stitch.parity) % 2 == 0) & (cloth.sure.view(-1)[at] <= stitch.surest)]
        places = _SewnPlaces(cloth, flat, at, stitch.seen)
        bx, by = flat[at].to(torch.int64).unbind(1)
        found = bx, by, places.cost(bx, by)
        for dx, dy in SIDES:
            dx, dy = stitch.far * dx, stitch.far * dy
            there, inside = places.beside(dx, dy)
            cx, cy = flat[there].to(torch.int64).unbind(1)
            found = places.better(found, cx - dx, cy - dy, inside)
        lead = cloth.flow.reshape(-1, 2)[at]
        cx, cy = torch.floor(lead[:, 0] + places.x + 0.5), torch.floor(lead[:, 1] + places.y + 0.5)
        found = places.better(found, cx.to(torch.int64), cy.to(torch.int64))
        found = places.better(found, *cloth.before.view(-1, 2)[at].to(torch.int64).unbind(1))
        if stitch.radius:
            noise, side = noise_at(places.x, places.y, stitch.seed), 2 * stitch.radius + 1
            cx = found[0] - stitch.radius + (((noise >> 20) * side) >> 12)
            cy = found[1] - stitch.radius + ((((noise >> 8) & 0xFFF) * side) >> 12)
            found = places.better(found, cx, cy, places.trust < UNTRUSTED)
        flat[at] = torch.stack(found[:2], 1).to(torch.int16)


Found = tuple[Tensor, Tensor, Tensor]


class _SewnPlaces:
    """Some pixels of a frame, and what it costs to show the key's there."""

    def __init__(self, cloth: Cloth, field: Tensor, at: Tensor, seen: float) -> None:
        self.height, self.width = cloth.sure.shape
        self.at, self.x, self.y = at, at % self.width, at // self.width
        self.trust = cloth.sure.view(-1)[at]
        self._seen = seen + (1 - seen) * self.trust
        self._lead = cloth.flow.reshape(-1, 2)[at]
        self._own = cloth.described.view(-1, NUMBERS)[at].to(torch.int32)
        self._key, self._style = cloth.key.view(-1, NUMBERS), cloth.style.view(-1)
        bx, by = cloth.before.view(-1, 2)[at].to(torch.int64).unbind(1)
        self._before = self._style[by * self.width + bx]
        self._sides = [self._side(field, dx, dy) for dx, dy in SIDES]

    def _side(self, field: Tensor, dx: int, dy: int) -> tuple[Tensor, ...]:
        """Whether there is a neighbour, what it shows, that one's colour, and that of what would go on from it here."""
        there, inside = self.beside(dx, dy)
        nx, ny = field[there].to(torch.int64).unbind(1)
        return inside, nx, ny, self._style[ny * self.width + nx], self._colour(nx - dx, ny - dy)

    def _colour(self, x: Tensor, y: Tensor) -> Tensor:
        return self._style[y.clamp(0, self.height - 1) * self.width + x.clamp(0, self.width - 1)]

    def beside(self, dx: int, dy: int) -> tuple[Tensor, Tensor]:
        """The pixels so far away, and whether they are in the picture."""
        x, y = self.x + dx, self.y + dy
        inside = (x >= 0) & (x < self.width) & (y >= 0) & (y < self.height)
        return y.clamp(0, self.height - 1) * self.width + x.clamp(0, self.width - 1), inside

    def better(self, best: Found, x: Tensor, y: Tensor, known: Tensor | None = None) -> Found:
        """The best, or x, y where that costs less, lies in the key and is `known`."""
        inside = (x >= 0) & (x < self.width) & (y >= 0) & (y < self.height)
        inside = inside if known is None else inside & known
        x, y = x.clamp(0, self.width - 1), y.clamp(0, self.height - 1)
        cost = self.cost(x, y)
        taken = inside & (cost < best[2])
        return torch.where(taken, x, best[0]), torch.where(taken, y, best[1]), torch.where(taken, cost, best[2])

    def cost(self, x: Tensor, y: Tensor) -> Tensor:
        """What it costs to show the key's pixel x, y beside what the four neighbours show."""
        fit, most, tie, slack, steady, seam, torn, again = COSTS
        apart = self._own - self._key[y * self.width + x]
        misfit = SHARE * apart.mul_(apart).sum(1, dtype=torch.int32).to(torch.float32)
        cost = fit * misfit.clamp_(max=most)
        gx, gy = (x - self.x).to(torch.float32) - self._lead[:, 0], (y - self.y).to(torch.float32) - self._lead[:, 1]
        cost = cost + self.trust * tie * (gx * gx + gy * gy - slack).clamp_(0, FARTHEST)
        own = self._style[y * self.width + x]
        cost = cost + steady * unlike(own, self._before)
        for (dx, dy), (inside, nx, ny, colour, onward) in zip(SIDES, self._sides, strict=True):
            shown = unlike(own, onward) + unlike(self._colour(x + dx, y + dy), colour)
            more = cost + (seam * (torn - (torn - 1) * self.trust) + self._seen * shown)
            more = torch.where((nx == x) & (ny == y), more + (1 - self.trust) * again, more)
            cost = torch.where(inside & ((nx - dx != x) | (ny - dy != y)), more, cost)
        return cost


def unlike(a: Tensor, b: Tensor) -> Tensor:
    """Squared difference of colours in int32."""
    total = ((a & 255) - (b & 255)).square_()
    for shift in (8, 16):
        total += ((a >> shift & 255) - (b >> shift & 255)).square_()
    return total.to(torch.float32)


def moved(field: Tensor, step: Tensor) -> Tensor:
    """Where the pieces of the last frame's field lie now; `step` [H, W, 2] leads to that frame; whole pixels."""
    at = places(step).to(torch.int64)
    return field.view(-1, 2)[at[..., 1] * field.shape[1] + at[..., 0]]


def judge(described: Tensor, key: Tensor, field: Tensor, rows: int = 0) -> Tensor:
    """How badly the key's source fits the frame there, in squared code values, and 1/4 a seam: [2, H, W]."""
    h, w = field.shape[:2]
    out, flat = torch.empty((2, h, w), device=field.device), field.view(-1, 2)
    for first, end in bands(h, rows or rows_for(w, BYTES_A_PIXEL)):
        at = torch.arange(first * w, end * w, device=field.device)
        x, y = at % w, at // w
        cx, cy = flat[at].to(torch.int64).unbind(1)
        apart = described.view(-1, NUMBERS)[at].to(torch.int32) - key.view(-1, NUMBERS)[cy * w + cx]
        seams = torch.zeros(len(at), device=field.device)
        for dx, dy in SIDES:
            inside = (x + dx >= 0) & (x + dx < w) & (y + dy >= 0) & (y + dy < h)
            nx, ny = flat[(y + dy).clamp(0, h - 1) * w + (x + dx).clamp(0, w - 1)].to(torch.int64).unbind(1)
            seams += 0.25 * (inside & ((nx - dx != cx) | (ny - dy != cy)))
        misfit = SHARE * apart.mul_(apart).sum(1, dtype=torch.int32).to(torch.float32)
        out[:, first:end] = torch.stack([misfit, seams]).view(2, end - first, w)
    return out


def lay(packed: Tensor, field: Tensor, shares: tuple[float, float], rows: int = 0) -> Tensor:
    """The picture that a field shows, planes [3, H, W] in the key's code values, softened only across seams.

    Each pixel is the mean of what the 3x3 patches over it say, weighted 1, and `shares` of it beside it and at the
    corners. `packed` is the key's (exemplar.py).
    """
    h, w = field.shape[:2]
    out, flat = torch.empty((3, h, w), device=field.device), field.view(-1, 2)
    for first, end in bands(h, rows or rows_for(w, BYTES_A_PIXEL)):
        at = torch.arange(first * w, end * w, device=field.device)
        x, y = at % w, at // w
        sums, total = torch.zeros((len(at), 3), device=field.device), torch.zeros(len(at), device=field.device)
        for dx, dy in AROUND:
            inside = (x + dx >= 0) & (x + dx < w) & (y + dy >= 0) & (y + dy < h)
            sx, sy = flat[(y + dy).clamp(0, h - 1) * w + (x + dx).clamp(0, w - 1)].to(torch.int64).unbind(1)
            place = (sy - dy).clamp(0, h - 1) * w + (sx - dx).clamp(0, w - 1)
            share = (1.0, *shares)[abs(dx) + abs(dy)] * inside
            sums += share[:, None] * unsigned(packed.view(-1, 8)[place, :3])
            total += share
        out[:, first:end] = (sums / total[:, None]).T.reshape(3, end - first, w)
    return out
