"""Fits the constants of the speed model to measured points: robust least squares in logarithms, with weak priors.

    python -m bench.speed_fit [--points FILE] [--write]    prints them; --write puts them into resources

Every constant has a prior (what physics or a datasheet would let one expect) and a width in which it may be learned;
so a kind of hardware with few points stays near its prior, and a device left out is no surprise to it.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from app.hardware.rates import Rates, kernels, rates
from app.hardware.speed import decode_seconds, prefill_seconds, shape_of
from app.hardware.speed_classes import (
    SpeedClass,
    SpeedTable,
    core_compute,
    cpu_variants,
    family_of,
    speed_class,
    speed_table,
    variants_of,
)
from app.hardware.traffic import Work, work_by_device
from app.paths import RESOURCES
from bench.points import POINTS, Point, read_points

Vector = npt.NDArray[np.float64]

_FILE = RESOURCES / "speed_classes.json"
_TOLERANCE = 0.05
"""Errors beyond this share weigh less and less: others' figures hold mistakes."""
_ROUNDS = 12
_STEP = 1e-4
_ENOUGH = 1e-5
_DAMPING = 1e-6

DECODE_PRIORS: Mapping[str, tuple[float, float]] = {
    "nvidia.efficiency": (0.9, 0.1),
    "nvidia.layer_us": (45, 0.7),
    "nvidia.expert_layer": (1.6, 0.5),
    "nvidia.cache": (0.7, 0.5),
    "nvidia.2024.layer_us": (1.7, 0.5),
    "nvidia.plain_cache": (0.4, 0.5),
    "nvidia.hbm.efficiency": (0.7, 0.3),
    "nvidia.hbm.layer_us": (1.3, 0.5),
    "apple.efficiency": (0.93, 0.1),
    "apple.layer_us": (150, 0.7),
    "apple.expert_layer": (1.3, 0.3),
    "apple.cache": (0.45, 0.4),
    "apple.unpack": (2.5, 0.7),
    "apple.unpack_k": (1.3, 0.3),
    "apple.plain_cache": (0.3, 0.5),
    "apple.2024.unpack_k": (1.5, 0.5),
    "apple.m1.efficiency": (0.93, 0.1),
    "apple.m1.unpack": (2.0, 0.5),
    "amd.efficiency": (0.92, 0.1),
    "amd.layer_us": (40, 0.5),
    "amd.rocm.layer_us": (2.0, 0.5),
    "amd.2024.layer_us": (2.0, 0.5),
    "amd.2024.efficiency": (0.7, 0.3),
    "amd.rdna2.efficiency": (0.9, 0.1),
    "amd.older.efficiency": (0.45, 0.3),
    "intel.efficiency": (0.5, 0.3),
    "intel.layer_us": (80, 0.5),
    "intel.xe2.efficiency": (1.3, 0.3),
    "intel.integrated.efficiency": (0.9, 0.3),
    "cpu.efficiency": (0.7, 0.2),
    "cpu.unpack": (4.0, 0.7),
}
"""Constant: (prior, width of its logarithm)."""

