"""The probe process: `python -m app probe devices|rehearse` prints one JSON object and ends.

`rehearse` reads a RehearsalRequest from standard input and tells what loading would take.
"""

import os
import sys
from collections.abc import Callable
from importlib import metadata
from typing import Literal

import msgspec

from app.backends.probe import EngineDevice, EngineReport, ProbeFailed
from app.backends.rehearsal import RehearsalRequest, Rehearsals
from app.errors import AppError

_KINDS: dict[int, Literal["cpu", "discrete", "integrated", "accelerator"]] = {
    0: "cpu",
    1: "discrete",
    2: "integrated",
    3: "accelerator",
}
"""ggml_backend_dev_type"""


def main() -> None:
    """Print an answer and exit with 0, or a ProbeFailed and exit with 1; 2 for an unknown question."""
    questions: dict[str, Callable[[], msgspec.Struct]] = {"devices": report, "rehearse": rehearsals}
    if len(sys.argv) != 2 or sys.argv[1] not in questions:
        sys.exit(2)
    output = os.dup(1)
    os.dup2(2, 1)
    try:
        answer = questions[sys.argv[1]]()
        code = 0
    except AppError as error:
        answer, code = ProbeFailed(error=error.info), 1
    with os.fdopen(output, "wb") as stream:
        stream.write(msgspec.json.encode(answer))
    os._exit(code)  # a driver's own exit handlers may hang


def rehearsals() -> Rehearsals:
    """Answer the request on standard input. Raises AppError: "bad_request", "engine_missing", "model_load_failed"."""
    try:
        request = msgspec.json.decode(sys.stdin.buffer.read(), type=RehearsalRequest)
    except msgspec.MsgspecError as error:
        raise AppError("bad_request", reason=str(error)) from error
    try:
        from app.backends.llama.rehearsal import rehearse  # noqa: PLC0415 (importing it loads the engine)
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        raise AppError("engine_missing", reason=str(error)) from error
    return Rehearsals(rehearse(request))


def report() -> EngineReport:
    """Load the engine and list its devices. Raises AppError("engine_missing")."""
    try:
        from app.backends.llama import binding  # noqa: PLC0415 (importing it loads the engine)

        return EngineReport(
            version=metadata.version("llama-cpp-python"),
            llama_version=binding.version(),
            devices=tuple(
                EngineDevice(
                    name=device.name,
                    description=device.description,
                    kind=_KINDS.get(device.kind, "unknown"),
                    memory_free=device.memory_free,
                    memory_total=device.memory_total,
                )
                for device in binding.devices()
            ),
        )
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        raise AppError("engine_missing", reason=str(error)) from error
