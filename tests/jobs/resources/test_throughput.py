"""How fast this machine is, as it was learned."""

from __future__ import annotations

from pathlib import Path

import pytest

from restrip.jobs.resources.throughput import Throughput, keys_of


def test_what_was_measured_last_counts_most_of_all_but_not_alone(tmp_path: Path) -> None:
    throughput = Throughput(tmp_path / "pace.json")
    throughput.measured("parts", 20.0, 10.0)
    assert throughput.takes_s("parts", 3.0) == 6.0
    throughput.measured("parts", 30.0, 10.0)
    assert throughput.takes_s("parts", 1.0) == pytest.approx(2.3)


def test_what_was_never_done_isnt_known_unless_there_is_none_of_it(tmp_path: Path) -> None:
    throughput = Throughput(tmp_path / "pace.json")
    for seconds, amount in ((1.0, 0.0), (0.0, 1.0), (-1.0, 1.0)):
        throughput.measured("parts", seconds, amount)
    assert throughput.seconds == {}
    assert throughput.takes_s("parts", 2.0) is None and throughput.takes_s("parts", 0.0) == 0.0


def test_a_look_is_as_fast_as_its_family() -> None:
    assert keys_of("neural:3") == keys_of("neural:1+12") == "keys neural" != keys_of("keys:/a:b")
    assert keys_of("painted:/a:b") == keys_of("keys:/c") and keys_of("") == "keys "


@pytest.mark.parametrize("text", ["", "[]", '{"parts": -1}', '{"parts": true}', '{"parts": "fast"}', "{"])
def test_a_damaged_file_is_forgotten(tmp_path: Path, text: str) -> None:
    (tmp_path / "pace.json").write_text(text)
    throughput = Throughput.load(tmp_path)
    assert throughput.seconds == {}
    throughput.seconds["parts"] = 2.0
    throughput.save()
    assert Throughput.load(tmp_path).seconds == {"parts": 2.0}
