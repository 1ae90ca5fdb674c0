"""A smaller model of the same vocabulary that drafts what a larger one will probably write."""

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

from app.backends.llama.batch import Batch
from app.backends.llama.binding import llama
from app.backends.llama.context import Context, Outcome
from app.backends.llama.cores import default_threads
from app.backends.llama.engine_log import EngineLog
from app.backends.llama.model import Model, ProgressCheck
from app.backends.llama.threads import ONE_THREAD_BYTES
from app.backends.llama.vocabulary import Vocabulary
from app.errors import AppError
from app.protocol import LoadParams

CHUNK = 128
"""Tokens of a prompt read for one draft: answers wait for it."""
LEAST_CHANCE = 0.4
"""A token the drafting model itself holds less likely than this ends a draft."""
PADDING = 128
"""Models of one family pad their vocabularies differently, by this many tokens at most (llama.cpp allows the same)."""
SAMPLES = 2000
"""Ordinary tokens that are compared; control tokens all are."""


@dataclass(eq=False)
class _Sequence:
    """One sequence of the drafting model's context."""

    number: int
    held: list[int] = field(default_factory=list)
    """The tokens the KV cache has."""
    busy: bool = False


class DraftModel:
    """The loaded drafting model with a sequence for each request. `path` is `LoadParams.draft_model`.

    Raises AppError: "draft_model_unfit", and as Model and Context do. Used by one thread; `close` frees it.
    """

    def __init__(
        self,
        path: str,
        params: LoadParams,
        vocabulary: Vocabulary,
        sequences: int,
        log: EngineLog,
        on_progress: ProgressCheck = lambda _share: True,
        threads: Callable[[], int] = default_threads,
    ) -> None:
        """`threads`: asked before each step, what the target has then."""
        self.model = Model(path, _own_params(params), on_progress, log)
        try:
            check_fit(self.model, vocabulary)
            self.context = Context(self.model, _own_params(params), sequences, outputs=sequences)
        except AppError:
            self.model.close()
            raise
        self.tokens = min(vocabulary.size, self.model.vocabulary.size)
        """Tokens both models have."""
        self.tokens_read = 0
        """In all, guesses included."""
        self._batch = Batch(CHUNK, sequences)
        self._ask_threads = threads
        self.threads = 0
        """Of the last step."""
        self._sequences = [_Sequence(number) for number in range(sequences)]

    def open(self, prompt: Sequence[int]) -> "ModelDrafter | None":
        """A drafter for one answer, on the free sequence that holds most of its prompt; None while all are taken."""
        free = [sequence for sequence in self._sequences if not sequence.busy]
        if not free:
            return None
        return ModelDrafter(self, max(free, key=lambda one: (_shared(one.held, prompt), -len(one.held))), prompt)

    def close(self) -> None:
        self._batch.close()
        self.context.close()
        self.model.close()

    def read(self, sequence: _Sequence, tokens: Sequence[int]) -> bool:
        """Append tokens, at most CHUNK, to a sequence; the last one's logits are there afterwards. False: no room."""
        if len(sequence.held) + len(tokens) > self.context.length:
            return False
        self._batch.clear()
        self._batch.add(tokens, len(sequence.held), sequence.number, outputs=1)
        self._share_threads()
        if self.context.decode(self._batch.c_batch) != Outcome.DONE:
            self.cut(sequence, len(sequence.held))
            return False
        sequence.held.extend(tokens)
        self.tokens_read += len(tokens)
        return True

    def _share_threads(self) -> None:
        """As many threads as the target has at this moment, and no more than a model of this size can use."""
        threads = 1 if self.model.size < ONE_THREAD_BYTES else max(1, self._ask_threads())
        if threads != self.threads:
            self.context.set_threads(threads)
            self.threads = threads

    def cut(self, sequence: _Sequence, length: int) -> None:
        """Forget all tokens of a sequence from that one on."""
        if not self.context.cut(sequence.number, length):
            self.context.clear(sequence.number)
            length = 0
        del sequence.held[length:]

    def likeliest(self) -> tuple[int, float]:
        """The likeliest token after the last one read, and its probability."""
        pointer = llama.llama_get_logits_ith(self.context.handle, -1)
        address = ctypes.addressof(pointer.contents)
        logits = np.frombuffer((ctypes.c_float * self.tokens).from_address(address), dtype=np.float32)
        token = int(logits.argmax())
        return token, float(1.0 / np.exp(logits - logits[token]).sum())


