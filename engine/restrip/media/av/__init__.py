"""PyAV, and with it FFmpeg, is used here and nowhere else."""
