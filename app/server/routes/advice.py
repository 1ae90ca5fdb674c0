"""The routes about advice: what to run here or on a machine described in words, and a newer catalogue of models."""

import asyncio

from msgspec.structs import replace
from starlette.routing import Route

from app.errors import AppError
from app.hardware.describe import Described, departs_from_here, machine_from_text
from app.hardware.recommend import advise_all
from app.models.catalogue import load_catalogue
from app.protocol import Advice, CatalogueState, Use
from app.server.endpoint import Call, endpoint
from app.server.services import Services

_LONGEST_CONTEXT = 2**24


class AdviceRoutes:
    """Computed anew at every request: free memory and the catalogue change."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def routes(self) -> list[Route]:
        return [
            endpoint("GET", "/api/advice", self.advice),
            endpoint("POST", "/api/catalogue/update", self.update),
        ]

    async def advice(self, call: Call[None]) -> list[Advice]:
        """For the use that is asked for, else for all of them; `machine`: a description or a machine's JSON."""
        uses, context = _uses(call.text("use")), call.number("context")
        if context is not None and not 0 < context <= _LONGEST_CONTEXT:
            raise AppError("bad_request", reason=f"context is a number from 1 to {_LONGEST_CONTEXT}")
        described = await self._machine(call.text("machine"))
        machine, measuring = described.machine, self._services.measuring
        catalogue = await asyncio.to_thread(load_catalogue, self._services.paths.catalogue)
        measured = (
            (None, {}) if machine.described else (measuring.corrections(machine, ""), measuring.residuals(machine))
        )
        advice = await asyncio.to_thread(advise_all, uses, machine, catalogue, context, *measured)
        return [replace(one, assumptions=described.assumptions) for one in advice]

    async def update(self, call: Call[None]) -> CatalogueState:
        from app.models.catalogue_updates import update_catalogue  # noqa: PLC0415 (an HTTP client, rarely needed)

        address = self._services.preferences.settings.catalogue_address
        return await update_catalogue(address, self._services.paths.catalogue)

    async def _machine(self, text: str) -> Described:
        """This machine where none is described; it is looked at only where something depends on it."""
        if not text.strip():
            return Described(await self._services.engines.machine())
        here = await self._services.engines.machine() if departs_from_here(text) else None
        return machine_from_text(text, here)


def _uses(name: str) -> tuple[Use, ...]:
    if not name:
        return tuple(Use)
    try:
        return (Use(name),)
    except ValueError as error:
        raise AppError("bad_request", reason=f"use is one of {', '.join(Use)}") from error
