from __future__ import annotations

import diffusers
import numpy as np
import pytest

from restrip.looks.diffusion.sampling.schedules import SPACINGS, FlowSchedule, Schedule, start_index

SD = Schedule()


def test_ends_of_the_training_schedule() -> None:
    assert SD.sigma(0) == pytest.approx(0.0291675, abs=1e-6)
    assert SD.sigma(999) == pytest.approx(14.6146, abs=1e-4)


def test_sixty_steps_at_half_strength_start_at_1_662_with_31_evaluations() -> None:
    left = SD.table("uniform", 60)[start_index(60, 0.5) :]
    assert left[0] == pytest.approx(1.6616, abs=5e-4)
    assert len(left) - 1 == 31


@pytest.mark.parametrize(
    ("steps", "strength", "start"),
    [(60, 0.5, 29), (20, 0.75, 4), (30, 1.0, 0), (30, 0.999, 0), (10, 0.0, 9), (1, 1, 0)],
)
def test_where_img2img_enters(steps: int, strength: float, start: int) -> None:
    assert start_index(steps, strength) == start


def test_golden_tables() -> None:
    uniform = [14.6146, 7.8399, 4.6092, 2.9183, 1.9502, 1.3449, 0.9324, 0.6250, 0.3687, 0.0292, 0]
    assert SD.table("uniform", 10) == pytest.approx(uniform, abs=1e-4)
    assert SD.table("karras", 6) == pytest.approx([14.6146, 6.0821, 2.2322, 0.6926, 0.1698, 0.0292, 0], abs=1e-4)


def test_karras_agrees_with_diffusers() -> None:
    scheduler = diffusers.EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", use_karras_sigmas=True
    )
    scheduler.set_timesteps(8)
    assert SD.table("karras", 8) == pytest.approx(scheduler.sigmas.numpy(), rel=2e-5)


def test_uniform_agrees_with_diffusers() -> None:
    scheduler = diffusers.EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", timestep_spacing="linspace"
    )
    scheduler.set_timesteps(25)
    # diffusers interpolates sigmas, k-diffusion their logarithms: the same at training steps, within a percent between.
    assert SD.table("uniform", 25) == pytest.approx(scheduler.sigmas.numpy(), rel=0.01, abs=1e-6)


def test_ddim_keeps_the_noise_of_step_0() -> None:
    table = SD.table("ddim", 20)
    assert len(table) == 21
    assert table[0] == pytest.approx(SD.sigma(951)) and table[-2] == pytest.approx(SD.sigma(1))
    assert table[-1] == pytest.approx(SD.sigma(0))


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("steps", [1, 2, 7, 30, 150])
def test_tables_fall(spacing: str, steps: int) -> None:
    table = SD.table(spacing, steps)
    assert len(table) == steps + 1 and (np.diff(table) < 0).all()


def test_flow_shares_are_those_that_are_published() -> None:
    """Shift 3 at 8 steps, as Z-Image-Turbo is run; without a shift the times themselves."""
    shares = [1, 0.9545, 0.9, 0.8333, 0.75, 0.6429, 0.5, 0.3, 0]
    assert FlowSchedule(3.0).shares(8, 1.0) == pytest.approx(shares, abs=1e-4)
    assert FlowSchedule(3.0).shares(4, 0.5) == pytest.approx([0.5, 3 * 0.1875 / 1.375, 0.3, 3 * 0.0625 / 1.125, 0])
    assert FlowSchedule().shares(4, 1.0) == pytest.approx([1, 0.75, 0.5, 0.25, 0])


def test_flow_agrees_with_diffusers() -> None:
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0)
    scheduler.set_timesteps(sigmas=np.linspace(1, 1 / 8, 8).tolist())
    assert FlowSchedule(3.0).shares(8, 1.0) == pytest.approx(scheduler.sigmas.numpy(), abs=1e-6)


def test_each_strength_of_a_flow_starts_at_its_own_sigma() -> None:
    schedule = FlowSchedule(3.0)
    starts = [schedule.sigmas("auto", 8, n / 20)[0] for n in range(1, 21)]
    assert (np.diff(starts) > 0).all() and np.isfinite(starts).all()
    assert starts[9] == pytest.approx(1.0)  # half noise
    for strength in (0.0, 0.3, 1.0):
        table = schedule.sigmas("auto", 5, strength)
        assert len(table) == 6 and (np.diff(table) < 0).all() and table[-1] == 0


def test_step_undoes_sigma_between_steps_too() -> None:
    t = np.array([0, 0.5, 321.25, 999])
    assert SD.step(SD.sigma(t)) == pytest.approx(t, abs=1e-6)
