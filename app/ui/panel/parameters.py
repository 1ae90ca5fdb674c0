"""The numbers of `Sampling` that a person may set, with limits that lie within the engine's own."""

from dataclasses import dataclass

from app.ui.widgets import Limits

_MOST_TOKENS = 1_000_000
_SHARE = Limits(0, 1, 0.05)
_FINE_SHARE = Limits(0, 1, 0.01)
_TOKENS = Limits(1, _MOST_TOKENS, 64, whole=True)
_WINDOW = Limits(-1, _MOST_TOKENS, 64, whole=True)


@dataclass(frozen=True)
class Parameter:
    """A field of `Sampling` by its name."""

    name: str
    limits: Limits
    neutral: float | None = None
    """What the field holds where nothing was chosen."""


COMMON = (
    Parameter("temperature", Limits(0, 5, 0.1)),
    Parameter("top_p", _SHARE),
    Parameter("top_k", Limits(0, _MOST_TOKENS, 1, whole=True)),
    Parameter("min_p", _FINE_SHARE),
    Parameter("max_tokens", _TOKENS),
    Parameter("seed", Limits(0, 2**32 - 2, 1, whole=True)),
)
FURTHER = (
    Parameter("repeat_penalty", Limits(0.01, 10, 0.05)),
    Parameter("repeat_last_n", _WINDOW),
    Parameter("presence_penalty", Limits(-2, 2, 0.1)),
    Parameter("frequency_penalty", Limits(-2, 2, 0.1)),
    Parameter("dry_multiplier", Limits(0, 10, 0.1)),
    Parameter("dry_base", Limits(1, 10, 0.05)),
    Parameter("dry_allowed_length", Limits(0, 1_000, 1, whole=True)),
    Parameter("dry_last_n", _WINDOW),
    Parameter("xtc_probability", _SHARE),
    Parameter("xtc_threshold", _SHARE),
    Parameter("typical_p", _SHARE),
    Parameter("top_n_sigma", Limits(0, 10, 0.1)),
    Parameter("dynamic_range", Limits(0, 5, 0.1)),
    Parameter("dynamic_exponent", Limits(0.01, 10, 0.1)),
    Parameter("mirostat_tau", Limits(0.01, 20, 0.5)),
    Parameter("mirostat_eta", Limits(0.001, 1, 0.05)),
    Parameter("min_tokens", Limits(0, _MOST_TOKENS, 16, whole=True), neutral=0),
)
