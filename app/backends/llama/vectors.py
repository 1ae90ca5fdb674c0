"""Answers requests for vectors and scores; the context for it is made when the first comes, or at once."""

import threading
from collections.abc import Callable

from app.backends.llama.cores import default_threads
from app.backends.llama.embedding import Abilities, Embedder
from app.backends.llama.model import Model
from app.errors import AppError
from app.protocol import Embed, Embeddings, LoadParams, Rerank, Scores


class Vectors:
    """Vectors of one model. All but `set_threads` are called by one thread."""

    def __init__(self, model: Model, params: LoadParams, able: Abilities) -> None:
        self.abilities = able
        self._model = model
        self._params = params
        self._threads = params.batch_threads or params.threads or default_threads()
        self._embedder: Embedder | None = None
        self._lock = threading.Lock()
        self._is_wanted: Callable[[], bool] = lambda: True

    @property
    def limit(self) -> int:
        """Tokens a text may have."""
        return self.open().limit

    def set_threads(self, threads: int) -> None:
        """The most threads it may use from the next request on."""
        self._threads = threads

    def open(self) -> Embedder:
        """The context for vectors. Raises AppError("model_load_failed")."""
        with self._lock:
            if self._embedder is None:
                self._embedder = Embedder(self._model, self._params, self._threads)
            return self._embedder

    def answer(self, asked: Embed | Rerank, is_wanted: Callable[[], bool]) -> Embeddings | Scores:
        """What was asked for; between two batches of texts it is looked whether anybody still waits for it.

        Raises UnwantedError where nobody does, and AppError as `embed` and `rerank` do.
        """
        self._is_wanted = is_wanted
        return self.embed(asked) if isinstance(asked, Embed) else self.rerank(asked)

    def embed(self, asked: Embed) -> Embeddings:
        """One vector for each text. Raises AppError: "bad_request", "prompt_too_long" or "generation_failed"."""
        if not self.abilities.embeds:
            raise AppError("bad_request", reason=f"{self._model.name} makes no embeddings")
        embedder = self._ready()
        texts = [embedder.tokens_of(text) for text in asked.texts]
        vectors = embedder.embed(texts, asked.normalize, self._is_wanted)
        rows = tuple(vector.astype("<f4").tobytes() for vector in vectors)
        return Embeddings(request_id=asked.request_id, vectors=rows, tokens=sum(map(len, texts)))

    def rerank(self, asked: Rerank) -> Scores:
        """A score for each document. Raises AppError as `embed` does."""
        if not self.abilities.reranks:
            raise AppError("bad_request", reason=f"{self._model.name} does not rank documents")
        embedder = self._ready()
        pairs = [embedder.pair(asked.query, document) for document in asked.documents]
        scores = tuple(embedder.rerank(pairs, self._is_wanted))
        return Scores(request_id=asked.request_id, scores=scores, tokens=sum(map(len, pairs)))

    def close(self) -> None:
        if self._embedder is not None:
            self._embedder.close()

    def _ready(self) -> Embedder:
        embedder = self.open()
        embedder.set_threads(self._threads)
        return embedder
