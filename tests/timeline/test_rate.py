from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restrip.timeline import BadRate, Rate
from restrip.timeline.rate import LEAST, MOST


@pytest.mark.parametrize(
    ("text", "fraction"),
    [
        ("25", Fraction(25)),
        ("30000/1001", Fraction(30000, 1001)),
        ("23.976", Fraction(24000, 1001)),
        ("23.98", Fraction(24000, 1001)),
        ("29.97", Fraction(30000, 1001)),
        ("59.94", Fraction(60000, 1001)),
        ("12.5", Fraction(25, 2)),
        (24, Fraction(24)),
        (29.97, Fraction(30000, 1001)),
        (" 50 ", Fraction(50)),
    ],
)
def test_texts_and_numbers_become_the_rate_they_mean(text, fraction):
    assert Rate.parse(text).fraction == fraction


@pytest.mark.parametrize("text", ["", "fast", "25fps", "0", "-25", "30000/0", "1001", "nan", "inf"])
def test_what_is_no_rate_is_refused_with_its_name(text):
    with pytest.raises(BadRate) as refused:
        Rate.parse(text)
    assert repr(text) in refused.value.message or text in refused.value.message


def test_the_slowest_and_the_fastest_rate_are_rates():
    assert (Rate(LEAST).fraction, Rate(MOST).fraction) == (LEAST, MOST)
    for beyond in (LEAST / 2, MOST + 1):
        with pytest.raises(BadRate):
            Rate(beyond)


def test_a_rate_without_time_is_refused():
    with pytest.raises(BadRate):
        Rate.of(25, 0)


@given(st.integers(1, 1000), st.integers(1, 1001))
def test_writing_and_reading_gives_the_same_rate(numerator, denominator):
    rate = Rate.of(numerator, denominator)
    assert Rate.parse(str(rate)) == rate


@given(st.integers(0, 10**9))
def test_seconds_are_exact(frames):
    rate = Rate.of(30000, 1001)
    assert rate.seconds(frames) * rate.fraction == frames
