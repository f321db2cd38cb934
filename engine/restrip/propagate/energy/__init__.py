"""The numbers and formulas of each stage that the CPU and a GPU share. Loads no numba and no torch."""

# Before any number of this package: a kernel that is compiled with numbers of before, in a process that runs while
# files are replaced, must not be kept as one of the new files.
from restrip.propagate.kernel_sources import STAMP as STAMP
