"""Mirostat 2.0 (Basu et al. 2021): cuts what is too surprising so that answers keep one level of surprise."""

import math

import numpy as np

from app.backends.llama.sampling.logits import Indices, Logits, log_total
from app.backends.llama.sampling.params import Choice


class Mirostat:
    """The bound of surprise (bits), which follows the answer. As llama.cpp's, which sorts the vocabulary for it."""

    def __init__(self, choice: Choice) -> None:
        self._target, self._rate = choice.mirostat_tau, choice.mirostat_eta
        self._bound = 2.0 * choice.mirostat_tau

    def cut(self, values: Logits, temperature: float) -> Indices:
        """Indices of what surprises less than the bound, at least of the likeliest; of none where values are NaN."""
        least = temperature * (log_total(values, temperature) - self._bound * math.log(2.0))
        if math.isnan(least):
            return np.empty(0, dtype=np.intp)
        chosen = np.flatnonzero(values >= least)
        return chosen if chosen.size else np.array([values.argmax()])

    def observe(self, probability: float) -> None:
        """The token drawn had this probability among those left."""
        surprise = -math.log2(probability)
        self._bound -= self._rate * (surprise - self._target)
