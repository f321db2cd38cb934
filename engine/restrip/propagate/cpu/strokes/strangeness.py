"""How strange two keys are to each other, found on the CPU."""

from __future__ import annotations

from restrip.propagate.cpu.exemplar import Exemplar
from restrip.propagate.cpu.predictors import Light, warped
from restrip.propagate.cpu.sampling import Flow
from restrip.propagate.frame_window import StyledKey
from restrip.propagate.strangeness import Strangeness, strangeness_of


def strangeness(left: StyledKey, right: Exemplar, flow: Flow) -> Strangeness:
    """`strangeness_of` both keys; `flow` [H, W, 2] leads from the left key's frame to the right key."""
    said = warped(left.source.rgb8(), right, flow, Light(0.0))
    return strangeness_of(left, said.style, said.errors, flow)
