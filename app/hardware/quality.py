"""What a quantization costs: how far a model's words drift from those of its full-precision self.

From resources/quant_quality.csv (sources row by row): Kullback-Leibler divergences of Llama 3 8B for each format, and
rises in perplexity of models of 7, 8 and 70 billion weights, which say how much less larger models lose.
"""

import csv
import re
from bisect import bisect_left
from dataclasses import dataclass
from functools import cache
from math import exp, log

from app.paths import RESOURCES

_FILE = RESOURCES / "quant_quality.csv"
_MEASURED = "Llama-3-8B"
_MEASURED_SIZE = 8.0
_SIZE_EXPONENT = -0.3
"""Loss goes with parameters to this power: Llama 2 and 3 of 70 billion against 7 and 8, at 4 to 6 bits per weight."""
_NATIVE = frozenset({"MXFP4", "NVFP4"})
"""Formats models were trained in: nothing is lost that was there before."""
_DYNAMIC = re.compile(r"^UD-|_XL$")
_FLOATS = frozenset({"F32", "F16", "BF16"})
_WORST = 3.0


@dataclass(frozen=True)
class _Curve:
    """Points by bits per weight, fewest first: the mean of what was measured about there, never rising with bits."""

    bits: tuple[float, ...]
    logs: tuple[float, ...]

    def at(self, bits: float) -> float:
        """Log of the divergence, straight between the points and level beyond them."""
        index = bisect_left(self.bits, bits)
        if index == 0:
            return self.logs[0]
        if index == len(self.bits):
            return self.logs[-1]
        (x0, x1), (y0, y1) = self.bits[index - 1 : index + 1], self.logs[index - 1 : index + 1]
        return y0 + (y1 - y0) * (bits - x0) / (x1 - x0)


def quality_loss(quantization: str, bits_per_weight: float | None, parameters: float) -> float:
    """Expected divergence (nats per token) from the unquantized model; 0 is none, Q4_K_M of an 8B about 0.03.

    `parameters` in billions, all experts. By the name of the format where that was measured, else by the bits.
    """
    name = _DYNAMIC.sub("", quantization.upper())
    if name in _FLOATS or name in _NATIVE:
        return 0.0
    named = _by_name().get(name)
    if named is None and bits_per_weight is None:
        named = _by_name()["Q4_0"]
    loss = named if named is not None else exp(_curve().at(bits_per_weight or 0.0))
    return min(float(loss * (max(parameters, 0.1) / _MEASURED_SIZE) ** _SIZE_EXPONENT), _WORST)


@cache
def _by_name() -> dict[str, float]:
    """Divergence by format: of the variants of one, the best importance matrix, which publishers use."""
    found: dict[str, float] = {}
    for row in _rows():
        found[row["quant"]] = min(found.get(row["quant"], _WORST), float(row["kld"]))
    return found


@cache
def _curve() -> _Curve:
    best: dict[float, float] = {}
    for row in _rows():
        bits = float(row["bpw"])
        best[bits] = min(best.get(bits, _WORST), float(row["kld"]))
    kept: list[tuple[float, float]] = []
    for bits, divergence in sorted(best.items()):
        # A format that loses more than another with fewer bits says nothing of the bits.
        if not kept or divergence < kept[-1][1]:
            kept.append((bits, divergence))
    return _Curve(tuple(bits for bits, _ in kept), tuple(log(divergence) for _, divergence in kept))


def _rows() -> list[dict[str, str]]:
    """The rows of the model whose divergences were measured in every format."""
    with _FILE.open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["model"] == _MEASURED and row["kld"] and row["bpw"]]
