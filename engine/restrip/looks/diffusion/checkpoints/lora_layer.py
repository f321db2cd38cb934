"""What an add-on file changes of one layer: LoRA and its kin, as numbers to be added to the layer's weights.

Every kind writes the change of a weight in few numbers, times alpha / rank where the file has an alpha:

    LoRA, LoCon   up @ down, with a middle part up * mid * down               (Hu et al. 2022, section 4.1)
    LoHa          (a1 @ b1) * (a2 @ b2), number by number                     (Hyeon-Woo et al. 2022, section 2.2)
    LoKr          kron(w1, w2), either of them whole or a product             (Yeh et al. 2024, section 3.2)
    whole         the change itself, of a weight or of a bias

and DoRA gives the changed weight W + change the lengths that the file holds (Liu et al. 2024, section 4.1): of its
rows, or in some of LyCORIS' files of its columns. Alpha's place in each follows Yeh et al. 2024, appendix B.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import torch

from restrip.looks.diffusion.checkpoints.weights.packed import HALVES, PackedLinear

# The end of a weight's name, and which part of the change it is.
ROLES = tuple(
    (re.compile(pattern), role)
    for pattern, role in (
        (r"(?:\.lora_(?:down|A)|[._]lora\.down|\.lora_linear_layer\.down)(?:\.\w+)?\.weight$", "down"),
        (r"(?:\.lora_(?:up|B)|[._]lora\.up|\.lora_linear_layer\.up)(?:\.\w+)?\.weight$", "up"),
        (r"\.lora_mid\.weight$", "mid"),
        (r"\.alpha$", "alpha"),
        (r"\.dora_scale$", "lengths"),
        (r"\.lora_magnitude_vector(?:\.default)?(?:\.weight)?$", "row_lengths"),
        (r"\.hada_(w[12]_[ab]|t[12])$", "hada_"),
        (r"\.lokr_(w[12](?:_[ab])?|t2)$", "lokr_"),
        (r"\.(?:diff|w_norm)$", "weight"),
        (r"\.(?:diff_b|b_norm)$", "bias"),
    )
)


def role_of(name: str) -> tuple[str, str] | None:
    """A weight's layer, as the file names it, and which part of the layer's change it is; None for other weights."""
    for pattern, role in ROLES:
        if found := pattern.search(name):
            return name[: found.start()], role + (found[1] if found.lastindex else "")
    return None


@dataclass
class LayerChange:
    """The parts that a file holds for one layer, by their roles."""

    parts: dict[str, torch.Tensor] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether nothing is missing that the change is made of."""
        has = self.parts.keys()
        if any(role.startswith("hada_") for role in has):
            return {"hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"} <= has
        if any(role.startswith("lokr_") for role in has):
            return all(f"lokr_{w}" in has or {f"lokr_{w}_a", f"lokr_{w}_b"} <= has for w in ("w1", "w2"))
        return {"down", "up"} <= has or bool({"weight", "bias"} & has)

    @property
    def plain(self) -> bool:
        """Whether this is LoRA and nothing else."""
        return {"down", "up"} <= self.parts.keys() <= {"down", "up", "alpha"}

    def split(self, count: int) -> list[LayerChange]:
        """The changes of so many layers that lie one below the other in this one. Raises ValueError."""
        if self.plain:
            shared = {role: value for role, value in self.parts.items() if role != "up"}
            return [LayerChange({**shared, "up": up}) for up in self.parts["up"].chunk(count)]
        try:
            delta = self._delta()
        except RuntimeError as error:
            raise ValueError(str(error).split("\n")[0]) from error
        whole = {} if delta is None else {"weight": delta}
        whole |= {role: self.parts[role] for role in ("bias", "lengths", "row_lengths") if role in self.parts}
        if any(len(value) % count for value in whole.values()):
            raise ValueError(f"rows that aren't {count} layers'")
        chunks = {role: value.chunk(count) for role, value in whole.items()}
        return [LayerChange({role: values[n] for role, values in chunks.items()}) for n in range(count)]

    def apply(self, module: torch.nn.Module, strength: float) -> None:
        """Change a layer's weights by so much. Raises ValueError when the parts have other shapes than the layer."""
        weight = module.weight
        assert isinstance(weight, torch.Tensor)
        delta = self.delta(tuple(weight.shape))
        if isinstance(module, PackedLinear) and self.plain and module.packed.kind not in HALVES.values():
            down, up = self.parts["down"].float().flatten(1), self.parts["up"].float().flatten(1)
            module.add(down, up * self._scale(len(down)) * strength)
            delta = None
        if delta is not None:
            old, delta = weight.float(), delta.to(weight.device)
            if "lengths" in self.parts:
                delta = _of_lengths(old + delta, self.parts["lengths"].float().to(weight.device)) - old
            elif "row_lengths" in self.parts:
                rows = self.parts["row_lengths"].float().reshape(-1, *[1] * (weight.dim() - 1))
                delta = _of_lengths(old + delta, rows.to(weight.device)) - old
            new = old + strength * delta
            if isinstance(module, PackedLinear):
                module.become(new)
            else:
                weight.data = new.to(weight.dtype)
        if "bias" in self.parts:
            _add_to_bias(module, strength * self.parts["bias"].float())

    def delta(self, shape: tuple[int, ...]) -> torch.Tensor | None:
        """The change of a weight of this shape at strength 1, before DoRA; None when only a bias changes.

        Raises ValueError when the parts don't make one.
        """
        try:
            change = self._delta()
            return None if change is None else change.reshape(shape)
        except RuntimeError as error:
            raise ValueError(str(error).split("\n")[0]) from error

    def _delta(self) -> torch.Tensor | None:
        part = {role: value.float() for role, value in self.parts.items()}
        if "down" in part:
            down, up = part["down"], part["up"]
            scale = self._scale(len(down))
            if "mid" in part:
                return torch.einsum("ijkl,jr,pi->prkl", part["mid"], down.flatten(1), up.flatten(1)) * scale
            return (up.flatten(1) @ down.flatten(1)) * scale
        if "hada_w1_a" in part:
            one, two = (_product(part, f"hada_w{n}", f"hada_t{n}") for n in (1, 2))
            return one * two * self._scale(len(part["hada_w1_b"]))
        if any(role.startswith("lokr_") for role in part):
            return self._kronecker(part)
        return part.get("weight")

    def _kronecker(self, part: dict[str, torch.Tensor]) -> torch.Tensor:
        ranks = [len(part[f"lokr_{w}_b"]) for w in ("w1", "w2") if f"lokr_{w}_b" in part]
        one = part["lokr_w1"] if "lokr_w1" in part else _product(part, "lokr_w1", "")
        two = part["lokr_w2"] if "lokr_w2" in part else _product(part, "lokr_w2", "lokr_t2")
        one = one.reshape(*one.shape, *[1] * (two.dim() - one.dim()))
        # Where both are whole there is no rank, and alpha means nothing.
        return torch.kron(one, two.contiguous()) * (self._scale(ranks[-1]) if ranks else 1.0)

    def _scale(self, rank: int) -> float:
        return float(self.parts["alpha"]) / rank if "alpha" in self.parts else 1.0


