"""llama.cpp's chains of samplers, and the array of candidates they work on."""

import ctypes
import secrets
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from threading import Lock
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary, finalize

import numpy as np
import numpy.typing as npt

from app.backends.llama.binding import llama
from app.backends.llama.sampling.logits import Indices, Logits
from app.backends.llama.sampling.params import Choice
from app.backends.llama.vocabulary import Vocabulary

SamplerPointer: TypeAlias = Any
"""A llama_sampler_p."""

_SEEDS = 2**32 - 1
"""llama.cpp takes 32 bits and draws a seed of its own for the largest value."""
_LONG_CONTEXT = 2**18
"""What "the whole context" is to samplers that want a number, unless the prompt is longer."""
_KEPT_PROTOTYPES = 4

_TOKEN_DATA = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])


class Candidates:
    """Tokens with their logits, written by NumPy and read, cut and reordered by llama.cpp's samplers."""

    def __init__(self) -> None:
        self._array: npt.NDArray[np.void] = np.empty(0, dtype=_TOKEN_DATA)
        self._struct: Any = llama.llama_token_data_array()
        self._reserve(256)

    def fill(self, tokens: Indices, logits: Logits, *, ordered: bool = False) -> None:
        """Hold these; `ordered` says that the likeliest is first."""
        count = tokens.size
        self._reserve(count)
        self._array["id"][:count] = tokens
        self._array["logit"][:count] = logits
        struct = self._struct
        struct.data = self._pointer
        struct.size, struct.selected, struct.sorted = count, -1, ordered

    def apply(self, sampler: SamplerPointer) -> None:
        llama.llama_sampler_apply(sampler, ctypes.byref(self._struct))

    @property
    def logits(self) -> Logits:
        """Those filled in; samplers that cut or reorder leave nothing to find here."""
        return self._array["logit"][: self._struct.size]

    @property
    def selected(self) -> int:
        """The token the last sampler of a chain has chosen."""
        return int(self._struct.data[self._struct.selected].id)

    @property
    def selected_share(self) -> float:
        """Its probability among those that were left."""
        return float(self._struct.data[self._struct.selected].p)

    def _reserve(self, count: int) -> None:
        if count > self._array.size:
            self._array = np.empty(2 * count, dtype=_TOKEN_DATA)
            self._pointer = ctypes.cast(self._array.ctypes.data, llama.llama_token_data_p)


class Chain:
    """Samplers one after the other; `close` frees them."""

    def __init__(self, samplers: Iterable[SamplerPointer]) -> None:
        self.pointer: SamplerPointer = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
        for sampler in samplers:
            llama.llama_sampler_chain_add(self.pointer, sampler)

    def accept(self, tokens: Iterable[int]) -> None:
        for token in tokens:
            llama.llama_sampler_accept(self.pointer, token)

    def close(self) -> None:
        llama.llama_sampler_free(self.pointer)
        self.pointer = None


def new_seed(choice: Choice) -> int:
    return secrets.randbelow(_SEEDS) if choice.seed is None else choice.seed % _SEEDS


def look_back(choice: Choice) -> int:
    """How many of the tokens written the penalties of this choice look at; 0 for none, -1 for all."""
    lengths = [choice.repeat_last_n] * choice.penalizes + [choice.dry_last_n] * choice.dries
    return -1 if -1 in lengths else max(lengths, default=0)


def penalties(choice: Choice, vocabulary: Vocabulary, prompt: Sequence[int]) -> list[SamplerPointer]:
    """Samplers that change the logits of tokens written before, in llama.cpp's order."""
    whole = max(_LONG_CONTEXT, 2 * len(prompt))
    samplers = []
    if choice.penalizes:
        length = whole if choice.repeat_last_n < 0 else choice.repeat_last_n
        repeat, frequency, presence = choice.repeat_penalty, choice.frequency_penalty, choice.presence_penalty
        samplers.append(llama.llama_sampler_init_penalties(vocabulary.size, length, repeat, frequency, presence))
    if choice.dries:
        samplers.append(_dry(choice, vocabulary, whole if choice.dry_last_n < 0 else choice.dry_last_n))
    return samplers


def selection(choice: Choice, seed: int) -> list[SamplerPointer]:
    """Samplers that cut the candidates and draw one, in llama.cpp's order; steps that change nothing are left out.

    Without top-k or typical sampling, top-p and min-p are missing here: `TokenSampler` has cut by them before.
    """
    chain = []
    if choice.top_k > 0:
        chain.append(llama.llama_sampler_init_top_k(choice.top_k))
    if choice.typical_p < 1.0:
        chain.append(llama.llama_sampler_init_typical(choice.typical_p, 1))
    if choice.top_p < 1.0 and not cuts_by_mass(choice):
        chain.append(llama.llama_sampler_init_top_p(choice.top_p, 1))
    if choice.min_p > 0.0 and not cuts_by_mass(choice):
        chain.append(llama.llama_sampler_init_min_p(choice.min_p, 1))
    if choice.xtc_probability > 0.0:
        chain.append(llama.llama_sampler_init_xtc(choice.xtc_probability, choice.xtc_threshold, 1, seed))
    chain.append(llama.llama_sampler_init_temp_ext(choice.temperature, choice.dynamic_range, choice.dynamic_exponent))
    return [*chain, llama.llama_sampler_init_dist(seed)]


def cuts_by_mass(choice: Choice) -> bool:
    """Whether top-p and min-p are applied to the whole vocabulary, no cut before them."""
    return choice.top_k == 0 and choice.typical_p >= 1.0


def drawing(seed: int) -> SamplerPointer:
    """A sampler that draws one of its candidates by their logits."""
    return llama.llama_sampler_init_dist(seed)


class _Prototypes:
    """DRY samplers to be cloned: making one walks through the whole vocabulary for each sequence breaker."""

    def __init__(self) -> None:
        self._made: OrderedDict[tuple[Any, ...], SamplerPointer] = OrderedDict()

    def clone(self, choice: Choice, vocabulary: Vocabulary, length: int) -> SamplerPointer:
        numbers = (choice.dry_multiplier, choice.dry_base, choice.dry_allowed_length, length)
        key = (*numbers, choice.dry_breakers)
        if key not in self._made:
            texts = [text.encode() for text in choice.dry_breakers]
            breakers = (ctypes.c_char_p * len(texts))(*texts)
            self._made[key] = llama.llama_sampler_init_dry(vocabulary.handle, *numbers, breakers, len(texts))
        self._made.move_to_end(key)
        if len(self._made) > _KEPT_PROTOTYPES:
            llama.llama_sampler_free(self._made.popitem(last=False)[1])
        return llama.llama_sampler_clone(self._made[key])

    def free(self) -> None:
        while self._made:
            llama.llama_sampler_free(self._made.popitem()[1])


_prototypes: WeakKeyDictionary[Vocabulary, _Prototypes] = WeakKeyDictionary()
_prototypes_lock = Lock()


def _dry(choice: Choice, vocabulary: Vocabulary, length: int) -> SamplerPointer:
    with _prototypes_lock:
        if vocabulary not in _prototypes:
            _prototypes[vocabulary] = _Prototypes()
            finalize(vocabulary, _prototypes[vocabulary].free)
        return _prototypes[vocabulary].clone(choice, vocabulary, length)
