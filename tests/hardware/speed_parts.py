"""Models and machines of round numbers for the tests of speed."""

from app.hardware.geometry import Geometry, Layer, Weights
from app.hardware.placement import Placement
from app.protocol import Device, Machine

F16, Q8_0, Q4_K, IQ2_XXS = 1, 8, 12, 16
GPU = "CUDA0"


def weights(size: int, kind: int = Q4_K) -> Weights:
    return Weights(size=size, by_type={kind: size}) if size else Weights()


def model(
    layers: int = 32,
    layer: int = 120_000_000,
    output: int = 400_000_000,
    kind: int = Q4_K,
    experts: int = 0,
    window: int | None = None,
    latent: bool = False,
) -> Geometry:
    """Layers of so many bytes; with `experts`, routed ones of so many bytes besides, of which an eighth is read."""
    one = Layer(
        dense=weights(layer, kind), experts=weights(experts, kind), key_width=1024, value_width=1024, window=window
    )
    return Geometry(
        architecture="llama",
        layers=(one,) * layers,
        embedding=weights(output, kind),
        output=weights(output, kind),
        width=4096,
        heads=32,
        key_head=128,
        expert_count=64 if experts else 0,
        experts_used=8 if experts else 0,
        compressed_cache=latent,
    )


def placed(geometry: Geometry, on_gpu: int = 0, **changes: object) -> Placement:
    """So many layers on the GPU, the output counted first."""
    blocks = len(geometry.layers)
    layers = ((GPU, on_gpu),) if on_gpu else ()
    return Placement(context_length=8192, blocks=blocks, device_layers=layers, **changes)  # type: ignore[arg-type]


def machine(
    memory: float | None = 80e9,
    gpu: float | None = None,
    compute: float | None = 40e12,
    cores: int | None = 8,
    name: str = "NVIDIA GeForce RTX 4070",
) -> Machine:
    """A desktop; with `gpu`, a card of that bandwidth."""
    card = Device(
        name=name, kind="discrete", backend="CUDA", engine_name=GPU, vendor="nvidia", architecture="8.9",
        bandwidth=gpu, compute=compute,
    )  # fmt: skip
    return Machine(
        os="Linux", cpu_name="Some Processor", physical_cores=cores, cpu_features=("avx2",), ram_bandwidth=memory,
        devices=(card,) if gpu else (), described=True,
    )  # fmt: skip
