"""Models and machines that are not there, for tests of what is planned and predicted for them."""

from app.hardware.geometry import Geometry, Layer, Weights
from app.protocol import Device, Machine

MIB = 1024**2
GIB = 1024**3


def dense(
    layers: int = 32, layer_bytes: int = 118 * MIB, trained: int = 131_072, window: int | None = None
) -> Geometry:
    """A dense model; as it stands, Llama 3.1 8B in Q4_K_M."""
    layer = Layer(dense=Weights(size=layer_bytes), key_width=1024, value_width=1024)
    windowed = Layer(dense=Weights(size=layer_bytes), key_width=1024, value_width=1024, window=window)
    return Geometry(
        architecture="llama",
        layers=tuple(windowed if window and index % 2 else layer for index in range(layers)),
        embedding=Weights(size=282 * MIB),
        output=Weights(size=411 * MIB),
        width=4096,
        heads=32,
        feed_forward=14_336,
        vocabulary=128_256,
        trained_context=trained,
        active_parameters=layers * layer_bytes * 8 // 5,
        parameters=layers * layer_bytes * 8 // 5,
    )


def mixture(layers: int = 48, expert_bytes: int = 370 * MIB) -> Geometry:
    """A mixture of experts; as it stands, Qwen3-30B-A3B in Q4_K_M."""
    layer = Layer(dense=Weights(size=16 * MIB), experts=Weights(size=expert_bytes), key_width=512, value_width=512)
    return Geometry(
        architecture="qwen3moe",
        layers=(layer,) * layers,
        embedding=Weights(size=170 * MIB),
        output=Weights(size=250 * MIB),
        width=2048,
        heads=32,
        feed_forward=6144,
        vocabulary=151_936,
        expert_count=128,
        experts_used=8,
        trained_context=40_960,
        active_parameters=3_300_000_000,
        parameters=30_500_000_000,
    )


def card(free: int, total: int | None = None, number: int = 0, bandwidth: float | None = 504e9) -> Device:
    """An NVIDIA card with so many bytes free."""
    return Device(
        name=f"Card {number}",
        kind="discrete",
        backend="CUDA",
        engine_name=f"CUDA{number}",
        vendor="nvidia",
        architecture="8.9",
        memory_total=free + 300 * MIB if total is None else total,
        memory_free=free,
        bandwidth=bandwidth,
        compute=29e12,
    )


def computer(*devices: Device, ram: int | None = 32 * GIB, available: int | None = None) -> Machine:
    """A Linux machine with that much RAM, four fifths of it free unless said otherwise."""
    free = available if available is not None else None if ram is None else ram * 4 // 5
    return Machine(
        os="Linux",
        physical_cores=8,
        performance_cores=8,
        cpu_features=("avx2",),
        ram_total=ram,
        ram_available=free,
        ram_bandwidth=60e9,
        devices=devices,
    )


def unified(memory: int, available: int) -> Machine:
    """A Mac: the processor's memory is the GPU's, of which Metal gives two thirds."""
    device = Device(
        name="Apple M2",
        kind="unified",
        backend="Metal",
        engine_name="Metal",
        vendor="apple",
        architecture="Apple M2",
        memory_total=memory * 2 // 3,
        memory_free=min(memory * 2 // 3, available),
        memory_shared=memory * 2 // 3,
        bandwidth=100e9,
        compute=3.6e12,
    )
    return Machine(
        os="macOS 15",
        physical_cores=8,
        performance_cores=4,
        cpu_features=("neon", "dotprod"),
        ram_total=memory,
        ram_available=available,
        ram_bandwidth=100e9,
        devices=(device,),
    )
