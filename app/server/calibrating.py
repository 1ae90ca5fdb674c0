"""The ten-second measurement of this machine: two models made on the spot, run by a real worker on each device."""

import asyncio
import contextlib
import logging
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from app.backends.base import Backend, BackendFactory
from app.errors import AppError
from app.files import make_folder
from app.hardware.calibration import Run, as_measurements, calibrated, promised
from app.hardware.synthetic import Shape, shapes, write_synthetic
from app.protocol import (
    CPU,
    CalibrationChanged,
    CalibrationState,
    ErrorInfo,
    Event,
    Finished,
    Generate,
    GenerationStats,
    LoadParams,
    Machine,
    MeasurementKind,
    Sampling,
)
from app.server.endpoint import told
from app.server.measuring import Measuring
from app.server.subjects import key_of

PROMPT, WRITTEN = 256, 32
"""Tokens that are read and written in each run."""
REPEATS = 3
"""After one run that warms up."""
_USUAL_CACHE = 32 * 1024**2
_LARGEST = 512 * 1024**2

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Parts:
    """What the measurement needs of the backend process."""

    measuring: Measuring
    machine: Callable[[], Awaitable[Machine]]
    factory: BackendFactory
    folder: Path
    """Where the models are written; they are removed afterwards."""
    busy: Callable[[], bool]
    """Whether answers are being written: they and the measurement would spoil each other."""
    publish: Callable[[Event], None]


class Calibrating:
    """At most one measurement at a time; every change of its state is told to all clients."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._state = CalibrationState()
        self._task: asyncio.Task[None] | None = None

    @property
    def state(self) -> CalibrationState:
        return self._state

    def start(self) -> CalibrationState:
        """Begin, or go on where it runs already. Raises AppError("measuring_busy") while answers are written."""
        if self._task is None or self._task.done():
            if self._parts.busy():
                raise AppError("measuring_busy")
            self._tell(replace(self._state, running=True, share=0.0, step="writing", error=None))
            self._task = asyncio.create_task(self._run())
        return self._state

    async def cancel(self) -> CalibrationState:
        """Stop where it stands; what was measured before stays."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])
        return self._state

    def open(self) -> None:
        """Begin with what the last measurement found, as it is stored."""
        newest = {row.kind: row for row in self._parts.measuring.all()[::-1] if not row.model and row.device == CPU}
        if (bandwidth := newest.get(MeasurementKind.BANDWIDTH)) is None:
            self._state = CalibrationState()
            return
        layer, products = newest.get(MeasurementKind.LAYER), newest.get(MeasurementKind.PRODUCTS)
        self._state = CalibrationState(
            finished=bandwidth.created,
            bandwidth=bandwidth.measured,
            layer_s=layer.measured if layer else None,
            prefill_flops=products.measured if products else None,
        )

    def forget(self) -> None:
        """What was measured has been cleared."""
        if not self._state.running:
            self._tell(CalibrationState())

    async def _run(self) -> None:
        try:
            await self._measure()
        except asyncio.CancelledError:
            self._stopped(None)
            raise
        except (AppError, OSError) as error:
            reason = told(error, "measuring this machine")
            self._stopped(reason.info)

    async def _measure(self) -> None:
        machine = await self._parts.machine()
        chosen = shapes(machine.cache_l3 or _USUAL_CACHE, _LARGEST)
        devices = [CPU, *(device.engine_name for device in machine.usable_devices if device.engine_name)]
        make_folder(self._parts.folder)
        with tempfile.TemporaryDirectory(dir=self._parts.folder) as folder:
            paths = [Path(folder) / f"{shape.name}.gguf" for shape in chosen]
            for path, shape in zip(paths, chosen, strict=True):
                await asyncio.to_thread(write_synthetic, path, shape)
            for number, device in enumerate(devices):
                share = (number / len(devices), 1 / len(devices) / len(chosen))
                runs = [
                    await self._run_one(path, shape, device, share[0] + index * share[1], share[1])
                    for index, (path, shape) in enumerate(zip(paths, chosen, strict=True))
                ]
                await self._keep((runs[0], runs[1]), device, machine)
        self._tell(replace(self._state, running=False, share=1.0, step="", finished=time.time()))

    async def _run_one(self, path: Path, shape: Shape, device: str, begun: float, share: float) -> Run:
        """Load that model on that device and measure it; `begun` and `share`: of the whole."""
        self._tell(replace(self._state, step="loading", share=begun))
        backend = self._parts.factory()
        layers = 0 if device == CPU else shape.layers + 1
        params = LoadParams(context_length=1024, slots=1, gpu_layers=layers, devices=() if device == CPU else (device,))
        try:
            await backend.load(str(path), params, lambda _share: None)
            figures = []
            for repeat in range(REPEATS + 1):
                self._tell(replace(self._state, step="measuring", share=begun + share * (repeat + 1) / (REPEATS + 2)))
                figures.append(await _written(backend, repeat))
                if self._parts.busy():
                    raise AppError("measuring_busy")
        finally:
            await asyncio.shield(backend.unload())
        return _run_of(shape, figures[1:])

    async def _keep(self, runs: tuple[Run, Run], device: str, machine: Machine) -> None:
        found = calibrated(runs, device, machine)
        expected = promised(machine, device)
        build, key = await self._parts.measuring.build(), key_of(machine, device)
        await self._parts.measuring.add(as_measurements(found, expected, device, key, build, time.time()))
        _log.info("%s reads %.1f GB/s, %.0f us a layer", device, found.bandwidth / 1e9, found.layer_s * 1e6)
        if device == CPU:
            self._tell(
                replace(
                    self._state,
                    bandwidth=found.bandwidth,
                    layer_s=found.layer_s,
                    prefill_flops=found.products,
                )
            )

    def _stopped(self, error: ErrorInfo | None) -> None:
        """Go back to what was known before."""
        self.open()
        self._tell(replace(self._state, error=error))

    def _tell(self, state: CalibrationState) -> None:
        self._state = state
        self._parts.publish(CalibrationChanged(state=state))


async def _written(backend: Backend, number: int) -> GenerationStats:
    """The figures of one answer. Raises AppError."""
    request = Generate(
        request_id=number + 1,
        turns=(),
        prompt=chr(ord("a") + number) * PROMPT,  # nothing of it was read before
        sampling=Sampling(temperature=0.0, max_tokens=WRITTEN, min_tokens=WRITTEN, ignore_end=True),
        speculate=False,
    )
    async with contextlib.aclosing(backend.generate(request)) as parts:
        async for part in parts:
            if isinstance(part, Finished):
                return part.stats
    raise AppError("generation_failed", reason="no_figures")


def _run_of(shape: Shape, figures: list[GenerationStats]) -> Run:
    """The medians. Raises AppError where an answer told no speed."""
    written = [one.tokens_per_second for one in figures]
    read = [one.prefill_per_second for one in figures]
    if not all(written) or not all(read):
        raise AppError("generation_failed", reason="no_figures")
    return Run(
        geometry=shape.geometry(),
        decode_s=1 / statistics.median(speed for speed in written if speed),
        decode_depth=PROMPT + WRITTEN // 2,
        prefill_s=1 / statistics.median(speed for speed in read if speed),
        prompt=PROMPT,
    )
