"""Chooses the next token of one answer: the result of llama.cpp's chain of samplers, without its walks through it all.

The row of logits is edited in place (biases, penalties: few tokens), cut by NumPy to the candidates that any later step
could keep, and only these go through llama.cpp's samplers. A constraint comes before all cuts.
"""

import math
from collections.abc import Sequence

import numpy as np

from app.backends.llama.binding import llama
from app.backends.llama.formats.constraint import Constraint
from app.backends.llama.sampling.chain import Candidates, Chain, cuts_by_mass, drawing, new_seed, selection
from app.backends.llama.sampling.edits import Edits
from app.backends.llama.sampling.logits import (
    Indices,
    Logits,
    context_row,
    leaders,
    log_total,
    nucleus,
    sigma_threshold,
)
from app.backends.llama.sampling.logprobs import token_logprob
from app.backends.llama.sampling.mirostat import Mirostat
from app.backends.llama.sampling.params import Choice
from app.backends.llama.vocabulary import Vocabulary
from app.errors import AppError
from app.protocol import TokenLogprob


class TokenSampler:
    """Samples one answer; `close` frees it. Different samplers may be used by different threads at once.

    Making one for DRY may take a while the first time (half a second for 152,000 tokens).
    """

    def __init__(
        self, choice: Choice, vocabulary: Vocabulary, prompt: Sequence[int], constraint: Constraint | None = None
    ) -> None:
        """Raises AppError("bad_request") for a bias of a token that does not exist."""
        self.choice = choice
        self.cost_s = 0.0
        """What sampling took lately; kept by whoever measures it."""
        self._vocabulary = vocabulary
        self._constraint = constraint
        self._edits = Edits(choice, vocabulary, prompt)
        self._candidates = Candidates()
        seed = new_seed(choice)
        self._mirostat = Mirostat(choice) if choice.mirostat and choice.temperature > 0.0 else None
        self._chain = Chain([drawing(seed)] if self._mirostat else selection(choice, seed))

    @property
    def vocabulary_size(self) -> int:
        size: int = self._vocabulary.size
        return size

    def constrain(self, constraint: Constraint | None) -> None:
        """From the next token on the answer must follow this; None lets it free."""
        self._constraint = constraint

    def sample(self, context: "llama.llama_context_p", row: int) -> int:
        """The next token, by the output of a batch token; -1 is the last. It is not accepted.

        Raises AppError: "bad_format" where the constraint gave up, "generation_failed" where logits are no numbers.
        """
        return self.sample_row(context_row(context, row, self._vocabulary.size))

    def sample_row(self, row: Logits) -> int:
        """The same, by logits that must not change meanwhile: they are edited, and as before afterwards."""
        constraint = self._constraint
        if constraint is None:
            with self._edits.applied(row, penalize=self._mirostat is None, may_end=False):
                return self._choose(row, None)
        if (forced := constraint.forced) is not None:
            return forced
        with self._edits.applied(row, penalize=False, may_end=constraint.ended):
            values, tokens = constraint.allowed(row)
            possible = bool(values.size) and float(values.max()) > -math.inf
            if possible:
                return self._choose(values, tokens)
        return self._choose(*constraint.allowed(row))  # biases forbid all there is: they give way

    def accept(self, token: int) -> None:
        """This token follows. Raises AppError("bad_format") where the constraint does not allow it."""
        self._edits.accept(token)
        if self._constraint is not None:
            self._constraint.accept(token)

    def logprobs(self, context: "llama.llama_context_p", row: int, token: int) -> TokenLogprob | None:
        """The token's log-probability by the logits as the model gave them, with the likeliest; None: not asked for."""
        if self.choice.logprobs is None:
            return None
        logits = context_row(context, row, self._vocabulary.size)
        return token_logprob(logits, token, self.choice.logprobs, self._vocabulary)

    def close(self) -> None:
        self._edits.close()
        self._chain.close()

    def _choose(self, values: Logits, tokens: Indices | None) -> int:
        """One of these; `tokens` are what the values belong to, None: their index."""
        if self.choice.temperature == 0.0:
            likeliest = int(values.argmax())
            if math.isnan(values[likeliest]):
                raise _no_numbers()
            return likeliest if tokens is None else int(tokens[likeliest])
        chosen, ordered = self._cut(values)
        if not chosen.size:
            raise _no_numbers()
        logits = values[chosen]
        if self._mirostat is not None:
            logits /= np.float32(self.choice.temperature)
        self._candidates.fill(chosen if tokens is None else tokens[chosen], logits, ordered=ordered)
        self._candidates.apply(self._chain.pointer)
        if self._mirostat is not None:
            self._mirostat.observe(self._candidates.selected_share)
        return self._candidates.selected

    def _cut(self, values: Logits) -> tuple[Indices, bool]:
        """Indices of all candidates the chain could keep, and whether the greatest value comes first."""
        choice = self.choice
        if self._mirostat is not None:
            return self._mirostat.cut(values, choice.temperature), False
        least = sigma_threshold(values, choice.top_n_sigma) if choice.top_n_sigma > 0.0 else -math.inf
        if cuts_by_mass(choice):
            return self._cut_by_mass(values, least)
        chosen = leaders(values, choice.top_k) if choice.top_k else np.arange(values.size)
        return (chosen[values[chosen] >= least] if least > -math.inf else chosen), False

    def _cut_by_mass(self, values: Logits, least: float) -> tuple[Indices, bool]:
        """Those above the threshold of top-n-sigma, then of the top-p of these, then above min-p."""
        choice, bound, greatest = self.choice, least, float(values.max())
        if math.isnan(greatest):
            return np.empty(0, dtype=np.intp), False
        if choice.min_p > 0.0:
            bound = max(least, greatest + math.log(choice.min_p))
        among = np.flatnonzero(values >= bound) if bound > -math.inf else None
        if choice.top_p < 1.0:
            total = log_total(values if least == -math.inf else values[values >= least])
            return nucleus(values, among, choice.top_p, total), True
        return (np.arange(values.size) if among is None else among), False


def _no_numbers() -> AppError:
    return AppError("generation_failed", reason="logits_damaged")
