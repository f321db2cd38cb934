"""The numbers and formulas of each stage that the CPU and a GPU share. Loads no numba and no torch."""
