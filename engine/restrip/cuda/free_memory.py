"""How much memory of the GPU that torch would use is free."""

from __future__ import annotations

import torch


def free_mib(wanted_mib: int = 0) -> int:
    """What nobody has; what this process keeps and doesn't use is given back first if that is less than is wanted.

    0 without a GPU.
    """
    if not torch.cuda.is_available():
        return 0
    if torch.cuda.mem_get_info()[0] >> 20 < wanted_mib:
        torch.cuda.empty_cache()
    return torch.cuda.mem_get_info()[0] >> 20
