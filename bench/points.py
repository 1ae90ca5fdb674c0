"""Measured speeds that others published, as the speed model sees them: a model's shape, where it lay, a machine.

bench/data/speed_points.csv has a row per measurement, with its source; the shapes of the models and what is known of
the processors lie beside it. Another file of the same columns can be read in its place.
"""

import csv
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from app.hardware.geometry import Geometry, Layer, Weights
from app.hardware.placement import Placement
from app.hardware.quantizations import TENSOR_TYPES
from app.protocol import Device, Machine

DATA = Path(__file__).with_name("data")
POINTS = DATA / "speed_points.csv"
_ENGINE_NAME = "GPU0"
_USUAL_TEST = 128
"""Tokens of a test that does not say."""
_BATCHES = re.compile(r"dgx-spark\.md|discussions/15396")
"""Sources whose prompts were read 2,048 tokens at once; llama-bench's default is 512."""
_OLD_BUILD = re.compile(r"2024")
_FAULTY = "anomalously low"
_TYPES = {kind.name: number for number, kind in TENSOR_TYPES.items()}
_MOSTLY = {"Q4_K_M": "Q4_K", "Q4_K_S": "Q4_K", "Q5_K_M": "Q5_K", "Q3_K_M": "Q3_K", "Q2_K_S": "Q2_K"}
_ARCHITECTURES = (
    (r"RTX 50|RTX PRO \d000 Blackwell", "12.0"), (r"GB10", "12.1"), (r"H100|H200", "9.0"),
    (r"RTX 40|L40|L4\b|\d000 Ada", "8.9"), (r"RTX 30|A40|A10\b|RTX A\d", "8.6"), (r"A100", "8.0"),
    (r"RTX 20|T4\b", "7.5"), (r"V100", "7.0"), (r"GTX 10|P40", "6.1"), (r"RX 90", "gfx1201"), (r"RX 7[6-9]", "gfx1100"),
    (r"8060S|8050S|Strix Halo", "gfx1151"), (r"780M|760M", "gfx1103"), (r"RX 6", "gfx1030"), (r"RX 5[4578]0", "gfx803"),
    (r"MI50|MI60|Radeon VII", "gfx906"), (r"MI2\d0", "gfx90a"), (r"MI3\d\d", "gfx942"),
    (r"Arc B", "Xe2"), (r"Arc A", "Xe-HPG"), (r"Iris Xe", "Xe-LP"), (r"Apple (M\d+)", r"Apple \1"),
)  # fmt: skip


class ModelShape(msgspec.Struct, frozen=True, kw_only=True):
    """Widths and counts of a model."""

    layers: int
    width: int
    heads: int
    kv_heads: int
    head: int
    feed_forward: int
    vocabulary: int
    tied: bool = False
    window: int = 0
    full_every: int = 0
    experts: int = 0
    used: int = 0


class Processor(msgspec.Struct, frozen=True, kw_only=True):
    """What a processor's row leaves out."""

    cores: int | None = None
    features: tuple[str, ...] = ()


@dataclass(frozen=True)
class Point:
    """One row: what ran where, and the speeds that were measured."""

    id: str
    hardware: str
    kind: str
    """The class the row gives, such as "dgpu-nvidia"."""
    geometry: Geometry
    machine: Machine
    placement: Placement
    depth: int
    """Tokens before the test."""
    decoded: int
    decode: float | None
    read: int
    prefill: float | None
    old_build: bool
    """A build of 2024, before flash attention and fused kernels were the rule."""

    @property
    def device(self) -> Device | None:
        return self.machine.devices[0] if self.machine.devices else None

    @property
    def decode_depth(self) -> int:
        """Tokens before the one in the middle of the test."""
        return self.depth + self.decoded // 2


def read_points(path: Path = POINTS) -> list[Point]:
    """All rows of the file whose model's shape is known, but for prompts that their source itself calls faulty."""
    with path.open(newline="") as file:
        return [_point(row) for row in csv.DictReader(file) if row["model"] in _shapes()]


