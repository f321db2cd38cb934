"""Propagation on the CPU: each stage in numpy and OpenCV, its inner loops in `kernels`."""
