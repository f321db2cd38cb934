from __future__ import annotations

import os

import pytest

from restrip.service.scheduling import leave_real_time

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="this system has no such priorities")


@pytest.mark.parametrize(("inherited", "left"), [("SCHED_FIFO", True), ("SCHED_RR", True), ("SCHED_OTHER", False)])
def test_an_inherited_real_time_priority_is_given_up(
    inherited: str, left: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(os, "sched_getscheduler", lambda pid: getattr(os, inherited))
    monkeypatch.setattr(os, "sched_setscheduler", lambda *given: asked.append(given[:2]))
    assert leave_real_time() == left
    assert asked == ([(0, os.SCHED_OTHER)] if left else [])