def _product(part: dict[str, torch.Tensor], name: str, core: str) -> torch.Tensor:
    """A matrix of two factors; with a core [r, s, h, w] a convolution of them (Tucker)."""
    first, second = part[f"{name}_a"], part[f"{name}_b"]
    if core in part:
        return torch.einsum("ijkl,jr,ip->prkl", part[core], second, first)
    return first @ second


def _of_lengths(weight: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """`weight` with its rows (a number each, [out, 1, ...]) or columns ([1, in, ...]) brought to `lengths`.

    Raises ValueError when there is another number of them.
    """
    rows, columns = len(weight), weight.shape[1]
    if lengths.numel() == len(lengths) == rows:
        norms = weight.flatten(1).norm(dim=1)
        kept = (rows, *[1] * (weight.dim() - 1))
    elif lengths.dim() > 1 and lengths.numel() == columns and lengths.shape[1] == columns:
        norms = weight.transpose(0, 1).flatten(1).norm(dim=1)
        kept = (1, columns, *[1] * (weight.dim() - 2))
    else:
        raise ValueError(f"{lengths.numel()} lengths for {rows} rows and {columns} columns")
    return weight * (lengths.flatten() / norms.clamp_min(torch.finfo(torch.float32).tiny)).reshape(kept)


def _add_to_bias(module: torch.nn.Module, change: torch.Tensor) -> None:
    weight = module.weight
    assert isinstance(weight, torch.Tensor)
    if change.numel() != len(weight):
        raise ValueError(f"a bias of {change.numel()} numbers for {len(weight)} rows")
    change = change.flatten().to(weight.device)
    bias = module.bias
    old = bias.float() if isinstance(bias, torch.Tensor) else torch.zeros_like(change)
    module.bias = torch.nn.Parameter((old + change).to(weight.dtype), requires_grad=False)
