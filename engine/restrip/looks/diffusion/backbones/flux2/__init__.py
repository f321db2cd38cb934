"""FLUX.2 klein: edit models that look at pictures while they make one."""
