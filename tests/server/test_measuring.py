"""What answers, the calibration and `alcove bench` say of this machine, over the private API."""

import asyncio
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from app.backends.probe import EngineReport
from app.errors import AppError
from app.protocol import (
    BenchEnded,
    BenchReport,
    BenchRequest,
    CalibrationChanged,
    CalibrationState,
    Confidence,
    Conversation,
    Event,
    Finished,
    GenerationStats,
    Machine,
    Measurement,
    MeasurementKind,
    NewConversation,
    NewMessage,
    Started,
)
from app.server.calibrating import REPEATS, Calibrating, Parts
from app.server.subjects import key_of, subject_of
from tests.hardware.speed_parts import machine
from tests.server.scripted import Act, Script, Server, says, until

pytestmark = pytest.mark.usefixtures("engine_report")


@pytest.fixture
def engine_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's report without a probe process."""

    async def report() -> EngineReport:
        return EngineReport("0.3", "b1")

    monkeypatch.setattr("app.server.shelf.probe_engine", report)


def wrote(
    written: int = 64, speed: float = 32.0, read: int = 256, read_speed: float = 512.0, **changes: int
) -> GenerationStats:
    """The figures of an answer of so many tokens at so many a second."""
    found = GenerationStats(
        prompt_tokens=read, answer_tokens=written, ttft_s=0.5, decode_s=(written - 1) / speed, context_length=4096,
        prefill_s=read / read_speed,
    )  # fmt: skip
    return replace(found, **changes)


def act(stats: GenerationStats) -> Act:
    return [*says("Yes.")[:-1], Finished(request_id=0, stats=stats)]


async def answer(server: Server, *acts: Act) -> None:
    """Ask once for each act, one after the other, and wait until what they say is stored."""
    conversation = await server.ask_for("POST", "/api/conversations", Conversation, NewConversation())
    for one in acts:
        server.script.acts.append(one)
        path = f"/api/conversations/{conversation.id}/messages"
        started = await server.ask_for("POST", path, Started, NewMessage(text="Well?", model="tiny"))
        await server.events(started)
        await server.services.measuring.close()


async def measurements(server: Server) -> list[Measurement]:
    found: list[Measurement] = await server.ask_for("GET", "/api/measurements", list[Measurement])
    return found


async def test_an_answer_is_kept_beside_its_prediction(server: Server) -> None:
    await answer(server, act(wrote()))
    prefill, decode = await measurements(server)
    assert (decode.kind, prefill.kind) == (MeasurementKind.DECODE, MeasurementKind.PREFILL)
    assert decode.measured == pytest.approx(32.0)
    assert prefill.measured == pytest.approx(512.0)
    assert (decode.model, decode.device, decode.build) == ("tiny", "CPU", "b1")
    assert (decode.depth, decode.tokens) == (256 + 32, 64)
    assert (prefill.depth, prefill.tokens) == (0, 256)
    assert decode.predicted == decode.stated


@pytest.mark.parametrize(
    "stats",
    [
        wrote(written=31, read=100),
        wrote(drafted_tokens=8, accepted_tokens=4),
    ],
)
async def test_what_says_little_of_the_speed_is_not_kept(server: Server, stats: GenerationStats) -> None:
    await answer(server, act(stats))
    assert await measurements(server) == []


async def test_answers_written_at_once_are_not_kept(server: Server) -> None:
    opened = asyncio.Event()
    first, second = act(wrote()), act(wrote())
    server.script.acts = [[*first[:-1], opened, first[-1]], [*second[:-1], opened, second[-1]]]
    readers = []
    for _ in range(2):
        conversation = await server.ask_for("POST", "/api/conversations", Conversation, NewConversation())
        path = f"/api/conversations/{conversation.id}/messages"
        started = await server.ask_for("POST", path, Started, NewMessage(text="Well?", model="tiny"))
        readers.append(asyncio.create_task(server.events(started)))
    await until(lambda: server.script.most_at_work == 2)
    opened.set()
    await asyncio.gather(*readers)
    await server.services.measuring.close()
    assert await measurements(server) == []


async def test_each_answer_corrects_the_next_prediction(server: Server) -> None:
    await answer(server, act(wrote(speed=40.0)), act(wrote(speed=40.0)))
    newest = next(row for row in await measurements(server) if row.kind is MeasurementKind.DECODE)
    assert newest.stated is not None
    assert newest.stated != pytest.approx(40.0, rel=0.2)
    assert newest.predicted == pytest.approx(40.0)
    async with server.services.engines.use("tiny") as engine:
        subject = subject_of(engine)
    assert subject is not None
    assert server.services.measuring.speeds(subject).confidence is Confidence.MEASURED


