"""Whose result is whose, whatever the editor did to source and result: each half and each copy has its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Blender = Callable[..., Any]


@pytest.fixture(scope="module")
def told(installed: Any, counting: Callable[..., Path]) -> Any:
    """What was seen in each story; all are told in one Blender."""
    from .conftest import run

    return run(*installed, "cuts", "everything", {"first": str(counting("25")), "second": str(counting("25", 100))})


def test_halves_are_their_own(told: Any) -> None:
    seen = told["cut"]
    assert seen["cut"]["right restyled"] == [3, 21, 41, False, ["right"]]
    assert seen["cut"]["shot restyled"] == [3, 1, 21, False, ["shot"]]
    assert seen["ties"] == 2
    assert seen["again"] == seen["cut"], "the other half is left alone, and nothing lands elsewhere"
    assert seen["takes"] == [["job"], ["job", "job 2"]]
    assert seen["removed"] == {
        "shot": [2, 1, 21, True],
        "right": [2, 21, 41, False],
        "shot restyled": [3, 1, 21, False, ["shot"]],
    }
    assert seen["both"] == {"shot": [2, 1, 21, False], "right": [2, 21, 41, False]}


def test_a_result_over_two_halves_of_its_source_is_cut_when_one_wants_its_own(told: Any) -> None:
    seen = told["cut_source"]
    assert seen["cut"]["shot restyled"] == [3, 1, 41, False, ["shot", "right"]]
    assert seen["again"]["shot restyled"] == [3, 1, 21, False, ["shot"]]
    assert seen["again"]["shot restyled.001"] == [3, 21, 41, False, ["right"]]
    assert seen["removed"]["shot"] == [2, 1, 21, False]
    assert seen["removed"]["right"] == [2, 21, 41, True]
    assert "shot restyled" not in seen["removed"]


def test_what_was_trimmed_on_the_result_stays_trimmed_and_it_is_said(told: Any) -> None:
    seen = told["cut_result"]
    assert seen["again"]["shot restyled"] == [3, 1, 11, False, ["shot"]]
    assert seen["again"]["end"] == [3, 31, 41, False, ["shot"]]
    strips, note = seen["trimmed"]
    assert strips["shot restyled"] == [3, 1, 9, False, ["shot"]]
    assert note == "shot restyled stays trimmed as it was."


def test_copies_are_their_own_in_every_scene(told: Any) -> None:
    seen = told["copied"]
    assert seen["copied"]["shot restyled.001"][-1] == ["shot.001"], "beside"
    assert seen["copied"]["shot restyled.002"][-1] == ["shot.002"], "at the same time, further up"
    assert seen["alone"] == [False, "", ""], "a copy of the source alone is seen, and waits for nothing"
    assert seen["removed"].pop("renamed") == [2, 1, 41, False]
    others = {name: facts for name, facts in seen["copied"].items() if name not in ("shot", "shot restyled")}
    assert seen["removed"] == others, "removing one leaves its copies alone, renamed or not"
    assert seen["pasted"] == {"shot.001": [2, 1, 41, True], "shot restyled.001": [3, 1, 41, False, ["shot.001"]]}
    assert seen["removed there"] == {"shot.001": [2, 1, 41, False]}
    assert {name: seen["still here"][name] for name in others} == others


def test_halves_of_a_group_are_their_own(told: Any) -> None:
    assert told["grouped"]["sources"] == [True]
    assert told["grouped"]["muted"] == [[["META", False], ["MOVIE", True]], [["MOVIE", False]]]


def test_a_source_is_seen_again_when_its_result_is_deleted(told: Any) -> None:
    placed, deleted = told["deleted"]["placed"], told["deleted"]["deleted"]
    assert placed["shot"][3] and not placed["shot restyled"][3]
    assert placed["hidden restyled"][3], "what the editor muted isn't shown by its result"
    assert deleted == {"shot": [2, 1, 41, False], "hidden": [2, 101, 141, True]}


def test_a_transition_works_on_the_result(told: Any) -> None:
    assert [inputs[:2] for inputs in told["transition"]["inputs"]] == [
        ["shot", "next"],
        ["shot restyled", "next"],
        ["shot restyled", "next restyled"],
        ["shot", "next restyled"],
    ]
    assert all(inputs[3:] == [31, 41] for inputs in told["transition"]["inputs"])
    channels = {name: facts[0] for name, facts in told["transition"]["strips"].items()}
    assert channels["next"] < channels["next restyled"] < channels["dissolve"]


@pytest.mark.parametrize("where", ["before", "on the result", "later"])
def test_a_result_is_removed_under_a_speed_effect(where: str, told: Any) -> None:
    before, after = told["speed"][where]
    gone = [name for name in before if name not in after]
    assert len(gone) == 1 and gone[0].endswith(" restyled")
    assert not any(muted for *_, muted in after.values())


def test_a_new_version_is_a_take(told: Any) -> None:
    seen = told["versions"]
    assert seen["one"] == [7, 1, 41, False, ["shot"]], "one strip, on the channel to which the editor moved it"
    assert seen["alpha"] == 0.5
    assert seen["jobs"] == ["job", "job 2", "job 3"], "by which their files, of one name, are kept apart"
    shown = {name: channel for name, channel, muted in seen["inside"] if not muted}
    assert set(shown) == {"key 1", "key 2", "fade 1 to 2", "title"}
    assert shown["title"] > max(channel for name, channel, _ in seen["inside"] if name != "title")
    taken = [channel for name, channel, _ in seen["inside"]]
    assert len(set(taken)) == len(taken), "no take lies on another"
    back = {name for name, _, muted in seen["back"] if not muted}
    assert back == set(shown) and seen["job"] == ["job", "job"] and seen["note"] == ""
    assert seen["kept"] == 0.5, "what the editor did in the first take is still there"
    assert seen["said"] == ["Take 1: ", "Take 2: ", "Take 3: "]
    assert seen["forgotten"][0] == [1, 3]
    assert not any("take 2" in name for name, *_ in seen["forgotten"][1])
    assert seen["many"] == [True, True]


def test_a_strip_that_was_cut_while_its_job_ran_has_both_halves_restyled(told: Any) -> None:
    strips = told["meanwhile"]["strips"]
    assert strips["shot restyled"] == [3, 1, 21, False, ["shot"]]
    assert strips["shot restyled.001"] == [3, 21, 41, False, ["right"]]
    assert strips["copy"] == [2, 101, 121, False] and told["meanwhile"]["copy waits"] == ""