def _point(row: dict[str, str]) -> Point:
    shape = _shapes()[row["model"]]
    machine = _machine(row)
    batch = 2048 if _BATCHES.search(row["source"]) else 512
    offloaded = ((_ENGINE_NAME, shape.layers + 1),) if machine.devices else ()
    faulty, old = _FAULTY in row["note"], bool(_OLD_BUILD.search(row["build"]))
    return Point(
        id=row["id"],
        hardware=row["hardware"],
        kind=row["device_class"],
        geometry=_geometry(shape, row["quant"], float(row["active_GiB_per_token"]) * 2**30),
        machine=machine,
        placement=Placement(
            context_length=65536,
            blocks=shape.layers,
            device_layers=offloaded,
            micro_batch=batch,
            flash_attention=row["flash_attn"] == "1" or (row["flash_attn"] == "" and not old),
        ),
        depth=int(row["depth"] or 0),
        decoded=_tokens(row["tg_test"]),
        decode=_number(row["tg_tps"]),
        read=_tokens(row["pp_test"]),
        prefill=None if faulty else _number(row["pp_tps"]),
        old_build=old,
    )


def _geometry(shape: ModelShape, quantization: str, active: float) -> Geometry:
    """A model of that shape, whose bytes read per token are the ones given."""
    attention = shape.width * shape.head * (2 * shape.heads + 2 * shape.kv_heads)
    expert = 3 * shape.width * shape.feed_forward
    dense = attention + (0 if shape.experts else expert)
    output = shape.vocabulary * shape.width
    used = shape.layers * (dense + shape.used * expert) + output
    kind = _TYPES[_MOSTLY.get(quantization, quantization)]
    size = active / used

    def weights(count: float) -> Weights:
        return Weights(size=round(count * size), by_type={kind: round(count * size)}) if count else Weights()

    return Geometry(
        architecture="",
        layers=tuple(
            Layer(
                dense=weights(dense),
                experts=weights(shape.experts * expert),
                key_width=shape.kv_heads * shape.head,
                value_width=shape.kv_heads * shape.head,
                window=shape.window if shape.full_every and (index + 1) % shape.full_every else None,
            )
            for index in range(shape.layers)
        ),
        embedding=weights(output),
        output=weights(output),
        tied=shape.tied,
        width=shape.width,
        heads=shape.heads,
        key_head=shape.head,
        vocabulary=shape.vocabulary,
        expert_count=shape.experts,
        experts_used=shape.used,
        quantization=quantization,
        exact=False,
    )


def _machine(row: dict[str, str]) -> Machine:
    name, bandwidth, compute = row["hardware"], _number(row["mem_bw_GBs"]), _number(row["fp16_tflops"])
    memory = bandwidth * 1e9 if bandwidth else None
    if row["device_class"] == "cpu":
        known = _processors().get(name, Processor())
        return Machine(
            os="Linux", cpu_name=name, physical_cores=known.cores, cpu_features=known.features,
            ram_bandwidth=memory, described=True,
        )  # fmt: skip
    device = Device(
        name=name,
        kind=_kind(row["device_class"]),
        backend=row["backend"],
        engine_name=_ENGINE_NAME,
        vendor=_vendor(row["device_class"]),
        architecture=_architecture(name),
        bandwidth=memory,
        compute=compute * 1e12 if compute else None,
    )
    return Machine(os="Linux", devices=(device,), described=True)


def _kind(row_class: str) -> Literal["discrete", "integrated", "unified"]:
    if row_class == "apple" or row_class.startswith("soc"):
        return "unified"
    return "integrated" if row_class.startswith("igpu") else "discrete"


def _vendor(row_class: str) -> str:
    return row_class.partition("-")[2] or row_class


def _architecture(name: str) -> str:
    for pattern, architecture in _ARCHITECTURES:
        if match := re.search(pattern, name):
            return match.expand(architecture)
    return ""


def _tokens(test: str) -> int:
    """512 of "pp512"."""
    digits = test.lstrip("pgt")
    return int(digits) if digits else _USUAL_TEST


def _number(text: str) -> float | None:
    return float(text) if text else None


@cache
def _shapes() -> dict[str, ModelShape]:
    content = json.loads((DATA / "speed_models.json").read_text())
    return msgspec.convert(content["models"], dict[str, ModelShape])


@cache
def _processors() -> dict[str, Processor]:
    content = json.loads((DATA / "speed_processors.json").read_text())
    return msgspec.convert(content["processors"], dict[str, Processor])