async def test_what_was_measured_on_other_hardware_says_nothing(server: Server) -> None:
    await answer(server, act(wrote()))
    async with server.services.engines.use("tiny") as engine:
        subject = subject_of(engine)
    assert subject is not None
    elsewhere = replace(subject.machine, cpu_name="Another Processor")
    assert server.services.measuring.corrections(subject.machine, "tiny").decode.count == 1
    assert server.services.measuring.corrections(elsewhere, "tiny").decode.count == 0
    assert server.services.measuring.corrections(subject.machine, "other").decode.count == 0


async def test_the_store_can_be_cleared(server: Server) -> None:
    await answer(server, act(wrote()))
    assert await server.ask_for("DELETE", "/api/measurements", list[Measurement]) == []
    assert await measurements(server) == []
    await server.services.measuring.open()
    assert server.services.measuring.all() == []


# ---------------------------------------------------------------- calibration


class Bench:
    """A calibration of a machine that a test describes; the script plays the engine."""

    def __init__(self, server: Server) -> None:
        self.told: list[Event] = []
        self.busy = False
        self.here = machine()
        self.calibrating = Calibrating(
            Parts(
                measuring=server.services.measuring,
                machine=self._machine,
                factory=server.script.backend,
                folder=server.services.paths.cache / "calibration",
                busy=lambda: self.busy,
                publish=self.told.append,
            )
        )

    async def _machine(self) -> Machine:
        return self.here

    async def ended(self) -> CalibrationState:
        await until(lambda: not self.calibrating.state.running)
        return self.calibrating.state

    @property
    def steps(self) -> Sequence[CalibrationState]:
        return [event.state for event in self.told if isinstance(event, CalibrationChanged)]


@pytest.fixture
async def bench(server: Server) -> Bench:
    return Bench(server)


def runs(script: Script) -> None:
    """The wide model at 40 tokens a second, the narrow one at 100, each with a run that warms up slowly."""
    for speed in (40.0, 100.0):
        figures = [wrote(speed=1.0), *[wrote(speed=speed)] * REPEATS]
        script.acts += [act(one) for one in figures]


async def test_the_machine_is_measured_on_each_device_and_remembered(server: Server, bench: Bench) -> None:
    runs(server.script)
    state = bench.calibrating.start()
    assert (state.running, state.step) == (True, "writing")
    state = await bench.ended()
    assert state.error is None
    assert state.bandwidth is not None
    assert 2e9 < state.bandwidth < 10e9
    assert state.finished is not None
    assert [row.kind.value for row in await measurements(server)] == ["products", "layer", "bandwidth"]
    known = server.services.measuring.corrections(bench.here, "any model").calibrated["CPU"]
    assert known.bandwidth == state.bandwidth
    shares = [step.share for step in bench.steps]
    assert shares == sorted(shares)
    assert {"writing", "loading", "measuring"} <= {step.step for step in bench.steps}
    assert not list((server.services.paths.cache / "calibration").iterdir()), "the models are removed"
    again = Calibrating(bench.calibrating._parts)
    again.open()
    assert (again.state.bandwidth, again.state.running) == (state.bandwidth, False)


async def test_it_can_be_cancelled(server: Server, bench: Bench) -> None:
    server.script.acts = [[asyncio.Event()]]
    bench.calibrating.start()
    await until(lambda: server.script.at_work)
    state = await bench.calibrating.cancel()
    assert (state.running, state.finished, state.error) == (False, None, None)
    assert await measurements(server) == []


async def test_it_does_not_begin_while_an_answer_is_written(server: Server, bench: Bench) -> None:
    bench.busy = True
    with pytest.raises(AppError) as refused:
        bench.calibrating.start()
    assert refused.value.code == "measuring_busy"


async def test_an_answer_that_comes_between_spoils_it(server: Server, bench: Bench) -> None:
    gate = asyncio.Event()
    server.script.acts = [[gate, *act(wrote())]]
    bench.calibrating.start()
    await until(lambda: server.script.at_work)
    bench.busy = True
    gate.set()
    state = await bench.ended()
    assert state.error is not None
    assert state.error.code == "measuring_busy"
    assert await measurements(server) == []


async def test_its_routes(server: Server) -> None:
    assert await server.ask_for("GET", "/api/calibration", CalibrationState) == CalibrationState()
    server.script.acts = [[asyncio.Event()]]
    assert (await server.ask_for("POST", "/api/calibration", CalibrationState)).running
    assert not (await server.ask_for("DELETE", "/api/calibration", CalibrationState)).running


