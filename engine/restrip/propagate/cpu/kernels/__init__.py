"""Inner loops of propagation on the CPU, compiled by numba."""
