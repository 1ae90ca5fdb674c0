"""Changes to single logits before anything is chosen: biases, forbidden ends, penalties for what was written."""

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ctypes import byref, c_int32

import numpy as np

from app.backends.llama.binding import llama
from app.backends.llama.sampling.chain import Candidates, Chain, look_back, penalties
from app.backends.llama.sampling.logits import Indices, Logits
from app.backends.llama.sampling.params import Choice
from app.backends.llama.vocabulary import Vocabulary
from app.errors import AppError


class Window:
    """The last tokens written, each counted once."""

    def __init__(self, length: int, tokens: Sequence[int]) -> None:
        """`length` -1 keeps all."""
        self._length = length
        self._tokens = deque(tokens if length < 0 else tokens[-length:] if length else ())
        self._counts = Counter(self._tokens)

    def accept(self, token: int) -> None:
        self._tokens.append(token)
        self._counts[token] += 1
        if 0 <= self._length < len(self._tokens):
            oldest = self._tokens.popleft()
            self._counts[oldest] -= 1
            if not self._counts[oldest]:
                del self._counts[oldest]

    def tokens(self) -> Indices:
        return np.fromiter(self._counts, np.intp, len(self._counts))


class Edits:
    """What is changed in each row of logits. Only few tokens are: `applied` puts the row back as it was."""

    def __init__(self, choice: Choice, vocabulary: Vocabulary, prompt: Sequence[int]) -> None:
        """Raises AppError("bad_request") for a bias of a token that does not exist."""
        biases = _biases(choice, vocabulary)
        self._biased = np.array(list(biases), dtype=np.intp)
        self._biases = np.array(list(biases.values()), dtype=np.float32)
        self._ends = np.array(vocabulary.end_tokens, dtype=np.intp)
        self._min_tokens = choice.min_tokens
        self._ignore_end = choice.ignore_end
        self._written = 0
        self._chain: Chain | None = None
        if samplers := penalties(choice, vocabulary, prompt):
            self._chain = Chain(samplers)
            length = look_back(choice)
            recent = prompt if length < 0 else prompt[-length:]
            known = [token for token in recent if 0 <= token < vocabulary.size]  # the rest stands for pictures
            self._chain.accept(known)
            self._window = Window(length, known)
            self._candidates = Candidates()

    def accept(self, token: int) -> None:
        self._written += 1
        if self._chain is not None:
            self._chain.accept((token,))
            self._window.accept(token)

    @contextmanager
    def applied(self, row: Logits, *, penalize: bool, may_end: bool) -> Iterator[None]:
        """The row is edited within, in its place. `may_end`: no end is forbidden now."""
        tokens, values = self._edited(row, penalize, may_end)
        if not tokens.size:
            yield
            return
        before = row[tokens]
        row[tokens] = values
        try:
            yield
        finally:
            row[tokens] = before

    def close(self) -> None:
        if self._chain is not None:
            self._chain.close()
            self._chain = None

    def _edited(self, row: Logits, penalize: bool, may_end: bool) -> tuple[Indices, Logits]:
        """The tokens to be changed, none twice, and their new logits: bias, then penalties, then what is forbidden."""
        forbids = not may_end and (self._ignore_end or self._written < self._min_tokens)
        chain = self._chain if penalize else None
        if chain is None and not forbids:
            if not self._biased.size:
                return _NONE, row[:0]
            return self._biased, row[self._biased] + self._biases
        parts = [self._biased, self._window.tokens() if chain else _NONE, self._ends if forbids else _NONE]
        tokens = np.unique(np.concatenate(parts))
        values = row[tokens]
        values[np.searchsorted(tokens, self._biased)] += self._biases
        if chain is not None:
            self._candidates.fill(tokens, values)
            self._candidates.apply(chain.pointer)
            values = self._candidates.logits.copy()
        if forbids:
            values[np.searchsorted(tokens, self._ends)] = -np.inf
        return tokens, values


_NONE: Indices = np.empty(0, dtype=np.intp)


def _biases(choice: Choice, vocabulary: Vocabulary) -> dict[int, float]:
    """Those asked for, and -inf for tokens the model's file says are never to be written."""
    for token in choice.logit_bias:
        if not 0 <= token < vocabulary.size:
            reason = f"logit_bias: there is no token {token}, the model has {vocabulary.size}"
            raise AppError("bad_request", reason=reason)
    count = c_int32(0)
    suppressed = llama.llama_vocab_get_suppress_tokens(vocabulary.handle, byref(count))
    return {**choice.logit_bias, **{int(suppressed[index]): -np.inf for index in range(count.value)}}