def test_hardware_is_told_apart_by_name_and_driver() -> None:
    here = machine(gpu=500e9)
    card = replace(here.devices[0], driver="550.1")
    assert key_of(here, "CUDA0+CPU") == "NVIDIA GeForce RTX 4070 (CUDA); Some Processor"
    assert key_of(replace(here, devices=(card,)), "CUDA0") == "NVIDIA GeForce RTX 4070 (CUDA 550.1)"


# ---------------------------------------------------------------- alcove bench


async def test_a_model_is_measured_at_each_depth_beside_its_prediction(server: Server) -> None:
    warm = act(wrote(speed=1.0))
    shallow = [act(wrote(written=32, speed=speed, read=128)) for speed in (30.0, 33.0, 36.0)]
    deep = [act(wrote(written=32, speed=20.0, read=1100, cached_tokens=1000)) for _ in range(3)]
    server.script.acts = [warm, *shallow, warm, *deep]
    report = await server.ask_for(
        "POST", "/api/bench", BenchReport, BenchRequest(model="tiny", depths=(0, 1000, 10_000))
    )
    assert (report.model, report.device, report.build, report.context_length) == ("tiny", "CPU", "b1", 4096)
    assert [(row.kind.value, row.depth) for row in report.rows] == [
        ("prefill", 0), ("decode", 144), ("prefill", 1000), ("decode", 1116),
    ]  # fmt: skip
    decode = report.rows[1]
    assert (decode.measured.low, decode.measured.expected, decode.measured.high) == pytest.approx((30.0, 33.0, 36.0))
    assert decode.predicted is not None
    assert all(request.prompt and not request.speculate for request in server.script.asked)


async def test_a_measurement_is_ended_and_its_model_unloaded(server: Server) -> None:
    server.script.acts = [[asyncio.Event()]]
    asked = asyncio.create_task(server.refused("POST", "/api/bench", BenchRequest(model="tiny")))
    await until(lambda: server.script.at_work)
    assert (await server.refused("POST", "/api/bench", BenchRequest(model="tiny")))[1] == "measuring_busy"
    assert (await server.ask_for("DELETE", "/api/bench", BenchEnded)).ended
    assert (await asked)[:2] == (409, "measuring_cancelled")
    assert server.script.at_work == 0
    assert server.services.engines.loaded == ()
    assert not (await server.ask_for("DELETE", "/api/bench", BenchEnded)).ended


async def test_a_model_that_was_there_before_stays(server: Server) -> None:
    await answer(server, act(wrote()))
    server.script.acts = [[asyncio.Event()]]
    asked = asyncio.create_task(server.refused("POST", "/api/bench", BenchRequest(model="tiny")))
    await until(lambda: server.script.at_work)
    await server.ask_for("DELETE", "/api/bench", BenchEnded)
    await asked
    assert [entry.id for entry in server.services.engines.loaded] == ["tiny"]


async def test_loading_for_a_measurement_is_ended_too(server: Server) -> None:
    server.script.loading = asyncio.Event()
    asked = asyncio.create_task(server.refused("POST", "/api/bench", BenchRequest(model="tiny")))
    await until(lambda: server.script.loads)
    await server.ask_for("DELETE", "/api/bench", BenchEnded)
    assert (await asked)[1] == "measuring_cancelled"
    assert server.services.engines.loaded == ()


async def test_a_client_that_hangs_up_ends_its_measurement(server: Server) -> None:
    server.script.acts = [[asyncio.Event()]]
    asked = asyncio.create_task(server.refused("POST", "/api/bench", BenchRequest(model="tiny")))
    await until(lambda: server.script.at_work)
    asked.cancel()
    await until(lambda: not server.script.at_work and not server.services.engines.loaded)


async def test_what_cannot_be_measured_is_refused(server: Server) -> None:
    assert (await server.refused("POST", "/api/bench", BenchRequest(repeats=0)))[:2] == (400, "bad_request")
    assert (await server.refused("POST", "/api/bench", BenchRequest(depths=(9999,))))[:2] == (400, "bad_request")
    assert (await server.refused("POST", "/api/bench", BenchRequest(model="no")))[:2] == (404, "model_not_found")


async def test_nothing_is_measured_while_the_model_answers(server: Server) -> None:
    server.script.acts = [[asyncio.Event()]]
    conversation = await server.ask_for("POST", "/api/conversations", Conversation, NewConversation())
    path = f"/api/conversations/{conversation.id}/messages"
    started = await server.ask_for("POST", path, Started, NewMessage(text="Well?", model="tiny"))
    await until(lambda: server.script.at_work)
    assert (await server.refused("POST", "/api/bench", BenchRequest()))[:2] == (409, "measuring_busy")
    await server.ask_for("POST", f"/api/messages/{started.answer.id}/stop", dict)
