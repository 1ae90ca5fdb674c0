"""The route about what a model would need: of the library, a file, or the hub, before anything is downloaded."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace
from starlette.routing import Route

from app.backends.rehearsal import rehearse
from app.errors import AppError
from app.hardware.describe import Described, departs_from_here, machine_from_text
from app.hardware.geometry import geometry_of
from app.hardware.gguf import Header
from app.hardware.need import Besides
from app.hardware.planner import plan
from app.hardware.wish import Wish
from app.models.library import read_model
from app.models.remote_header import RemoteHeaders
from app.protocol import Fit, FitRequest, Machine, Plan, Verdict
from app.server.endpoint import Call, endpoint
from app.server.services import Services


@dataclass(frozen=True)
class _Subject:
    """A model that may not be here."""

    name: str
    id: str
    """In the library; empty for a model that is not in it."""
    header: Header
    file_size: int
    fetched: int = 0


class FitRoutes:
    """`POST /api/fit`."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._headers = RemoteHeaders(services.paths.cache / "headers")

    def routes(self) -> list[Route]:
        return [endpoint("POST", "/api/fit", self.fit, FitRequest)]

    async def fit(self, call: Call[FitRequest]) -> Fit:
        """Raises AppError: "model_not_found", "model_broken", "machine_not_understood", and what the hub raises."""
        asked = call.body
        subject = await self._subject(asked.model)
        described = await self._machine(asked.machine)
        wish = Wish(context=asked.context_length, kv=asked.kv)
        geometry = geometry_of(subject.header)
        machine, measuring = described.machine, self._services.measuring
        here = Besides(residuals=measuring.residuals(machine))
        corrections = measuring.corrections(machine, subject.id)
        found = await asyncio.to_thread(plan, geometry, machine, wish, corrections, here)
        if not asked.machine:
            found = await _rehearsed(found, subject.header, machine, here)
        return Fit(
            name=subject.name,
            quantization=subject.header.quantization,
            file_size=subject.file_size,
            fetched=subject.fetched,
            plan=found,
            assumptions=described.assumptions,
        )

    async def _subject(self, model: str) -> _Subject:
        """What is meant: a model of the library first, then a file, then a repository."""
        try:
            entry = await self._services.shelf.find(model)
        except AppError:
            if model.lower().endswith(".gguf") or "/" not in model:
                header = await asyncio.to_thread(_read, model)
                return _Subject(header.name or Path(model).stem, "", header, header.file_size)
            return await self._remote(model)
        header = await asyncio.to_thread(read_model, Path(entry.path))
        return _Subject(entry.name, entry.id, header, entry.size)

    async def _remote(self, model: str) -> _Subject:
        from app.models.hub import Hub  # noqa: PLC0415 (the hub's client is heavy)

        repo, _, quantization = model.partition(":")
        before = self._headers.fetched
        header, size = await asyncio.to_thread(self._headers.read, Hub(), repo, quantization)
        return _Subject(header.name or repo, "", header, size, self._headers.fetched - before)

    async def _machine(self, text: str) -> Described:
        if not text:
            return Described(await self._services.engines.machine())
        here = await self._services.engines.machine() if departs_from_here(text) else None
        return machine_from_text(text, here)


async def _rehearsed(found: Plan, header: Header, machine: Machine, here: Besides) -> Plan:
    """The plan with llama.cpp's own sizes; as it was where it cannot be asked or would not have room then."""
    if found.verdict is Verdict.NO:
        return found
    try:
        memory = await rehearse(header, found.params, machine, here)
    except AppError:
        return found
    return replace(found, memory=memory, level="rehearsed") if all(use.fits for use in memory) else found


def _read(name: str) -> Header:
    path = Path(name).expanduser()
    if not path.is_file():
        raise AppError("model_not_found", model=name)
    return read_model(path)
