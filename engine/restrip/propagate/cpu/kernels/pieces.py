"""Kernels that lay a frame out of pieces of one key, on the CPU: whole pixels of it, moved together.

A field [H, W, 2] int16 holds for each pixel the x, y of the key's pixel that is shown there. Where two neighbours come
from neighbouring places of the key there is no seam between them.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from restrip.propagate.cpu.kernels.candidates import GUESS, LANES, LED, below, every_bit, first_of, weighed
from restrip.propagate.cpu.kernels.compiler import EXACT, INLINE, njit
from restrip.propagate.cpu.kernels.patchmatch import TILE, _distance, _noise
from restrip.propagate.cpu.kernels.seams import (
    added_up,
    at_least,
    beside,
    each_of,
    going_on,
    parted,
    place_of,
    prices,
    seams_of,
    sewn_in,
    unlike_here,
)
from restrip.propagate.cpu.kernels.vectors import fetch_ahead
from restrip.propagate.energy.descriptors import NUMBERS
from restrip.propagate.energy.pieces import FARTHEST, SHARE, UNTRUSTED

_u = np.uintp
_SHARE = np.float32(SHARE)
_ENDLESS = np.float32(3e38)
_FARTHEST = np.float32(FARTHEST)
_UNTRUSTED = np.float32(UNTRUSTED)


@njit(inline="always", **EXACT)
def _apart(a, b):
    """Squared difference of two colours in uint32 each, as `colours` gives them."""
    r = np.int32(a & _u(255)) - np.int32(b & _u(255))
    g = np.int32((a >> _u(8)) & _u(255)) - np.int32((b >> _u(8)) & _u(255))
    c = np.int32(a >> _u(16)) - np.int32(b >> _u(16))
    return np.float32(r * r + g * g + c * c)


@njit(inline="always", **EXACT)
def _colour(style, y, x):
    return _u(style[_u(y), _u(x)])


@njit(inline="always", **EXACT)
def _within(value, end):
    return min(max(value, 0), end - 1)


@njit(inline="always", **EXACT)
def _tied(flow, trust, y, x, cy, cx, costs):
    """What it costs that the key's pixel cx, cy isn't where the motion from x, y leads."""
    gx, gy = np.float32(cx - x) - flow[y, x, 0], np.float32(cy - y) - flow[y, x, 1]
    return trust * costs[2] * min(max(gx * gx + gy * gy - costs[3], np.float32(0)), _FARTHEST)


@njit(inline="always", **EXACT)
def _fit(frame, key, w, y, x, cy, cx, costs):
    """What it costs that the key's source isn't the frame there."""
    apart = _distance(frame, key, _u((y * w + x) * NUMBERS), _u((cy * w + cx) * NUMBERS))
    return costs[0] * min(_SHARE * apart, costs[1])


@njit(inline="always", **EXACT)
def _led(flow, y, x):
    """The whole pixel that the motion leads to."""
    fx, fy = np.float32(x) + flow[y, x, 0], np.float32(y) + flow[y, x, 1]
    return np.int64(np.floor(fx + np.float32(0.5))), np.int64(np.floor(fy + np.float32(0.5)))


@njit(parallel=True, **EXACT)
def misled(frame, key, flow, misfit):
    """How badly the key's source fits where a flow leads, in squared code values: into `misfit` [H, W]."""
    h, w = misfit.shape
    for row in prange(h):
        y = np.int64(row)
        for x in range(w):
            cx, cy = _led(flow, y, x)
            there = _u((_within(cy, h) * w + _within(cx, w)) * NUMBERS)
            misfit[y, x] = _SHARE * _distance(frame, key, _u((y * w + x) * NUMBERS), there)


@njit(parallel=True, **EXACT)
def begin(frame, key, style, flow, misfit, sure, before, costs, own, lead, led, paint):
    """What it costs, seams aside, to show what `before` has, into `own` [H, W], and to follow the motion, into `lead`.

    Where the motion leads is put into `led` [H, W] uint32, as `place_of`; out of the key that is what `before` has, and
    endless. `misfit` is that of `misled`, `style` that of `sew`; `paint` [H, W] uint32 becomes what is shown.
    """
    h, w = sure.shape
    for row in prange(h):
        y = np.int64(row)
        for x in range(w):
            bx, by = np.int64(before[y, x, 0]), np.int64(before[y, x, 1])
            trust, colour = sure[y, x], _colour(style, by + 1, bx + 1)
            own[y, x] = _fit(frame, key, w, y, x, by, bx, costs) + _tied(flow, trust, y, x, by, bx, costs)
            cx, cy = _led(flow, y, x)
            lead[y, x], led[y, x], paint[y, x] = _ENDLESS, place_of(by, bx), np.uint32(colour)
            if 0 <= cx < w and 0 <= cy < h:
                cost = costs[0] * min(misfit[y, x], costs[1]) + _tied(flow, trust, y, x, cy, cx, costs)
                lead[y, x] = cost + costs[4] * _apart(_colour(style, cy + 1, cx + 1), colour)
                led[y, x] = place_of(cy, cx)