class ModelDrafter:
    """Drafts for one answer; `close` gives the sequence back, with what it holds."""

    free = False

    def __init__(self, owner: DraftModel, sequence: _Sequence, prompt: Sequence[int]) -> None:
        self._owner = owner
        self._sequence = sequence
        self._text = list(prompt)
        self._readable = bool(prompt) and min(prompt) >= 0  # numbers below 0 stand for pictures
        self._sure = _shared(sequence.held, prompt)
        """Tokens of the text the sequence is known to hold."""
        sequence.busy = True

    def extend(self, tokens: Sequence[int]) -> None:
        """These tokens were read or written."""
        self._text.extend(tokens)
        self._readable = self._readable or len(self._text) == len(tokens) > 0

    def draft(self, most: int) -> list[int]:
        """What the model would write next. Empty while its reading of the prompt lags behind: each call reads on."""
        if not self._readable or not self._catch_up():
            return []
        draft: list[int] = []
        while True:
            token, chance = self._owner.likeliest()
            if chance < LEAST_CHANCE:
                return draft
            draft.append(token)
            if len(draft) >= most or not self._owner.read(self._sequence, [token]):
                return draft

    def close(self) -> None:
        self._sequence.busy = False

    def _catch_up(self) -> bool:
        """Let the sequence hold the text and nothing else, its last token freshly read; False while it does not."""
        held, text = self._sequence.held, self._text
        while self._sure < min(len(held), len(text)) and held[self._sure] == text[self._sure]:
            self._sure += 1
        self._owner.cut(self._sequence, min(self._sure, len(text) - 1))
        missing = text[len(held) :]
        done = len(missing) <= CHUNK and self._owner.read(self._sequence, missing)
        if len(missing) > CHUNK:
            self._owner.read(self._sequence, missing[:CHUNK])
        self._sure = len(held)
        return done


def check_fit(model: Model, target: Vocabulary) -> None:
    """Raises AppError("draft_model_unfit") for a model whose tokens are not the target's, or that cannot go back."""
    own = model.vocabulary
    if model.recurrent or not model.writes:
        raise AppError("draft_model_unfit", model=model.name, reason="draft_not_rewindable")
    if abs(own.size - target.size) > PADDING:
        raise _differs(model, f"{own.size} ≠ {target.size}")
    if own.adds_bos != target.adds_bos or (own.adds_bos and own.bos != target.bos):
        raise _differs(model, f"BOS {own.text_of(own.bos)} ≠ {target.text_of(target.bos)}")
    shared = min(own.size, target.size)
    controls = {token for token in (*own.special_texts, *target.special_texts) if token < shared}
    for token in sorted(controls | set(range(0, shared, max(1, shared // SAMPLES)))):
        if _kind(own, token) != _kind(target, token):
            raise _differs(model, f"{token}: {own.text_of(token)!r} ≠ {target.text_of(token)!r}")


def _kind(vocabulary: Vocabulary, token: int) -> tuple[str, bool, bool]:
    """What must agree: the token's text, whether it is a control token, and whether it ends an answer."""
    return vocabulary.text_of(token), token in vocabulary.special_texts, vocabulary.ends_answer(token)


def _differs(model: Model, detail: str) -> AppError:
    return AppError("draft_model_unfit", model=model.name, reason="draft_vocabulary_differs", detail=detail)


def _own_params(params: LoadParams) -> LoadParams:
    """The target's parameters as far as they suit another model."""
    return msgspec.structs.replace(
        LoadParams(),
        context_length=params.context_length,
        gpu_layers=params.gpu_layers,
        devices=params.devices,
        main_gpu=params.main_gpu,
        flash_attention=params.flash_attention,
        mmap=params.mmap,
        swa_full=True,
    )


def _shared(held: Sequence[int], text: Sequence[int]) -> int:
    """How many first tokens are the same."""
    return next(
        (index for index, (a, b) in enumerate(zip(held, text, strict=False)) if a != b), min(len(held), len(text))
    )
