"""The diffusion look: img2img with Stable Diffusion checkpoints."""
