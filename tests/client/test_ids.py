"""Job ids name folders on every system."""

from __future__ import annotations

import pytest

from restrip.client.ids import BadJobId, check_job_id, new_job_id, short_id


def test_new_ids_are_good_and_differ() -> None:
    ids = {new_job_id() for _ in range(100)}
    assert len(ids) == 100
    assert {check_job_id(job_id) for job_id in ids} == ids


def test_a_short_id_tells_jobs_of_the_same_minute_apart() -> None:
    assert len({short_id(new_job_id()) for _ in range(20)}) == 20
    assert short_id("0123456789abcdef0123456789abcdef") == "0123456789ab"


@pytest.mark.parametrize(
    "given",
    [
        "",
        "ab",
        "../../etc",
        "a/b",
        "a\\b",
        ".hidden",
        "-rf",
        "a" * 65,
        "con",
        "NUL",
        "com1",
        "a b",
        "ä1234",
        "a\n123",
        7,
        None,
    ],
)
def test_what_names_no_folder_is_refused(given: object) -> None:
    with pytest.raises(BadJobId):
        check_job_id(given)
