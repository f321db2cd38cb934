"""All tasks of a worker: those of jobs, and those for other computers' engines and guests."""

from __future__ import annotations

from typing import Any

from restrip.jobs.tasks.maintenance import show_cache
from restrip.jobs.tasks.registry import JOB_TASKS, Assignment, Tasks
from restrip.remote.upload_store import prune_all

TASKS: Tasks = {
    **JOB_TASKS,
    "cache": ("restrip.remote.tasks", "show_pruned_cache"),
    "elsewhere": ("restrip.remote.linked_jobs", "go_elsewhere"),
    "call_back": ("restrip.remote.linked_jobs", "call_back"),
    "ask_elsewhere": ("restrip.remote.linked_jobs", "ask_elsewhere"),
    "keep": ("restrip.remote.guest_tasks", "keep_file"),
    "results": ("restrip.remote.guest_tasks", "list_results"),
    "get": ("restrip.remote.guest_tasks", "read_piece"),
    "locate": ("restrip.remote.guest_tasks", "locate"),
    "vet": ("restrip.remote.guest_vetting", "vet"),
    "measure_shelves": ("restrip.remote.guest_storage", "measure"),
    "make_room": ("restrip.remote.guest_storage", "make_room"),
    "drop_shelves": ("restrip.remote.guest_storage", "drop_shelves"),
}


def show_pruned_cache(task: Assignment) -> dict[str, Any]:
    """As `show_cache`, after removing files from other computers that were not used lately."""
    prune_all(task.state_dir)
    return show_cache(task)
