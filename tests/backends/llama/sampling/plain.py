"""llama.cpp's whole chain over the whole vocabulary: slow, and what the sampler must agree with."""

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from app.backends.llama.binding import llama
from app.backends.llama.sampling.logits import Logits
from app.backends.llama.sampling.params import Choice
from app.backends.llama.vocabulary import Vocabulary

_WHOLE = 4096


class PlainChain:
    """All samplers in the order of llama.cpp's common/sampling.cpp, those that change nothing too."""

    def __init__(self, choice: Choice, vocabulary: Vocabulary, prompt: Sequence[int]) -> None:
        self._chain = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
        for sampler in _samplers(choice, vocabulary):
            llama.llama_sampler_chain_add(self._chain, sampler)
        for token in prompt:
            llama.llama_sampler_accept(self._chain, token)

    def sample(self, row: Logits) -> tuple[int, int]:
        """The token, and how many candidates were left at the end."""
        data = np.zeros(row.size, dtype=[("id", "<i4"), ("logit", "<f4"), ("p", "<f4")])
        data["id"], data["logit"] = np.arange(row.size), row
        array: Any = llama.llama_token_data_array()
        array.data = ctypes.cast(data.ctypes.data, llama.llama_token_data_p)
        array.size, array.selected, array.sorted = row.size, -1, False
        llama.llama_sampler_apply(self._chain, ctypes.byref(array))
        return int(array.data[array.selected].id), int(array.size)

    def accept(self, token: int) -> None:
        llama.llama_sampler_accept(self._chain, token)

    def close(self) -> None:
        llama.llama_sampler_free(self._chain)


def _samplers(choice: Choice, vocabulary: Vocabulary) -> list[Any]:
    def whole(length: int) -> int:
        return _WHOLE if length < 0 else length

    biases: Any = (llama.llama_logit_bias * len(choice.logit_bias))()
    for place, (token, bias) in enumerate(choice.logit_bias.items()):
        biases[place].token, biases[place].bias = token, bias
    first = llama.llama_sampler_init_logit_bias(vocabulary.size, len(biases), biases)
    seed = choice.seed or 0
    if choice.mirostat:
        tau, eta = choice.mirostat_tau, choice.mirostat_eta
        temperature = llama.llama_sampler_init_temp(choice.temperature)
        return [first, temperature, llama.llama_sampler_init_mirostat_v2(seed, tau, eta)]
    breakers = [text.encode() for text in choice.dry_breakers]
    c_breakers = (ctypes.c_char_p * len(breakers))(*breakers)
    chain = [
        first,
        llama.llama_sampler_init_penalties(
            vocabulary.size,
            whole(choice.repeat_last_n),
            choice.repeat_penalty,
            choice.frequency_penalty,
            choice.presence_penalty,
        ),
        llama.llama_sampler_init_dry(
            vocabulary.handle,
            choice.dry_multiplier,
            choice.dry_base,
            choice.dry_allowed_length,
            whole(choice.dry_last_n),
            c_breakers,
            len(breakers),
        ),
        llama.llama_sampler_init_top_n_sigma(choice.top_n_sigma),
    ]
    if choice.temperature == 0.0:
        return [*chain, llama.llama_sampler_init_greedy()]
    return [
        *chain,
        llama.llama_sampler_init_top_k(choice.top_k),
        llama.llama_sampler_init_typical(choice.typical_p, 1),
        llama.llama_sampler_init_top_p(choice.top_p, 1),
        llama.llama_sampler_init_min_p(choice.min_p, 1),
        llama.llama_sampler_init_xtc(choice.xtc_probability, choice.xtc_threshold, 1, seed),
        llama.llama_sampler_init_temp_ext(choice.temperature, choice.dynamic_range, choice.dynamic_exponent),
        llama.llama_sampler_init_dist(seed),
    ]
