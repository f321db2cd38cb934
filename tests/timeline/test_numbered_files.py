import pytest
from hypothesis import given
from hypothesis import strategies as st

from restrip.timeline.numbered_files import PictureRun, gaps_of, pictures_of, runs_of


def names(run: PictureRun) -> list[str]:
    """The paths that a run stands for."""
    numbers = range(run.start, run.end, run.step)
    return [f"{run.folder}/{run.prefix}{number:0{run.digits}d}{run.suffix}" for number in numbers]


@pytest.mark.parametrize(
    ("paths", "lengths"),
    [
        (["/s/a_0098.png", "/s/a_0099.png", "/s/a_0100.png"], [3]),
        (["/s/9.png", "/s/10.png", "/s/11.png"], [3]),
        (["/s/a9.png", "/s/a010.png"], [1, 1]),
        (["/s/a1.png", "/s/a3.png", "/s/a5.png"], [3]),
        (["/s/a1.png", "/s/a2.png", "/s/a4.png"], [2, 1]),
        (["/s/a1.png", "/t/a2.png"], [1, 1]),
        (["/s/a1.png", "/s/a2.jpg"], [1, 1]),
        (["/s/a2.png", "/s/a1.png"], [1, 1]),
        (["/s/one.png", "/s/two.png"], [1, 1]),
        (["/s/v2_007.png", "/s/v2_008.png"], [2]),
    ],
)
def test_pictures_are_grouped_into_unbroken_runs(paths, lengths):
    assert [run.length for run in runs_of(paths)] == lengths


@given(st.lists(st.integers(0, 2000), min_size=1, max_size=12), st.integers(1, 5))
def test_runs_stand_for_exactly_the_pictures_given(numbers, digits):
    paths = [f"/s/a{number:0{digits}d}.png" for number in numbers]
    assert [name for run in runs_of(paths) for name in names(run)] == paths


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [([1, 2, 4, 5], [(2, 1)]), ([1, 3, 5, 9], [(3, 1)]), ([1, 2, 3], []), ([1, 2, 900], []), ([7], [])],
)
def test_numbers_that_jump_have_gaps_unless_they_count_something_else(numbers, expected):
    assert [(gap.place, gap.count) for gap in gaps_of([f"/s/a_{n:04d}.png" for n in numbers])] == expected


def test_a_folders_gaps_show_the_picture_before_them_only_when_that_is_asked_for(tmp_path):
    for number in (1, 2, 4):
        (tmp_path / f"a_{number}.png").touch()
    (tmp_path / "notes.txt").touch()
    there = [str(tmp_path / f"a_{number}.png") for number in (1, 2, 4)]
    assert pictures_of(tmp_path, "skip") == there
    assert pictures_of(tmp_path, "hold") == [there[0], there[1], there[1], there[2]]
