"""Asks the engine which devices it can use, in a throw-away process: a broken driver may hang or crash whoever asks."""

import asyncio
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence
from typing import Literal, TypeVar

import msgspec

from app.backends.llama.process import death_reason, worker_environment
from app.errors import AppError
from app.launch import own_command
from app.paths import RESOURCES
from app.protocol import Device, ErrorInfo, Wire

PROBE_SECONDS = 15.0
"""Starting a graphics driver can take several seconds the first time."""


class EngineDevice(Wire, frozen=True):
    """A device as ggml reports it; memory in bytes."""

    name: str
    description: str
    kind: Literal["cpu", "discrete", "integrated", "accelerator", "unknown"] = "unknown"
    memory_free: int = 0
    memory_total: int = 0


class EngineReport(Wire, frozen=True):
    """What a probe found: the versions of llama-cpp-python and llama.cpp, and every device, the processor too."""

    version: str
    llama_version: str
    devices: tuple[EngineDevice, ...] = ()

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
            await process.wait()
    return _read_answer(kind, output, errors, process.returncode or 0)


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
    unified = backend in ("Metal", "MTL")
    return Device(
        name=device.description or device.name,
        kind="unified" if unified else "discrete" if device.kind == "discrete" else "integrated",
        backend=backend,
        memory_total=device.memory_total or None,
        memory_free=device.memory_free if device.memory_total else None,
    )
