"""Asks the engine and the drivers for devices, in throw-away processes: a broken driver may hang or crash who asks."""

import asyncio
import contextlib
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence
from typing import Literal, TypeVar

import msgspec
from msgspec import field

from app.backends.llama.process import death_reason, worker_environment
from app.errors import AppError
from app.hardware.detection.answers import BackendFault, DriverAnswers, EngineBuild, NvmlAnswers
from app.hardware.nvidia import driver_is_here
from app.launch import own_command
from app.paths import RESOURCES
from app.protocol import Device, ErrorInfo, Wire

PROBE_SECONDS = 5.5
"""For the engine and all its backends; what a person will wait for a machine to be described."""
BACKEND_SECONDS = 4.2
"""For one backend: starting a graphics driver takes seconds the first time."""

DYING_SECONDS = 0.3
"""For a killed probe to be gone: one that hangs inside the kernel does not even die of that."""


class EngineDevice(Wire, frozen=True):
    """A device as ggml reports it; memory in bytes."""

    name: str
    description: str
    kind: Literal["cpu", "discrete", "integrated", "accelerator", "unknown"] = "unknown"
    memory_free: int = 0
    memory_total: int = 0
    device_id: str = ""
    """Its place on the PCI bus."""


class BackendAnswer(Wire, frozen=True):
    """What one backend told of itself."""

    devices: tuple[EngineDevice, ...] = ()
    features: dict[str, str] = field(default_factory=dict)
    fault: BackendFault | None = None


class EngineReport(Wire, frozen=True):
    """What a probe found: the versions of llama-cpp-python and llama.cpp, and every device, the processor too."""

    version: str
    llama_version: str
    devices: tuple[EngineDevice, ...] = ()
    build: EngineBuild = EngineBuild()

    @property
    def graphics(self) -> tuple[Device, ...]:
        """The graphics cards among the devices."""
        return tuple(_graphics(device) for device in self.devices if device.kind in ("discrete", "integrated"))


class ProbeFailed(Wire, frozen=True):
    error: ErrorInfo


AnswerT = TypeVar("AnswerT", bound=Wire)


async def probe_engine(limit_s: float = PROBE_SECONDS, command: Sequence[str] | None = None) -> EngineReport:
    """Start a probe and read its report. Raises AppError("engine_missing"), also when it takes too long."""
    return await ask_probe(EngineReport, command or own_command("probe", "devices"), limit_s)


async def ask_probe(
    kind: type[AnswerT], command: Sequence[str], limit_s: float = PROBE_SECONDS, question: bytes = b""
) -> AnswerT:
    """Start a probe, give it the question and read its answer. Raises AppError: what the probe says, or
    "engine_missing" where it dies, says nothing that can be read, or takes too long."""
    output, errors, code = await _ask(command, limit_s, question)
    return _read_answer(kind, output, errors, code)


async def probe_drivers(limit_s: float = PROBE_SECONDS, command: Sequence[str] | None = None) -> DriverAnswers:
    """What the drivers of the graphics cards tell; where one hangs or crashes that is NVML's `fault`."""
    if command is None and not (driver_is_here() or sys.platform == "win32"):
        return DriverAnswers()
    try:
        output, errors, code = await _ask(command or own_command("probe", "drivers"), limit_s)
        return msgspec.json.decode(output, type=DriverAnswers)
    except AppError as error:
        return DriverAnswers(nvml=NvmlAnswers(fault=str(error.values.get("reason", ""))))
    except msgspec.MsgspecError:
        tail = errors.decode("utf-8", "replace").splitlines()
        return DriverAnswers(nvml=NvmlAnswers(fault=death_reason(code, tail)))


async def _ask(command: Sequence[str], limit_s: float, question: bytes = b"") -> tuple[bytes, bytes, int]:
    """What the probe prints, what it says besides and its exit code. Raises AppError("engine_missing") for silence."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=PIPE if question else DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        cwd=RESOURCES.parent,
        env=worker_environment(),
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(question or None), limit_s)
    except TimeoutError:
        raise AppError("engine_missing", reason=f"it did not answer within {limit_s:.0f} seconds") from None
    finally:
        if process.returncode is None:
            process.kill()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), DYING_SECONDS)
    return output, errors, process.returncode or 0


def _read_answer(kind: type[AnswerT], output: bytes, errors: bytes, code: int) -> AnswerT:
    try:
        if code == 0:
            return msgspec.json.decode(output, type=kind)
        failure = msgspec.json.decode(output, type=ProbeFailed)
    except msgspec.MsgspecError as error:
        tail = errors.decode("utf-8", "replace").splitlines()
        raise AppError("engine_missing", reason=death_reason(code, tail)) from error
    raise AppError.from_info(failure.error)


def _graphics(device: EngineDevice) -> Device:
    backend = device.name.rstrip("0123456789")
    # Metal calls every GPU of a Mac alike; those of Macs with Intel's processors have names of other makers.
    inside = device.kind == "integrated" or (backend in ("Metal", "MTL") and device.description.startswith("Intel"))
    on_apple = device.description.startswith("Apple")
    return Device(
        name=device.description or device.name,
        kind="unified" if on_apple else "integrated" if inside else "discrete",
        backend=backend,
        engine_name=device.name,
        pci_id=device.device_id.casefold(),
        sources=("ggml",),
        memory_total=device.memory_total or None,
        memory_free=device.memory_free if device.memory_total else None,
    )
