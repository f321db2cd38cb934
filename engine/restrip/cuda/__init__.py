"""What recordings of a GPU's work and its memory take beside torch, for looks and propagation alike."""
