"""From noise to latents: schedules, samplers, and the noise itself."""