@njit(**INLINE)
def _place(number):
    """The y and x that `place_of` made this number of; they may lie outside the key."""
    return np.int64(np.int16(number >> 16)), np.int64(np.int16(number & 0xFFFF))


@njit(**INLINE)
def _at_random(x, y, place, radius, turn):
    """A place at random within `radius` of another; it may lie outside the key."""
    noise = _noise(x, y, turn)
    cy, cx = _place(place)
    cx += ((np.int64(noise >> np.uint32(20)) * (2 * radius + 1)) >> 12) - radius
    cy += ((np.int64((noise >> np.uint32(8)) & np.uint32(0xFFF)) * (2 * radius + 1)) >> 12) - radius
    return place_of(cy, cx)


@njit(parallel=True, **EXACT)
def sew(
    frame,
    key,
    style,
    flow,
    sure,
    field,
    before,
    own,
    lead,
    led,
    paint,
    changed,
    costs,
    parity,
    far,
    radius,
    seen,
    surest,
    known,
    turn,
):
    """One half sweep over the pixels of one parity of x + y, which read only pixels of the other (`far` is odd).

    Each tries what four others show, `far` pixels to each side, moved along; where the motion leads; what `before`
    has; and where the motion is not `sure` [H, W] a place at random within `radius` of its own. `frame` and `key` are
    flat descriptors, `style` [H + 2, W + 2] uint32 the key's colours, edges repeated; `costs` are fit, most, tie,
    slack, steady, seam, torn, again. `seen` is how much is counted of what a seam shows where the motion is not sure.
    Where it is more than `surest` all is left as it is. `field` and `before` are [H, W] uint32, as `place_of`; `own`,
    `lead`, `led` and `paint` are those of `begin`, and kept up to date.

    `turn` is the half sweep's number, from 1 on, and `changed` [H + 2, W + 2] uint8 that in which a pixel was changed
    last (0: in none). Where the motion is at most as sure as `known` the sweep before tried the same at the same costs:
    where the motion leads and what `before` has is only tried again beside a pixel that was changed since.

    Most pixels lie within a piece and are dear to no other. What a place costs at least is told by ever more: what all
    places cost by themselves, at once (candidates.py); what the place shows beside its neighbours; what they show
    beside it; and last, for that is read from afar (and fetched ahead), how it fits.
    """
    h, w = sure.shape
    across = (w + TILE - 1) // TILE
    for tile in prange(across * ((h + TILE - 1) // TILE)):
        top, left = np.int64(tile) // across * TILE, np.int64(tile) % across * TILE
        tries, alones, leasts = np.empty(LANES, np.uint32), np.empty(LANES, np.float32), np.empty(LANES, np.float32)
        for y in range(top, min(top + TILE, h)):
            for x in range(left + ((left + y + parity) & 1), min(left + TILE, w), 2):
                trust = sure[_u(y), _u(x)]
                if trust > surest:
                    continue
                mine, alone, price = field[_u(y), _u(x)], own[_u(y), _u(x)], prices(trust, costs, seen)
                at, there = beside(h, w, y, x, 1)
                far_at, far_there = beside(h, w, y, x, far)
                near = going_on(field, at, 1)
                a, b = changed[_u(y), _u(x + 1)] == turn - 1, changed[_u(y + 1), _u(x)] == turn - 1
                c, d = changed[_u(y + 2), _u(x + 1)] == turn - 1, changed[_u(y + 1), _u(x + 2)] == turn - 1
                fresh, lost = (trust > known) | a | b | c | d, radius > 0 and trust < _UNTRUSTED
                was, guess = before[_u(y), _u(x)], _at_random(x, y, mine, radius, turn)
                others = going_on(field, far_at, far)
                terms = trust * costs[2], costs[3], price[0]
                worth = weighed(
                    (*others, led[_u(y), _u(x)], was, guess),
                    mine,
                    (*far_there, every_bit(fresh), every_bit(fresh), every_bit(lost)),
                    (np.int32(h), np.int32(w)),
                    (np.int32(x), np.int32(y)),
                    (flow[y, x, 0], flow[y, x, 1]),
                    terms,
                    near,
                    there,
                    lead[_u(y), _u(x)],
                    tries,
                    alones,
                    leasts,
                )
                lone = parted(near, there, mine)
                if lone == 0:
                    worth &= below(leasts, alone)
                if worth == 0:
                    continue
                seams = seams_of(style, field, paint, near, there, at)
                best = alone
                if lone > 0:
                    cy, cx = _place(mine)
                    here = _u((cy + 1) * (w + 2) + cx + 1)
                    unlike = unlike_here(style[_u(cy + 1), _u(cx + 1)], seams)
                    best = sewn_in(alone, style, here, mine, unlike, seams, price)
                    worth &= below(leasts, best)
                cy, cx = _place(was)
                steady, better = _colour(style, cy + 1, cx + 1), False
                while worth != 0:
                    n = first_of(worth)
                    worth = np.uint32(worth & (worth - np.uint32(1)))
                    place, cost = tries[n], alones[n]
                    cy, cx = _place(place)
                    here, colour = _u((cy + 1) * (w + 2) + cx + 1), style[_u(cy + 1), _u(cx + 1)]
                    tied, calm = cost, costs[4] * _apart(_u(colour), steady)
                    if n != LED:
                        cost = tied + calm
                    unlike = unlike_here(colour, seams)
                    if at_least(cost, unlike, seams, price, place) >= best:
                        continue
                    fetch_ahead(key, _u((cy * w + cx) * NUMBERS))
                    fetch_ahead(frame, _u((y * w + x) * NUMBERS))
                    sides = each_of(style, here, place, unlike, seams, price)
                    total = added_up(cost, sides)
                    if total >= best:
                        continue
                    if n != LED:
                        cost = _fit(frame, key, w, y, x, cy, cx, costs) + tied + calm
                        total = added_up(cost, sides)
                    if total < best:
                        mine, best, alone, better = place, total, cost, True
                        if lost and n < GUESS:
                            guess = _at_random(x, y, mine, radius, turn)
                            cy, cx = _place(guess)
                            tries[GUESS], alones[GUESS] = guess, _tied(flow, trust, y, x, cy, cx, costs)
                            worth = np.uint32(worth & np.uint32((1 << GUESS) - 1))
                            if guess != mine and _u(cx) < _u(w) and _u(cy) < _u(h):
                                worth = np.uint32(worth | np.uint32(1 << GUESS))
                if better:
                    field[_u(y), _u(x)], own[_u(y), _u(x)], changed[_u(y + 1), _u(x + 1)] = mine, alone, turn
                    cy, cx = _place(mine)
                    paint[_u(y), _u(x)] = style[_u(cy + 1), _u(cx + 1)]


@njit(parallel=True, **EXACT)
def moved(field, step, out):
    """Where the pieces of the last frame's field lie now; `step` [H, W, 2] leads to that frame; whole pixels."""
    h, w = out.shape[:2]
    for row in prange(h):
        y = np.int64(row)
        for x in range(w):
            px, py = _led(step, y, x)
            px, py = _within(px, w), _within(py, h)
            out[y, x, 0], out[y, x, 1] = field[py, px, 0], field[py, px, 1]


@njit(parallel=True, **EXACT)
def places(flow, out):
    """The field [H, W, 2] of the whole pixels that a flow leads to."""
    h, w = out.shape[:2]
    for row in prange(h):
        y = np.int64(row)
        for x in range(w):
            px, py = _led(flow, y, x)
            out[y, x, 0], out[y, x, 1] = _within(px, w), _within(py, h)


@njit(parallel=True, **EXACT)
def judge(frame, key, field, misfit, seams):
    """How badly the key's source fits the frame there, in squared code values, and 1/4 a seam: into [H, W] float32."""
    h, w = misfit.shape
    for row in prange(h):
        y = np.int64(row)
        for x in range(w):
            cx, cy = np.int64(field[y, x, 0]), np.int64(field[y, x, 1])
            misfit[y, x] = _SHARE * _distance(frame, key, _u((y * w + x) * NUMBERS), _u((cy * w + cx) * NUMBERS))
            count = 0
            for side in range(4):
                dx, dy = (side & 1) * (1 - (side & 2)), (1 - (side & 1)) * (1 - (side & 2))
                if 0 <= x + dx < w and 0 <= y + dy < h:
                    nx, ny = np.int64(field[y + dy, x + dx, 0]), np.int64(field[y + dy, x + dx, 1])
                    count += np.int64(nx - dx != cx or ny - dy != cy)
            seams[y, x] = np.float32(0.25) * np.float32(count)
