"""The engine works beside others, whatever the program that started it does.

An editor that plays sound may run with a real-time priority, and its children inherit that: an engine that has it
leaves nothing of a processor to the desktop, or to the editor.
"""

from __future__ import annotations

import os


def leave_real_time() -> bool:
    """Give up an inherited real-time priority of this process; whether it had one. Only Linux has such to ask for."""
    if not hasattr(os, "sched_getscheduler") or os.sched_getscheduler(0) not in (os.SCHED_FIFO, os.SCHED_RR):
        return False
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return True