PREFILL_PRIORS: Mapping[str, tuple[float, float]] = {
    "nvidia.prefill": (2.5, 0.5),
    "nvidia.balance": (0.3, 0.4),
    "nvidia.experts": (0.6, 0.5),
    "nvidia.large_experts": (0.3, 0.5),
    "nvidia.narrow": (400, 0.7),
    "nvidia.floats": (1.4, 0.4),
    "nvidia.eight": (0.65, 0.2),
    "nvidia.attention": (0.7, 0.3),
    "nvidia.2024.prefill": (0.8, 0.4),
    "nvidia.scores": (20, 0.5),
    "nvidia.hbm.prefill": (0.5, 0.5),
    "nvidia.hbm 2024.prefill": (1.4, 0.5),
    "nvidia.workstation.prefill": (0.9, 0.2),
    "nvidia.vulkan.prefill": (0.75, 0.3),
    "apple.prefill": (0.68, 0.5),
    "apple.balance": (0.1, 0.5),
    "apple.floats": (1.1, 0.2),
    "apple.experts": (1.0, 0.3),
    "apple.attention": (0.5, 0.4),
    "apple.scores": (20, 0.5),
    "apple.m5.prefill": (2.5, 0.4),
    "amd.prefill": (0.45, 0.3),
    "amd.rdna4.prefill": (1.5, 0.2),
    "amd.rocm.experts": (0.7, 0.4),
    "amd.2024.prefill": (0.7, 0.4),
    "amd.older.prefill": (0.7, 0.4),
    "intel.prefill": (0.34, 0.4),
    "intel.integrated.prefill": (0.6, 0.5),
    "cpu.core.avx2": (60e9, 0.5),
    "cpu.core.avx512_vnni": (150e9, 0.5),
    "cpu.core.i8mm": (70e9, 0.5),
    "cpu.core.avx_vnni": (80e9, 0.5),
}


@dataclass(frozen=True)
class Sample:
    """One point, with what the formula needs of it worked out once."""

    point: Point
    work: Work
    family: str
    variants: tuple[str, ...]
    memory: float
    compute: float

    def rates(self, table: SpeedTable) -> Rates:
        place = "cpu" if self.family == "cpu" else "gpu"
        compute = (core_compute(self.point.machine, table) if self.family == "cpu" else None) or self.compute
        return rates(speed_class(self.family, self.variants, table), kernels(place), self.memory, compute)

    def decode(self, table: SpeedTable) -> float:
        """Tokens per second that the constants predict."""
        point = self.point
        return 1 / decode_seconds(self.work, self.rates(table), point.decode_depth)

    def prefill(self, table: SpeedTable) -> float:
        point = self.point
        depth, batch = point.depth + point.read / 2, min(point.read, point.placement.micro_batch)
        return 1 / prefill_seconds(self.work, self.rates(table), shape_of(point.geometry), depth, batch)


def samples(points: Iterable[Point]) -> list[Sample]:
    """Of the points whose bandwidth is known."""
    return [sample for point in points if (sample := _sample(point)) is not None]


def _sample(point: Point) -> Sample | None:
    device, machine = point.device, point.machine
    family = "cpu" if device is None else family_of(device)
    memory = machine.ram_bandwidth if device is None else device.bandwidth
    if memory is None:
        return None
    variants = cpu_variants(machine) if device is None else variants_of(device)
    if point.old_build:
        variants = (*variants, "2024", *(f"{name} 2024" for name in variants))
    usual = memory * speed_table().families[family].compute_per_byte
    works = list(work_by_device(point.geometry, point.placement).values())
    work = next(work for work in works if work.layers)
    return Sample(point, work, family, variants, memory, (device.compute if device else None) or usual)


def with_constants(table: SpeedTable, values: Mapping[str, float]) -> SpeedTable:
    """The table with these in place, named like "nvidia.layer_us", "nvidia.hbm.layer_us" or "cpu.core.avx2"."""
    content: dict[str, Any] = msgspec.to_builtins(table)
    for name, value in values.items():
        family, *inner, constant = name.split(".")
        if inner == ["core"]:
            content["cores"][constant] = value
        elif inner:
            content["families"][family]["variants"].setdefault(inner[0], {})[constant] = value
        else:
            content["families"][family]["base"][constant] = value
    return msgspec.convert(content, SpeedTable)


