"""Inner loops of propagation on a GPU, in Triton."""
