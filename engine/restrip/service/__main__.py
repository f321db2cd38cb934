"""`python -m restrip.service [--detach] [--executor local|ray ...]`: the engine.

`restrip.client` starts it when it is needed.
"""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Run the engine; with --detach on POSIX as a process of its own that needs no waiting for."""
    detach = "--detach" in sys.argv[1:]
    if detach and os.name == "posix" and os.fork():
        # The starter waits for this one only; the child goes on, adopted by the system.
        os._exit(0)
    from restrip.service.scheduling import leave_real_time
    from restrip.service.supervisor import serve

    leave_real_time()
    return serve(detach, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
