"""Texts to vectors, and documents scored against a question: by models made for it, or by ones that write as well."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.backends.llama.batch import Batch
from app.backends.llama.binding import llama, set_fields
from app.backends.llama.context_fields import context_fields
from app.backends.llama.model import Model
from app.backends.llama.unwanted import UnwantedError
from app.errors import AppError
from app.protocol import LoadParams

LONGEST = 8192
"""Tokens of a text for a model made to embed, where nobody asked for more; its memory grows with it."""
LONGEST_BESIDE = 2048
"""The same for a model that writes: this is a second context beside that of its answers."""
AT_ONCE = 32
"""Texts computed together at most."""
MICRO_BATCH = 512
"""Tokens computed at once where a text may be cut into several."""

Vector = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Abilities:
    """What a model is made for."""

    writes: bool
    embeds: bool
    reranks: bool


@dataclass(frozen=True)
class _Shape:
    """How a model makes one vector of a text."""

    pooling: int
    """llama_pooling_type; UNSPECIFIED where the file names none."""
    causal: bool
    """Whether a token sees only those before it."""

    @property
    def declared(self) -> bool:
        return self.pooling not in (llama.LLAMA_POOLING_TYPE_UNSPECIFIED, llama.LLAMA_POOLING_TYPE_NONE)

    @property
    def used(self) -> int:
        """The pooling to ask for: a model that names none has seen the whole text at its last token."""
        return self.pooling if self.declared else int(llama.LLAMA_POOLING_TYPE_LAST)

    @property
    def divisible(self) -> bool:
        """Whether a text may be computed part by part."""
        return self.causal and self.used in (llama.LLAMA_POOLING_TYPE_LAST, llama.LLAMA_POOLING_TYPE_RANK)


def abilities(model: Model) -> Abilities:
    """What the file says the model is made for. Models that only write embed as well, by their last token."""
    shape = _shape(model)
    reranks = shape.pooling == llama.LLAMA_POOLING_TYPE_RANK
    translates = bool(llama.llama_model_has_encoder(model.handle) and llama.llama_model_has_decoder(model.handle))
    return Abilities(
        writes=model.writes and shape.causal and not shape.declared,
        embeds=not reranks and not translates,
        reranks=reranks,
    )


class Embedder:
    """A context of its own for vectors; `close` frees it. Used by one thread. Raises AppError("model_load_failed")."""

    def __init__(self, model: Model, params: LoadParams, threads: int) -> None:
        self._model = model
        self._shape = _shape(model)
        self.limit = self._longest(params)
        """Tokens a text may have."""
        self._handle = self._open(params)
        self.set_threads(threads)
        self._memory = llama.llama_get_memory(self._handle)
        self._batch = Batch(self.limit, AT_ONCE)
        reranks = self._shape.used == llama.LLAMA_POOLING_TYPE_RANK
        self.width = 1 if reranks else int(llama.llama_model_n_embd_out(model.handle))
        """Numbers of a vector."""

    def close(self) -> None:
        self._batch.close()
        llama.llama_free(self._handle)

    def set_threads(self, threads: int) -> None:
        llama.llama_set_n_threads(self._handle, threads, threads)

    # ------------------------------------------------------------ tokens

    def tokens_of(self, text: str) -> list[int]:
        """The tokens of a text, with those the model wants at its ends."""
        data = text.encode("utf-8", "replace")
        room = len(data) + 4
        while True:
            tokens = (llama.llama_token * room)()
            handle = self._model.vocabulary.handle
            count = llama.llama_tokenize(handle, data, len(data), tokens, room, True, False)
            if count >= 0:
                return list(tokens[:count])
            room = -count

    def pair(self, query: str, document: str) -> list[int]:
        """The tokens of a question with a document, as the model wants to see them together."""
        template = llama.llama_model_chat_template(self._model.handle, b"rerank")
        if template:
            return self._fill(template.decode("utf-8", "replace"), {"query": query, "document": document})
        vocabulary, handle = self._model.vocabulary, self._model.vocabulary.handle
        begin = [vocabulary.bos] if vocabulary.adds_bos else []
        separator = [llama.llama_vocab_sep(handle)] if llama.llama_vocab_get_add_sep(handle) else []
        last = vocabulary.eos if vocabulary.eos >= 0 else llama.llama_vocab_sep(handle)
        end = [last] if llama.llama_vocab_get_add_eos(handle) and last >= 0 else []
        question = vocabulary.tokenize(query, parse_special=False)
        answer = vocabulary.tokenize(document, parse_special=False)
        return [*begin, *question, *end, *separator, *answer, *(end or separator)]

    def _fill(self, template: str, texts: dict[str, str]) -> list[int]:
        """The template's tokens with those of the texts in their places: texts cannot bring control tokens along."""
        tokens: list[int] = []
        for piece in template.replace("{", "\0{").replace("}", "}\0").split("\0"):
            name = piece[1:-1] if piece[:1] == "{" and piece[-1:] == "}" else ""
            given = texts.get(name)
            text = piece if given is None else given
            tokens += self._model.vocabulary.tokenize(text, parse_special=given is None)
        return tokens

    # ------------------------------------------------------------ vectors

    def embed(
        self, texts: Sequence[Sequence[int]], normalize: bool = True, is_wanted: Callable[[], bool] = lambda: True
    ) -> list[Vector]:
        """One vector [width] for each text of tokens; normalised ones have length 1. `is_wanted`: see `batches`.

        Raises AppError: "prompt_too_long" or "bad_request" before anything is computed, "generation_failed".
        """
        vectors = [vector for batch in self.batches(texts, is_wanted) for vector in batch]
        return [_normalized(vector) for vector in vectors] if normalize else vectors

    def rerank(self, pairs: Sequence[Sequence[int]], is_wanted: Callable[[], bool] = lambda: True) -> list[float]:
        """The score of each pair, higher is better; the scale is the model's. Raises AppError as `embed` does."""
        return [float(vector[0]) for batch in self.batches(pairs, is_wanted) for vector in batch]

    def batches(
        self, texts: Sequence[Sequence[int]], is_wanted: Callable[[], bool] = lambda: True
    ) -> Iterator[list[Vector]]:
        """The vectors as the model makes them, batch by batch; before each it is asked whether they are wanted.

        Raises UnwantedError where they are not.
        """
        self._check(texts)
        for batch in self._divided(texts):
            if not is_wanted():
                raise UnwantedError
            yield self._compute(batch)

    def _check(self, texts: Sequence[Sequence[int]]) -> None:
        for index, tokens in enumerate(texts):
            if not tokens:
                raise AppError("bad_request", reason=f"text {index} is empty")
            if len(tokens) > self.limit:
                raise AppError("prompt_too_long", prompt_tokens=len(tokens), context_length=self.limit)

    def _divided(self, texts: Sequence[Sequence[int]]) -> Iterator[list[Sequence[int]]]:
        """As many texts at a time as have room."""
        batch: list[Sequence[int]] = []
        for tokens in texts:
            if len(batch) == AT_ONCE or sum(map(len, batch)) + len(tokens) > self.limit:
                yield batch
                batch = []
            batch.append(tokens)
        if batch:
            yield batch

    def _compute(self, texts: list[Sequence[int]]) -> list[Vector]:
        self._batch.clear()
        for sequence, tokens in enumerate(texts):
            self._batch.add(tokens, 0, sequence, outputs=len(tokens))
        if self._memory:
            llama.llama_memory_clear(self._memory, False)
            code = llama.llama_decode(self._handle, self._batch.c_batch)
        else:
            code = llama.llama_encode(self._handle, self._batch.c_batch)
        if code != 0:
            raise AppError("generation_failed", reason=f"llama_decode returned {code}")
        return [self._vector(sequence) for sequence in range(len(texts))]

    def _vector(self, sequence: int) -> Vector:
        pointer = llama.llama_get_embeddings_seq(self._handle, sequence)
        vector = np.array(np.ctypeslib.as_array(pointer, (self.width,)), dtype=np.float32) if pointer else None
        if vector is None or not np.isfinite(vector).all():
            raise AppError("generation_failed", reason="no_vector")
        return vector

    # ------------------------------------------------------------ opening

    def _longest(self, params: LoadParams) -> int:
        trained = self._model.trained_context or LONGEST
        usual = LONGEST if self._shape.declared else LONGEST_BESIDE
        return min(trained, params.context_length or usual)

    def _open(self, params: LoadParams) -> llama.llama_context_p:
        room = -(-self.limit // AT_ONCE) * AT_ONCE  # llama.cpp plans for the same number of tokens in each sequence
        fields = context_fields(params, AT_ONCE, room) | {
            "n_ctx": room,
            "n_batch": room,
            "n_ubatch": min(room, MICRO_BATCH) if self._shape.divisible else room,
            "n_outputs_max": room,
            "embeddings": True,
            "pooling_type": self._shape.used,
        }
        c_params = llama.llama_context_default_params()
        set_fields(c_params, **fields)
        handle: llama.llama_context_p | None = llama.llama_init_from_model(self._model.handle, c_params)
        if handle is None:
            raise self._model.load_error()
        return handle


def _shape(model: Model) -> _Shape:
    architecture = model.meta("general.architecture")
    pooling = model.meta(f"{architecture}.pooling_type")
    known = int(pooling) if pooling.isdigit() else int(llama.LLAMA_POOLING_TYPE_UNSPECIFIED)
    return _Shape(known, model.meta(f"{architecture}.attention.causal") != "false")


def _normalized(vector: Vector) -> Vector:
    """The same direction with length 1; nothing at all stays nothing."""
    length = float(np.linalg.norm(vector))
    return (vector / np.float32(length)).astype(np.float32) if length > 0 else vector
