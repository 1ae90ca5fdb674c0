"""Writes constrained answers with a model that has no idea: random logits."""

from dataclasses import dataclass

import numpy as np

from app.backends.llama.formats.constraint import Constraint
from app.backends.llama.sampling.params import Choice
from app.backends.llama.sampling.sampler import TokenSampler
from app.backends.llama.vocabulary import Vocabulary


@dataclass(frozen=True)
class Written:
    """An answer that ended by itself or at its limit; `whole` has been closed there, None where it could not be."""

    text: bytes
    ended: bool
    tokens: int
    whole: str | None


def write(
    constraint: Constraint,
    vocabulary: Vocabulary,
    *,
    seed: int,
    limit: int,
    choice: Choice | None = None,
    end_bias: float = 0.0,
) -> Written:
    """At most `limit` tokens. `end_bias` is added to the logits of ends: long answers come with a negative one."""
    random = np.random.default_rng(seed)
    sampler = TokenSampler(choice or Choice(seed=seed, temperature=1.0), vocabulary, [], constraint)
    text, tokens, ended = b"", 0, False
    while not ended and tokens < limit:
        row = random.normal(0, 1, vocabulary.size).astype(np.float32)
        row[list(vocabulary.end_tokens)] += np.float32(end_bias)
        token = sampler.sample_row(row)
        assert constraint.allows(token)
        sampler.accept(token)
        ended = token in vocabulary.end_tokens
        text += b"" if ended else vocabulary.bytes_of(token)
        tokens += 1
    sampler.close()
    closing = constraint.closing()
    whole = None if closing is None else (text + closing).decode()
    return Written(text, ended, tokens, whole)


def number_of(vocabulary: Vocabulary, piece: bytes) -> int:
    """The token that is this text."""
    return next(token for token in range(vocabulary.size) if vocabulary.bytes_of(token) == piece)


def feed(constraint: Constraint, vocabulary: Vocabulary, text: str) -> None:
    """Accept a text byte by byte."""
    for byte in text.encode():
        constraint.accept(number_of(vocabulary, bytes([byte])))
