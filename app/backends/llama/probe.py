"""The probe process: `python -m app probe devices|drivers|rehearse` prints one JSON object and ends."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec.structs import replace

from app.backends.llama.causes import death_cause
from app.backends.probe import BACKEND_SECONDS, DYING_SECONDS, BackendAnswer, EngineDevice, EngineReport, ProbeFailed
from app.backends.rehearsal import RehearsalRequest, Rehearsals
from app.errors import AppError
from app.hardware.detection.adapters import dxgi_adapters
from app.hardware.detection.answers import BackendFault, DriverAnswers, EngineBuild
from app.hardware.nvidia import ask_nvml, driver_is_here
from app.launch import own_command
from app.paths import RESOURCES

if TYPE_CHECKING:
    from app.backends.llama.binding import GgmlDevice

_KINDS: dict[int, Literal["cpu", "discrete", "integrated", "accelerator"]] = {
    0: "cpu",
    1: "discrete",
    2: "integrated",
    3: "accelerator",
}
"""ggml_backend_dev_type"""
_TELLING = ("error", "fail", "insufficient", "unsupported", "no ", "not ", "cannot", "unable")


def main() -> None:
    """Answer the question in the arguments and exit with 0, or with a ProbeFailed and 1; 2 for an unknown one.

    `devices` asks the engine and all its backends, `devices NAME` one backend, `drivers` the cards' drivers; `rehearse`
    reads a RehearsalRequest from standard input and tells what loading would take.
    """
    output = os.dup(1)
    os.dup2(2, 1)
    try:
        answer, code = _answer(sys.argv[1:]), 0
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


def _answer(question: list[str]) -> object:
    if question == ["devices"]:
        return report()
    if question == ["drivers"]:
        return DriverAnswers(nvml=ask_nvml() if driver_is_here() else None, dxgi=dxgi_adapters())
    if question == ["rehearse"]:
        return rehearsals()
    if question[:1] == ["devices"] and len(question) == 2:
        return backend_answer(question[1])
    sys.exit(2)


def report() -> EngineReport:
    """Load the engine and list its devices, each backend's by a process of its own.

    Raises AppError("engine_missing").
    """
    try:
        from app.backends.llama import binding  # noqa: PLC0415 (importing it loads the engine)

        backends = tuple(binding.built_backends())
        # Asking ggml for all devices starts every driver here.
        plain = binding.cpu_devices() if backends else binding.devices()
        answers = dict(zip(backends, ask_apart([_command(backend) for backend in backends], backends), strict=True))
        return EngineReport(
            version=metadata.version("llama-cpp-python"),
            llama_version=binding.version(),
            devices=(*map(_described, plain), *(device for answer in answers.values() for device in answer.devices)),
            build=EngineBuild(
                backends=backends,
                faults=tuple(answer.fault for answer in answers.values() if answer.fault is not None),
                cuda=binding.cuda_runtime() if "CUDA" in backends else None,
                cuda_archs=cuda_archs(answers["CUDA"].features.get("ARCHS", "")) if "CUDA" in answers else (),
            ),
        )
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        raise AppError("engine_missing", reason=str(error)) from error


def backend_answer(backend: str) -> BackendAnswer:
    """What one backend tells, asked here. Raises AppError("engine_missing")."""
    try:
        from app.backends.llama import binding  # noqa: PLC0415 (importing it loads the engine)

        devices = tuple(map(_described, binding.backend_devices(backend)))
        return BackendAnswer(devices, binding.backend_features(backend))
    except (ImportError, OSError, RuntimeError, AttributeError, KeyError) as error:
        raise AppError("engine_missing", reason=str(error)) from error


def ask_apart(
    commands: Sequence[Sequence[str]], backends: Sequence[str], limit_s: float = BACKEND_SECONDS
) -> list[BackendAnswer]:
    """Each backend's answer, all asked at once: no more than the limit in all, and a crash loses only its own."""
    end = time.monotonic() + limit_s
    started = [_start(command) for command in commands]
    return [_answer_of(backend, process, end) for backend, process in zip(backends, started, strict=True)]


def read_backend(backend: str, output: bytes, errors: bytes, code: int) -> BackendAnswer:
    """What a backend's process printed, or its last words on why it has no devices."""
    lines = errors.decode("utf-8", "replace").splitlines()
    try:
        answer = msgspec.json.decode(output, type=BackendAnswer)
    except msgspec.MsgspecError:
        answer = None
    if answer is None or code:
        return BackendAnswer(fault=BackendFault(backend, _failure(output) or death_cause(code, lines).text))
    if answer.devices:
        return answer
    telling = [line for line in lines if any(word in line.casefold() for word in _TELLING)]
    return replace(answer, fault=BackendFault(backend, telling[-1] if telling else ""))


def _failure(output: bytes) -> str:
    """The reason in a ProbeFailed; "" where the process died before it could say one."""
    try:
        return str(msgspec.json.decode(output, type=ProbeFailed).error.values.get("reason", ""))
    except msgspec.MsgspecError:
        return ""


def cuda_archs(archs: str) -> tuple[str, ...]:
    """ "610,890" as compute capabilities are written: "6.1", "8.9"."""
    numbers = (int(part) for part in archs.split(",") if part.strip().isdigit())
    return tuple(f"{number // 100}.{number // 10 % 10}" for number in numbers)


def _answer_of(backend: str, process: "subprocess.Popen[bytes]", end: float) -> BackendAnswer:
    try:
        output, errors = process.communicate(timeout=max(end - time.monotonic(), 0.01))
    except subprocess.TimeoutExpired:
        _end(process)
        return BackendAnswer(fault=BackendFault(backend, silent=True))
    return read_backend(backend, output, errors, process.returncode)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Kill it; one that hangs inside the kernel does not even die of that, and is left behind."""
    process.kill()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(DYING_SECONDS)


def _command(backend: str) -> list[str]:
    return own_command("probe", "devices", backend)


def _start(command: Sequence[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=RESOURCES.parent,
    )


def _described(device: "GgmlDevice") -> EngineDevice:
    return EngineDevice(
        name=device.name,
        description=device.description,
        kind=_KINDS.get(device.kind, "unknown"),
        memory_free=device.memory_free,
        memory_total=device.memory_total,
        device_id=device.device_id,
    )
