"""What real answers say of this machine's speed: stored beside what had been predicted, and used for what follows."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping

from msgspec.structs import replace

from app.errors import AppError
from app.hardware.calibration import from_measurements
from app.hardware.corrections import Calibrated, Corrected, Corrections, corrected
from app.hardware.speed import Speeds
from app.hardware.trial import name_of
from app.protocol import CPU, GenerationStats, Machine, Measurement, MeasurementKind, Range
from app.server.engine import Engine
from app.server.shelf import Shelf
from app.server.storage import Storage
from app.server.subjects import Subject, key_of, subject_of
from app.server.taken import residuals_of, rows_of, with_residuals

LEAST_WRITTEN = 32
"""Shorter answers say little of the speed of writing,"""
LEAST_READ = 128
"""shorter prompts little of reading."""

_log = logging.getLogger(__name__)


class Measuring:
    """The figures measured here. They are held in memory, so that a plan is corrected without asking the disk."""

    def __init__(self, storage: Storage, shelf: Shelf) -> None:
        self._storage = storage
        self._shelf = shelf
        self._rows: list[Measurement] = []
        """All that is stored, oldest first."""
        self._build: str | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Read what is stored. Raises AppError."""
        self._rows = (await self._storage.measure(lambda measurements: measurements.all()))[::-1]

    async def close(self) -> None:
        """Finish storing what was measured."""
        await asyncio.gather(*self._tasks)

    def all(self) -> list[Measurement]:
        """What is stored, newest first."""
        return self._rows[::-1]

    async def clear(self) -> None:
        """Forget everything that was measured. Raises AppError."""
        await self._storage.measure(lambda measurements: measurements.clear())
        self._rows = []

    def answered(self, engine: Engine, stats: GenerationStats) -> None:
        """An answer was written while no other was: keep its speeds, beside everything else."""
        subject = subject_of(engine)
        if subject is not None and not stats.drafted_tokens:
            self._begin(self._keep(subject, stats))
        if subject is not None and subject.machine.devices:  # computing makes pools of memory grow
            self.settled(engine)

    def settled(self, engine: Engine) -> None:
        """A model has been loaded: keep what it took, beside what was predicted."""
        self._begin(self._keep_memory(engine))

    def corrections(self, machine: Machine, model: str) -> Corrections:
        """What was measured on that machine, of itself and of that model."""
        rows = [row for row in self._rows if row.key == key_of(machine, row.device) and self._is_current(row)]
        own = [row for row in rows if row.model == model and model]
        return Corrections(
            calibrated=_calibrated(machine, [row for row in rows if not row.model]),
            decode=_corrected(own, MeasurementKind.DECODE),
            prefill=_corrected(own, MeasurementKind.PREFILL),
        )

    def residuals(self, machine: Machine) -> Mapping[str, int]:
        """Bytes by device that loads took outside of llama.cpp's buffers."""
        return residuals_of([row for row in self._rows if self._is_current(row)], machine)

    def speeds(self, subject: Subject) -> Speeds:
        """The speeds of a loaded model, corrected by what was measured."""
        corrections = self.corrections(subject.machine, subject.model)
        return Speeds(subject.geometry, subject.placement, subject.machine, corrections)

    async def build(self) -> str:
        """The version of llama.cpp; empty where the engine cannot be asked."""
        if self._build is None:
            try:
                self._build = (await self._shelf.report()).llama_version
            except AppError as error:
                _log.warning("the engine's version is unknown: %s", error)
                return ""
        return self._build

    async def add(self, measurements: list[Measurement]) -> None:
        """Store them. Raises AppError."""
        await self._storage.measure(lambda stored: stored.add(measurements))
        await self.open()

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep_memory(self, engine: Engine) -> None:
        if engine.prepared is None or engine.memory is None:
            return
        machine = engine.prepared.search.machine
        engine.memory = with_residuals(engine.memory, machine, await self._shelf.sample())
        memory = await engine.memory_now()
        if memory is None:
            return
        # Where there is no graphics card the engine is not asked for its version: that takes longer than the load.
        build = await self.build() if machine.devices else self._build or ""
        if not (rows := rows_of(memory, machine, build, time.time())):
            return
        try:
            await self.add(rows)
        except AppError as error:
            _log.warning("what a load took could not be stored: %s", error)

    async def _keep(self, subject: Subject, stats: GenerationStats) -> None:
        rows = measured_by(subject, stats, self.speeds(subject), time.time())
        if not rows:
            return
        build = await self.build()
        try:
            await self.add([replace(row, build=build) for row in rows])
        except AppError as error:
            _log.warning("the speed of an answer could not be stored: %s", error)

    def _is_current(self, row: Measurement) -> bool:
        return self._build is None or row.build in ("", self._build)


def measured_by(subject: Subject, stats: GenerationStats, speeds: Speeds, now: float) -> list[Measurement]:
    """What one answer says of the speed of writing and of reading its prompt; nothing where it was too short."""
    stated = Speeds(subject.geometry, subject.placement, subject.machine)
    found: list[tuple[MeasurementKind, int, int, float, Callable[[Speeds], Range]]] = []
    written, read = stats.tokens_per_second, stats.prompt_tokens - stats.cached_tokens
    if written and stats.answer_tokens >= LEAST_WRITTEN:
        depth = stats.prompt_tokens + stats.answer_tokens // 2
        found.append((MeasurementKind.DECODE, depth, stats.answer_tokens, written, lambda by: by.decode(depth)))
    if stats.prefill_per_second and read >= LEAST_READ:
        before = stats.cached_tokens
        speed = stats.prefill_per_second
        found.append((MeasurementKind.PREFILL, before, read, speed, lambda by: by.prefill(read, before)))
    return [
        Measurement(
            id=0, created=now, kind=kind, model=subject.model, device=subject.device, key=subject.key, build="",
            depth=at, tokens=tokens, measured=speed,
            predicted=predict(speeds).expected if speeds.known else None,
            stated=predict(stated).expected if stated.known else None,
        )
        for kind, at, tokens, speed, predict in found
    ]  # fmt: skip


def _corrected(rows: list[Measurement], kind: MeasurementKind) -> Corrected:
    """By the newest measurements on the device the model last ran on."""
    own = [row for row in rows if row.kind is kind and row.stated]
    return corrected(row.measured / row.stated for row in own if row.stated and row.device == own[-1].device)


def _calibrated(machine: Machine, rows: list[Measurement]) -> dict[str, Calibrated]:
    found = {}
    for name in (CPU, *(name_of(device) for device in machine.devices)):
        known = from_measurements([row for row in rows if row.device == name])
        if known is not None:
            found[name] = known
    return found
