"""What a backend says in these tests."""

from app.protocol import (
    Advice,
    BenchReport,
    BenchRow,
    CalibrationState,
    Check,
    CheckState,
    Device,
    DeviceSample,
    Disk,
    LoadedMemory,
    LoadParams,
    Machine,
    Measurement,
    MeasurementKind,
    MemorySample,
    MemoryUse,
    NotWorth,
    Plan,
    Prediction,
    Range,
    Reason,
    Suggestion,
    Use,
    Verdict,
)
from tests.ui.fake_client import FakeClient

GIB, MIB = 1024**3, 1024**2

CARD = Device(
    name="RTX 4060", kind="discrete", backend="CUDA", engine_name="CUDA0", memory_total=8 * GIB,
    memory_free=7 * GIB, bandwidth=272e9, driver="550.1",
)  # fmt: skip
KNOWN = Machine(
    os="Debian 12", cpu_name="Ryzen", physical_cores=8, logical_cores=16, cpu_features=("avx2",), cache_l3=16 * MIB,
    ram_total=32 * GIB, ram_available=20 * GIB, ram_bandwidth=50e9, container="docker", devices=(CARD,),
    disks=(Disk(path="/models", total=500 * GIB, free=100 * GIB, kind="ssd"),),
)  # fmt: skip
CHECKS = [
    Check(code="memory", state=CheckState.GOOD, values={"available_bytes": 20 * GIB, "total_bytes": 32 * GIB}),
    Check(code="broken_model", state=CheckState.WARN, values={"name": "Cut", "reason": "cut off"}),
    Check(code="disk_low", state=CheckState.BAD, values={"path": "/x", "free_bytes": 1000}),
]
LOADED = LoadedMemory(
    model="qwen",
    predicted=(MemoryUse(device="CUDA0", weights=4 * GIB, cache=500 * MIB), MemoryUse(weights=300 * MIB)),
    measured=(MemoryUse(device="CUDA0", weights=4 * GIB, cache=400 * MIB), MemoryUse(weights=300 * MIB)),
)
SAMPLE = MemorySample(
    ram_total=32 * GIB,
    ram_available=20 * GIB,
    ram_ours=2 * GIB,
    devices=(DeviceSample(name="RTX 4060", engine_name="CUDA0", total=8 * GIB, free=2 * GIB, ours=5 * GIB),),
    loaded=(LOADED,),
)


def suggestion(name: str, verdict: Verdict = Verdict.GPU, speed: float = 40.0) -> Suggestion:
    around = Range(low=speed * 0.75, expected=speed, high=speed * 1.25)
    memory = (MemoryUse(device="CUDA0", weights=4 * GIB, cache=512 * MIB, free=7 * GIB, reserve=GIB // 2),)
    return Suggestion(
        model=name.lower(), name=name, maker="Maker", licence="MIT", parameters=8, active_parameters=8,
        repo="owner/repo", file=f"{name}.gguf", quantization="Q4_K_M", download_bytes=5 * 10**9,
        disk_left=95 * 10**9, quality=71, quality_source="arena", reasons=(Reason(code="cache_rounded"),),
        plan=Plan(
            verdict=verdict, params=LoadParams(context_length=8192), layers=33, memory=memory,
            prediction=Prediction(decode=around, prefill=around, depth=1000, ttft_s=Range(low=1, expected=2, high=3)),
        ),
    )  # fmt: skip


QUICK, GOOD = suggestion("Quick", speed=80), suggestion("Good", Verdict.PARTLY)
ADVICE = Advice(
    use=Use.CHAT,
    fast=QUICK,
    balanced=GOOD,
    best=GOOD,
    ranked=(GOOD, QUICK, suggestion("Third", Verdict.CPU, 11)),
    not_worth=(NotWorth(name="Giant", reason=Reason(code="too_slow_spilled")),),
    unlock=(Reason(code="unlock_video", values={"size": 24, "model": "Greater", "rate": 30}),),
)
NOTHING = Advice(use=Use.CHAT, nothing=Reason(code="nothing_fits", values={"model": "Tiny", "needed_bytes": GIB}))
ROWS = [
    Measurement(
        id=number, created=number, kind=MeasurementKind.DECODE, model=f"model {number}", device="CUDA0", build="1",
        depth=1024, predicted=50.0, measured=40.0,
    )
    for number in range(14)
]  # fmt: skip
REPORT = BenchReport(
    model="qwen",
    device="CUDA0",
    build="b7",
    context_length=8192,
    load_s=2.5,
    memory=LOADED,
    rows=(
        BenchRow(
            kind=MeasurementKind.DECODE, depth=1024, tokens=32, measured=Range(low=48, expected=50, high=52),
            predicted=Range(low=40, expected=60, high=70),
        ),
        BenchRow(kind=MeasurementKind.PREFILL, depth=0, tokens=512, measured=Range(low=900, expected=900, high=900)),
    ),
)  # fmt: skip


def tell_everything(client: FakeClient) -> None:
    """Answer whatever the page asks."""
    client.answers["GET /api/hardware"] = KNOWN
    client.answers["GET /api/doctor"] = CHECKS
    client.answers["GET /api/memory"] = SAMPLE
    client.answers["GET /api/advice"] = [ADVICE]
    client.answers["GET /api/calibration"] = CalibrationState()
    client.answers["GET /api/measurements"] = ROWS
