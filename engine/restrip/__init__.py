"""Restyle a strip of your edit with Stable Diffusion, from inside the editor."""

__version__ = "0.1.0"
