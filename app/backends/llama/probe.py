"""The probe process: `python -m app probe devices` prints one JSON object about the engine and ends."""

import os
import sys
from importlib import metadata
from typing import Literal

import msgspec

from app.backends.probe import EngineDevice, EngineReport, ProbeFailed
from app.errors import AppError

_KINDS: dict[int, Literal["cpu", "discrete", "integrated", "accelerator"]] = {
    0: "cpu",
    1: "discrete",
    2: "integrated",
    3: "accelerator",
}
"""ggml_backend_dev_type"""


def main() -> None:
    """Print an EngineReport and exit with 0, or a ProbeFailed and exit with 1; 2 for an unknown question."""
    if sys.argv[1:] != ["devices"]:
        sys.exit(2)
    output = os.dup(1)
    os.dup2(2, 1)
    try:
        answer: msgspec.Struct = report()
        code = 0
    except AppError as error:
        answer, code = ProbeFailed(error=error.info), 1
    os.write(output, msgspec.json.encode(answer))
    os._exit(code)  # a driver's own exit handlers may hang


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
