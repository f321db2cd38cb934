"""Networks that take turns on the GPU when they don't fit beside each other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch


@dataclass
class Offload:
    """While `active`, only the network that was asked for last is on the device; `forced` where they never fitted.

    `moves` counts how often networks left: where their weights lie is known no more then.
    """

    device: torch.device
    active: bool = False
    forced: bool = False
    moves: int = 0
    networks: dict[str, Any] = field(default_factory=dict)
    current: str = ""

    def take_turns(self, on: bool) -> None:
        """Begin to take turns, or bring all networks back to the device."""
        if self.active and not on:
            for network in self.networks.values():
                network.to(self.device)
        self.active, self.current = on, self.current if on else ""

    def force(self) -> None:
        """Take turns from now on, beginning with none on the device: they don't fit beside each other."""
        self._leave(*self.networks)
        self.active, self.forced, self.current = True, True, ""

    def need(self, name: str) -> None:
        """Bring a network to the device, and send the others away."""
        if not self.active or self.current == name:
            return
        self._leave(*(other for other in self.networks if other != name))
        self.networks[name].to(self.device)
        self.current = name

    @contextmanager
    def away(self) -> Iterator[None]:
        """While this holds, no network is on the device: something else needs all of its memory."""
        self._leave(*self.networks)
        self.current = ""
        try:
            yield
        finally:
            if not self.active:
                for network in self.networks.values():
                    network.to(self.device)

    def _leave(self, *names: str) -> None:
        self.moves += 1
        for name in names:
            self.networks[name].to("cpu")
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
