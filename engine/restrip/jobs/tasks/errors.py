"""What goes wrong in the code that does a task: named, so that it costs the task and nothing else.

out of memory             tried again with less
code can't be loaded      packages or files that are missing, or don't fit together
any other exception       the task's failure: the worker goes on
"""

from __future__ import annotations

from collections.abc import Mapping

from restrip.errors import RestripError

MOST_TEXT = 300
_DEVICE_WORDS = ("CUDA error", "HIP error", "Triton Error", "device-side assert", "CUDNN_STATUS", "CUBLAS_STATUS")


class OutOfMemory(RestripError):
    """This machine's memory isn't enough for a task."""

    code = "out-of-memory"

    def __init__(self, kind: str, what: str) -> None:
        reason = f" ({what[:MOST_TEXT]})" if what else ""
        super().__init__(
            f"There wasn't enough memory for '{kind}'{reason}.",
            "Close other programs, or render at a smaller size, then retry: what was finished is kept.",
            kind=kind,
            cause="memory",
        )


class CodeMissing(RestripError):
    """Code of Restrip's or of a package is there and can't be loaded."""

    code = "code-missing"

    def __init__(self, kind: str, what: str) -> None:
        super().__init__(
            f"Code that '{kind}' needs can't be loaded: {what[:MOST_TEXT]}.",
            "Restrip's files, or packages that it needs, are missing or don't fit together: 'restrip doctor' says "
            "which. Install Restrip again, then retry: what was finished is kept.",
            kind=kind,
            cause="import",
        )


class KernelsUnkept(RestripError):
    """The CPU's compiled kernels can be kept nowhere."""

    code = "kernel-cache"

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"The kernels that '{kind}' compiles can't be kept: nothing may be written beside Restrip's files, nor in "
            "your own cache folder.",
            "Set the environment variable NUMBA_CACHE_DIR to a folder where you may write, and start the engine anew "
            "(restrip engine stop).",
            kind=kind,
            cause="import",
        )


class TaskFault(RestripError):
    """An exception without a code of its own, raised by what a task was given to do."""

    code = "task-fault"

    def __init__(self, kind: str, what: str) -> None:
        super().__init__(
            f"'{kind}' failed with an error that has no name yet: {what[:MOST_TEXT]}.",
            "'restrip engine log' has the lines, and 'restrip doctor --bundle FILE' packs them for a report. Retry "
            "with other settings: what was finished is kept.",
            kind=kind,
            cause="exception",
        )


def fault_of(error: BaseException, message: Mapping[str, object]) -> RestripError:
    """The named error for an exception in the task of this message."""
    kind, text = str(message.get("kind", "")), str(error)
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return OutOfMemory(kind, text)
    what = f"{type(error).__name__}: {text}" if text else type(error).__name__
    if isinstance(error, RuntimeError) and "no locator available" in text:  # numba's words.
        return KernelsUnkept(kind)
    return CodeMissing(kind, text or what) if unloadable(error) else TaskFault(kind, what)


def unloadable(error: BaseException) -> bool:
    """Whether code can't be loaded: a module, or a library in the system's format, of which ctypes tells no number."""
    return isinstance(error, ImportError) or (
        isinstance(error, OSError) and error.errno is None and error.filename is None
    )


def ends_process(error: BaseException) -> bool:
    """Whether nothing can be done in this process after an exception: its device is lost, or it is to end."""
    if isinstance(error, KeyboardInterrupt | GeneratorExit):
        return True
    if type(error).__name__ == "OutOfMemoryError":
        return False
    lost = isinstance(error, RuntimeError) and any(words in str(error) for words in _DEVICE_WORDS)
    return lost or type(error).__name__ == "AcceleratorError"


def cause_of(error: BaseException) -> str:
    """The cause, for a worker that has to end: "memory", "import" or "exception"."""
    if isinstance(error, MemoryError):
        return "memory"
    return "import" if unloadable(error) else "exception"
