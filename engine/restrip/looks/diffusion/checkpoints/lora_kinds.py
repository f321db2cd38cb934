"""Which kinds of small networks a LoRA file holds, by the names of its weights. Without torch."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from restrip.errors import BadInput

# The end of a weight's name, and the kind of network that has it.
READ = (
    (r"[._]lora[._](down|up|A|B|linear_layer\.(down|up))(\.\w+)?\.weight$", "LoRA"),
    (r"\.(dora_scale|lora_magnitude_vector(\.weight|\.default)*)$", "DoRA"),
    (r"\.lora_mid\.weight$", "LoCon with a middle weight (Tucker)"),
    (r"\.hada_(w[12]_[ab]|t[12])$", "LoHa"),
    (r"\.lokr_(w[12](_[ab])?|t2)$", "LoKr"),
    (r"\.(diff|diff_b|w_norm|b_norm)$", "a difference of whole weights"),
)
FOREIGN = (
    (r"\.(oft_blocks|oft_diag|oft_R(\.weight)?)$", "OFT"),
    (r"\.[ab][12]\.weight$", "GLoRA"),
    (r"\.on_input$", "IA3"),
    (r"\.weight_norm$", "a length of another kind than DoRA's"),
)


class UnusableLora(BadInput):
    """An add-on of a kind that can't be merged into a model here."""

    code = "unusable-lora"

    def __init__(self, path: Path, kinds: Iterable[str]) -> None:
        named = " and ".join(kinds)
        super().__init__(
            f"{path.name} holds {named}, which isn't read.",
            "Use a LoRA, LoCon, LoHa, LoKr or DoRA, or convert it to one; nothing of it was applied.",
            path=str(path),
            kinds=named,
        )


def kinds_of(names: Iterable[str]) -> tuple[str, ...]:
    """The kinds of networks that weights of these names are, each once; () when they are none of them."""
    names = list(names)
    return tuple(kind for pattern, kind in (*READ, *FOREIGN) if any(re.search(pattern, name) for name in names))


def check_kinds(path: Path, names: Iterable[str]) -> None:
    """Raise UnusableLora when a file holds a kind that isn't read."""
    foreign = {kind for _, kind in FOREIGN}
    found = [kind for kind in kinds_of(names) if kind in foreign]
    if found:
        raise UnusableLora(path, found)
