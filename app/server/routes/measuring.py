"""The routes about speed: the calibration of this machine, what was measured, and measuring a model."""

from functools import partial

from starlette.requests import Request
from starlette.routing import Route

from app.protocol import BenchEnded, BenchReport, BenchRequest, CalibrationState, Measurement
from app.server.endpoint import Call, endpoint
from app.server.services import Services


class MeasuringRoutes:
    def __init__(self, services: Services) -> None:
        self._measuring = services.measuring
        self._calibrating = services.calibrating
        self._benching = services.benching

    def routes(self) -> list[Route]:
        return [
            endpoint("GET", "/api/calibration", self.calibration),
            endpoint("POST", "/api/calibration", self.calibrate),
            endpoint("DELETE", "/api/calibration", self.cancel),
            endpoint("GET", "/api/measurements", self.measurements),
            endpoint("DELETE", "/api/measurements", self.clear),
            endpoint("POST", "/api/bench", self.bench, BenchRequest),
            endpoint("DELETE", "/api/bench", self.end_bench),
        ]

    async def calibration(self, call: Call[None]) -> CalibrationState:
        return self._calibrating.state

    async def calibrate(self, call: Call[None]) -> CalibrationState:
        return self._calibrating.start()

    async def cancel(self, call: Call[None]) -> CalibrationState:
        return await self._calibrating.cancel()

    async def measurements(self, call: Call[None]) -> list[Measurement]:
        return self._measuring.all()

    async def clear(self, call: Call[None]) -> list[Measurement]:
        await self._measuring.clear()
        self._calibrating.forget()
        return self._measuring.all()

    async def bench(self, call: Call[BenchRequest]) -> BenchReport:
        return await self._benching.run(call.body, partial(_hung_up, call.request))

    async def end_bench(self, call: Call[None]) -> BenchEnded:
        return BenchEnded(ended=await self._benching.cancel())


async def _hung_up(request: Request) -> None:
    """Return once the client has left. Its body has been read: nothing else can come."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
