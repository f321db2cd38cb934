"""Networks that take turns on the GPU when they don't fit beside each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch


@dataclass
class Offload:
    """While `active`, only the network that was asked for last is on the device."""

    device: torch.device
    active: bool = False
    networks: dict[str, Any] = field(default_factory=dict)
    current: str = ""

    def need(self, name: str) -> None:
        """Bring a network to the device, and send the others away."""
        if not self.active or self.current == name:
            return
        for other, network in self.networks.items():
            if other != name:
                network.to("cpu")
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        self.networks[name].to(self.device)
        self.current = name
