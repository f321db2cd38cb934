"""The controls of propagation."""

from __future__ import annotations

import pytest

from restrip.client.setting import BadSetting
from restrip.propagate import PROPAGATE_SETTINGS, PropagateSettings
from restrip.propagate.settings import GRAPHS, ON
from restrip.timeline import FrameRange


def test_defaults_are_the_tables():
    of = PropagateSettings.of({})
    assert of == PropagateSettings(device="auto", graphs=True)
    for setting in PROPAGATE_SETTINGS:
        name = {ON: "device", GRAPHS: "graphs"}.get(setting.key, setting.key)
        assert getattr(of, name) == setting.default


def test_given_ones_count_and_those_of_others_are_left_alone():
    of = PropagateSettings.of({"lean": 0.5, "steps": 20, ON: "cpu", GRAPHS: True}, fade=FrameRange(3, 5), baked=True)
    assert of == PropagateSettings(lean=0.5, fade=FrameRange(3, 5), baked=True, graphs=True)


@pytest.mark.parametrize("given", [{"lean": 1.5}, {"shading": -0.1}, {"lean": "much"}, {ON: "toaster"}])
def test_what_is_out_of_range_is_refused(given):
    with pytest.raises(BadSetting):
        PropagateSettings.of(given)
