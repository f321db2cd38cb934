"""Regions that grow from seeds meet on the ridges."""

from __future__ import annotations

import numpy as np

from restrip.propagate.cpu.kernels.flood import flood


def test_two_regions_meet_on_the_ridge_however_near_a_seed_it_is():
    heights = np.full((20, 40), 10, np.uint8)
    heights[:, 8] = 200
    seeds = np.zeros((20, 40), np.int32)
    seeds[10, 2], seeds[10, 38] = 1, 2
    flood(heights, seeds)
    assert (seeds[:, :8] == 1).all() and (seeds[:, 9:] == 2).all()


def test_on_a_plain_they_meet_in_the_middle_and_nothing_is_left_out():
    seeds = np.zeros((21, 41), np.int32)
    seeds[10, 5], seeds[10, 35] = 7, 9
    flood(np.zeros((21, 41), np.uint8), seeds)
    assert (seeds[:, :20] == 7).all() and (seeds[:, 21:] == 9).all()


def test_a_valley_is_filled_by_the_seed_in_it_before_it_flows_over():
    heights = np.full((15, 30), 60, np.uint8)
    heights[:, 14] = 120
    heights[5:10, 18:25] = 5
    seeds = np.zeros((15, 30), np.int32)
    seeds[7, 12], seeds[7, 20] = 1, 2
    flood(heights, seeds)
    assert (seeds[5:10, 18:25] == 2).all() and (seeds[:, :14] == 1).all()
