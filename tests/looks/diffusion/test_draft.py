"""Drafts of diffusion keys: in few steps, and like what comes."""

from __future__ import annotations

import numpy as np
import pytest

from restrip.looks import open_look
from restrip.looks.diffusion.draft import draft_evaluations, draft_sigmas
from restrip.looks.look import Styled
from restrip.timeline import Key


def test_few_steps() -> None:
    counts = [draft_evaluations(count) for count in (1, 2, 4, 8, 12, 16, 22, 31, 151)]
    assert counts == [1, 1, 2, 3, 3, 3, 3, 4, 19]


@pytest.mark.parametrize("end", [0.0, 0.03])
def test_its_sigmas_fall_from_the_same_noise_to_the_same_end(end: float) -> None:
    full = np.append(np.geomspace(9, 0.1, 16), end)
    few = draft_sigmas(full)
    assert len(few) == 4 and np.all(np.diff(few) < 0)
    assert few[0] == pytest.approx(9) and few[-1] == end
    assert list(draft_sigmas(np.array([2.0, 0.0]))) == [2.0, 0.0]


def likeness(a: Styled, b: Styled) -> float:
    return float(np.corrcoef(a.picture.rgb8().ravel(), b.picture.rgb8().ravel())[0, 1])


def test_a_draft_shows_what_comes_of_each_seed(picture, silent) -> None:
    """More than that: of two seeds it is its own full picture that a draft is like."""
    settings = {"prompt": "a warm pastel painting", "steps": 12, "denoising_strength": 0.6, "cfg_scale": 4.0}
    look = open_look("sd:tiny", {**settings, "width": 160, "height": 120, "anchor": False})
    keys = [Key(0, seed=3), Key(1, seed=8)]
    full = look.stylize([picture] * 2, keys, silent.report)
    draft = look.drafted().stylize([picture] * 2, keys, silent.report)
    assert [made.facts["size"] for made in (full[0], draft[0])] == [[160, 120]] * 2
    assert [made.facts["evaluations"] for made in (full[0], draft[0])] == [8, 3]
    own = [likeness(a, b) for a, b in zip(draft, full, strict=True)]
    others = [likeness(a, b) for a, b in zip(draft, full[::-1], strict=True)]
    assert min(own) > 0.95 and min(np.subtract(own, others)) > 0.1


def test_a_drafts_identity_is_its_own() -> None:
    look = open_look("sd:tiny", {"prompt": "a photo"})
    draft = look.drafted()
    assert {name for name in draft.identity() if draft.identity()[name] != look.identity().get(name)} == {"draft"}
    assert draft.estimate((640, 360)).evaluations < look.estimate((640, 360)).evaluations / 3
