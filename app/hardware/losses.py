"""What a quantization costs of a model's quality, in points of its rank.

From the Kullback-Leibler divergences of Llama-3-8B in llama.cpp's tools/perplexity/README.md (hardware_fit.md §6.4).
"""

from collections.abc import Mapping
from types import MappingProxyType

_DIVERGENCES: Mapping[str, float] = MappingProxyType(
    {
        "Q8": 0.0014, "Q6_K": 0.0055, "Q5_K": 0.0108, "Q5": 0.02, "Q4_K_S": 0.032, "Q4_K": 0.028, "IQ4_NL": 0.0357,
        "IQ4": 0.0363, "Q4": 0.072, "MXFP4": 0.004, "MXFP4_MOE": 0.045, "NVFP4": 0.03, "Q3_K_S": 0.2,
        "Q3_K_L": 0.073, "Q3": 0.0844, "IQ3_M": 0.1025, "IQ3_S": 0.111, "IQ3_XS": 0.139, "IQ3": 0.184,
        "Q2": 0.332, "IQ2_M": 0.326, "IQ2": 0.546, "IQ1": 1.8, "TQ": 1.0,
    }
)  # fmt: skip
"""By the longest beginning of the name. Models whose only file is MXFP4 were trained in it, others were rounded."""
_UNSLOTH_GAIN = 0.8
"""Dynamic mixes ("UD-") keep the tensors that matter most at more bits."""
_POINTS, _CURVE = 40.0, 0.8
"""Points = 40 x divergence^0.8: 2.3 at Q4_K_M, 16 at Q2_K, where three answers in ten begin differently."""
_USUAL_SIZE, _SIZE_CURVE = 8.0, 0.3
"""Larger models lose less at the same bits: a Llama of 70 billion about half of what one of 8 loses."""


def quantization_loss(quantization: str, parameters: float) -> float:
    """Points of quality, from 0, that a model of so many billions of weights loses; unknown names lose as Q4_0."""
    name = quantization.upper()
    dynamic, name = name.startswith("UD-"), name.removeprefix("UD-").removesuffix("_XL")
    if name.startswith(("F16", "BF16", "F32")):
        return 0.0
    matches = [key for key in _DIVERGENCES if name.startswith(key)]
    divergence = _DIVERGENCES[max(matches, key=len)] if matches else _DIVERGENCES["Q4"]
    divergence *= _UNSLOTH_GAIN if dynamic else 1.0
    return float(_POINTS * divergence**_CURVE * (_USUAL_SIZE / max(parameters, 1.0)) ** _SIZE_CURVE)
