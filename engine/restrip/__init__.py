"""Restyle a strip of your edit with Stable Diffusion, from inside the editor."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from restrip.request import restyle

__version__ = "0.1.0"
__all__ = ["__version__", "restyle"]


def __getattr__(name: str) -> Any:
    # The front-ends import this package for restrip.client alone: nothing is loaded before it is asked for.
    if name == "restyle":
        from restrip.request import restyle

        return restyle
    raise AttributeError(f"module 'restrip' has no attribute {name!r}")
