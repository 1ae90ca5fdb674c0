"""Why the engine failed, in a word of ours: out of memory, a damaged file, an unsupported model, a fault of its own."""

import re
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass

_MEMORY = re.compile(
    r"out of memory|failed to allocate|unable to allocate|bad_alloc|cudaMalloc failed|ErrorOutOfDeviceMemory"
    r"|cannot allocate memory|MemoryError|alloc_tensor_range|failed to reserve|insufficient memory",
    re.IGNORECASE,
)
_DAMAGED = re.compile(
    r"not within the file bounds|invalid magic|corrupted|failed to read|unexpectedly reached end|missing tensor"
    r"|wrong shape|wrong number of tensors|key not found|cannot find tokenizer|invalid GGUF|bad GGUF|out of bounds"
    r"|duplicate(d)? tensor|duplicate key|invalid (tensor|type|key|n_dims)|has invalid",
    re.IGNORECASE,
)
_UNSUPPORTED = re.compile(r"unknown (model architecture|pre-tokenizer type)|unsupported model|unsupported architecture")
_ASSERTED = re.compile(r"GGML_ASSERT|ggml_abort|GGML_ABORT|terminate called|what\(\):")


@dataclass(frozen=True)
class Cause:
    """`reason` is a code with words of its own, or what somebody said; `detail` what the engine said besides."""

    reason: str
    detail: str = ""

    @property
    def text(self) -> str:
        """The one thing to say where there is room for one only."""
        return self.detail or self.reason


def load_cause(line: str, lines: Sequence[str] = ()) -> Cause:
    """Why a model was not loaded, by the most telling line and all the others."""
    said = "\n".join((line, *lines))
    if _UNSUPPORTED.search(line):
        return Cause("model_unsupported", line)
    if _DAMAGED.search(line):
        return Cause("model_damaged", line)
    if _MEMORY.search(said):
        return Cause("out_of_memory", line)
    return Cause(line) if line else Cause("engine_silent")


def death_cause(code: int, tail: Sequence[str]) -> Cause:
    """Why a process ended, by its exit code and the last lines it wrote."""
    lines = [line for line in tail if line]
    asserted = [line for line in lines if _ASSERTED.search(line)]
    if any(_MEMORY.search(line) for line in lines[-8:]):
        return Cause("out_of_memory", next(line for line in reversed(lines) if _MEMORY.search(line)))
    if asserted:
        return Cause("engine_fault", asserted[-1])
    if sys.platform != "win32" and code == -signal.SIGKILL:
        return Cause("process_killed")
    if lines and code > 0:
        return Cause(lines[-1])
    return Cause("engine_fault" if code < 0 else "process_ended", _ending(code))


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