@dataclass(frozen=True)
class Problem:
    """What is fitted of one family: predicted speeds against measured ones."""

    samples: Sequence[Sample]
    priors: Mapping[str, tuple[float, float]]
    of_decode: bool

    def solve(self, table: SpeedTable) -> dict[str, float]:
        """The constants of least robust squares, found by Gauss and Newton's way with a little damping."""
        names = list(self.priors)
        prior = np.log([self.priors[name][0] for name in names])
        width = np.array([self.priors[name][1] for name in names])
        current = prior.copy()
        for _ in range(_ROUNDS):
            residuals = self._residuals(table, names, current, prior, width)
            slopes = np.stack(
                [
                    (self._residuals(table, names, _nudged(current, index), prior, width) - residuals) / _STEP
                    for index in range(len(names))
                ],
                axis=1,
            )
            step = np.linalg.solve(slopes.T @ slopes + _DAMPING * np.eye(len(names)), -slopes.T @ residuals)
            current = current + np.clip(step, -0.5, 0.5)
            if np.abs(step).max() < _ENOUGH:
                break
        return dict(zip(names, np.exp(current).tolist(), strict=True))

    def _residuals(self, table: SpeedTable, names: list[str], logs: Vector, prior: Vector, width: Vector) -> Vector:
        tried = with_constants(table, dict(zip(names, np.exp(logs).tolist(), strict=True)))
        errors = np.array([self.error(sample, tried) for sample in self.samples])
        per_device = Counter(sample.point.hardware for sample in self.samples)
        weights = np.array([per_device[sample.point.hardware] ** -0.25 for sample in self.samples])
        errors = errors * weights / _TOLERANCE
        robust = np.sign(errors) * np.sqrt(2 * (np.sqrt(1 + errors**2) - 1))
        return np.concatenate([robust, (logs - prior) / width])

    def error(self, sample: Sample, table: SpeedTable) -> float:
        """Logarithm of predicted by measured speed."""
        measured = sample.point.decode if self.of_decode else sample.point.prefill
        assert measured is not None
        predicted = sample.decode(table) if self.of_decode else sample.prefill(table)
        return float(np.log(predicted / measured))


def fit(found: Sequence[Sample], table: SpeedTable) -> SpeedTable:
    """The table with every constant that has a prior fitted to these points, decode first."""
    for of_decode, priors in ((True, DECODE_PRIORS), (False, PREFILL_PRIORS)):
        for family in sorted({sample.family for sample in found}):
            table = fit_family(found, table, family, of_decode, priors)
    return table


def fit_family(
    found: Sequence[Sample], table: SpeedTable, family: str, of_decode: bool, priors: Mapping[str, tuple[float, float]]
) -> SpeedTable:
    own = [
        sample
        for sample in found
        if sample.family == family and (sample.point.decode if of_decode else sample.point.prefill) is not None
    ]
    wanted = {name: prior for name, prior in priors.items() if name.startswith(f"{family}.")}
    return with_constants(table, Problem(own, wanted, of_decode).solve(table)) if own and wanted else table


def _nudged(values: Vector, index: int) -> Vector:
    changed = values.copy()
    changed[index] += _STEP
    return changed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=Path, default=POINTS)
    parser.add_argument("--write", action="store_true", help="put the constants into resources/speed_classes.json")
    options = parser.parse_args()
    text = written(fit(samples(read_points(options.points)), speed_table()))
    if options.write:
        _FILE.write_text(text)
    else:
        sys.stdout.write(text)


def written(table: SpeedTable) -> str:
    """The table as it lies in resources: three significant digits, a line for each set of constants."""
    content = _rounded(msgspec.to_builtins(table))
    usual = msgspec.to_builtins(SpeedClass(efficiency=0, layer_us=0))
    for family in content["families"].values():
        family["base"] = {name: value for name, value in family["base"].items() if value != usual[name]}
    return _lines(content) + "\n"


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    return float(f"{value:.3g}") if isinstance(value, float) else value


def _lines(value: Any, depth: int = 0) -> str:
    """JSON with a line for each object that holds no further one."""
    if not isinstance(value, dict) or not any(isinstance(inner, dict) for inner in value.values()):
        return json.dumps(value)
    space = " " * (depth + 1)
    items = [f"{space}{json.dumps(name)}: {_lines(inner, depth + 1)}" for name, inner in value.items()]
    return "{\n" + ",\n".join(items) + "\n" + " " * depth + "}"


if __name__ == "__main__":
    main()
