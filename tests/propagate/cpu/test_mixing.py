"""From weighted predictions to renditions."""

from __future__ import annotations

import numpy as np
import pytest

from restrip.propagate.cpu.confidence import weight_of
from restrip.propagate.cpu.mixing import Votes, rendered
from restrip.propagate.cpu.predictors import StylePrediction
from restrip.propagate.energy.mix_weights import MixWeights, mix_weights_at
from restrip.timeline import FrameRange

KEYS = (10, 30)
FADE = FrameRange(16, 24)


def part(share: MixWeights) -> float:
    """How much of a rendition is the right key's where both are worth the same."""
    return share.right / (share.left + share.right)


def test_every_rendition_is_its_own_keys_at_that_key():
    left, right, baked = mix_weights_at(10, KEYS, FADE, 0.1)
    assert part(left) == 0
    assert part(baked) == 0
    left, right, baked = mix_weights_at(30, KEYS, FADE, 0.1)
    assert part(right) == 1
    assert part(baked) == 1


@pytest.mark.parametrize("lean", [0.01, 0.1, 1.0])
def test_both_are_the_joint_mix_in_the_middle_of_the_fade(lean):
    left, right, baked = mix_weights_at(20, KEYS, FADE, lean)
    assert part(left) == pytest.approx(part(baked))
    assert part(right) == pytest.approx(part(baked))


def test_the_joint_mix_goes_from_key_to_key():
    parts = [part(mix_weights_at(n, KEYS, FADE, 0.1)[2]) for n in range(10, 31)]
    assert (np.diff(parts) > 0).all()
    assert parts[10] == pytest.approx(0.5)
    np.testing.assert_allclose(parts, 1 - np.array(parts[::-1]), atol=1e-12)


@pytest.mark.parametrize("fade", [FADE, FrameRange(10, 30), FrameRange(12, 13), FrameRange(20, 20)])
def test_a_rendition_leans_on_the_other_key_only_as_it_nears_the_fade(fade):
    middle = (fade.first + fade.end) / 2
    for n in range(11, 30):
        left, right, baked = mix_weights_at(n, KEYS, fade, 0.1)
        assert part(left) <= part(baked) + 1e-12
        assert part(right) >= part(baked) - 1e-12
        if n >= middle + len(fade) / 2:
            assert part(left) == pytest.approx(part(baked))
        if n <= middle - max(len(fade) / 2, 0.5):
            damped = mix_weights_at(n, KEYS, fade, 1.0)[0]
            assert left.right == pytest.approx(0.1 * damped.right)


@pytest.mark.parametrize("fade", [FADE, None])
def test_without_lean_strips_are_independent_everywhere(fade):
    for n in range(11, 30):
        left, right, baked = mix_weights_at(n, KEYS, fade, 0.0)
        assert part(left) == 0
        assert part(right) == 1
        assert 0 < part(baked) < 1


def test_no_fade_leans_over_the_whole_segment():
    for n in (12, 20, 27):
        assert mix_weights_at(n, KEYS, None, 0.1) == mix_weights_at(n, KEYS, FrameRange(*KEYS), 0.1)


def test_the_other_way_round_is_the_same():
    for n in range(11, 30):
        left, _, baked = mix_weights_at(n, KEYS, FADE, 0.2)
        _, right, mirrored = mix_weights_at(40 - n, KEYS, FADE, 0.2)
        assert part(left) == pytest.approx(1 - part(right))
        assert part(baked) == pytest.approx(1 - part(mirrored))


@pytest.mark.parametrize("keys", [(0, 1), (5, 7)])
def test_shares_exist_however_close_the_keys_are(keys):
    for n in range(keys[0], keys[1] + 1):
        for fade in (None, FrameRange(*keys), FrameRange(keys[0], keys[0]), FrameRange(keys[1], keys[1])):
            for share in mix_weights_at(n, keys, fade, 0.0):
                assert share.left + share.right > 0


def flat(style: float, error: float = 0.0) -> StylePrediction:
    return StylePrediction(np.full((12, 16, 3), style * 257, np.float32), np.full((12, 16), error, np.float32))


def votes(*predictions: StylePrediction) -> Votes:
    said = Votes.none((16, 12))
    for prediction in predictions:
        said.add(prediction)
    return said


def test_votes_are_predictions_by_their_worth():
    said = votes(flat(100), flat(200, 50.0))
    worth = weight_of(np.full((12, 16), 50.0, np.float32))[0, 0]
    np.testing.assert_allclose(said.weight, 1 + worth, rtol=1e-5)
    np.testing.assert_allclose(said.total / said.weight[..., None] / 257, (100 + worth * 200) / (1 + worth), rtol=1e-5)


@pytest.mark.parametrize("deep", [False, True])
def test_a_picture_is_the_mean_of_both_keys_by_share_and_worth(deep):
    a, b = votes(flat(40)), votes(flat(80, 10.0))
    worth = b.weight[0, 0]
    picture = rendered(a, b, MixWeights(0.5, 0.25), deep)
    assert picture.dtype == (np.uint16 if deep else np.uint8)
    expected = (0.5 * 40 + 0.25 * worth * 80) / (0.5 + 0.25 * worth)
    np.testing.assert_allclose(picture / (257 if deep else 1), expected, atol=0.5)


def test_one_sides_share_alone_is_its_own_picture():
    a, b = votes(flat(40)), votes(flat(80))
    assert (rendered(a, b, MixWeights(1, 0), False) == 40).all()
    assert (rendered(a, b, MixWeights(0, 1), False) == 80).all()


def test_where_one_key_is_wrong_the_other_is_shown():
    errors = np.zeros((12, 16), np.float32)
    errors[:, 8:] = 5000
    a = votes(StylePrediction(np.full((12, 16, 3), 40 * 257, np.float32), errors))
    b = votes(StylePrediction(np.full((12, 16, 3), 80 * 257, np.float32), errors[:, ::-1].copy()))
    picture = rendered(a, b, MixWeights(1, 1), False)
    assert (picture[:, :4] == 40).all()
    assert (picture[:, 12:] == 80).all()
