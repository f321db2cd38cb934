"""What files with weights hold, and their numbers: plain, in 8 bits, NF4, FP4 or GGUF. Nothing in a file is run."""
