"""Stable Diffusion's UNets: 1.5 and SDXL, and their inpainting models."""
