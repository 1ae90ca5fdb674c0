"""With speculation a real model writes exactly what it writes without."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from app.backends.llama.batch import Batch
from app.backends.llama.binding import llama
from app.backends.llama.context import Context, Outcome
from app.backends.llama.engine_log import EngineLog
from app.backends.llama.model import Model
from app.backends.llama.speculation.draft_model import DraftModel
from app.backends.llama.speculation.length import DraftLength
from app.backends.llama.speculation.lookup import LookupDrafter
from app.backends.llama.speculation.speculator import Speculator
from app.protocol import LoadParams
from tests.backends.llama.loading import loaded
from tests.gguf import TinyModel, write_tiny_model

PROMPT = [7, 8, 9, 10, 11, 12]
WRITTEN = 120
MOST = 15


class Writer:
    """Writes greedily, verifying drafts in the batch of the token before them."""

    def __init__(self, model: Model) -> None:
        self._context = Context(model, LoadParams(context_length=512), sequences=1, outputs=MOST + 1)
        self._batch = Batch(64, 1)
        self._size = model.vocabulary.size
        self.steps = 0

    def write(self, speculator: Speculator | None = None) -> list[int]:
        self._context.clear(0)
        self.steps = 0
        answer: list[int] = []
        held, pending = 0, list(PROMPT)
        while len(answer) < WRITTEN:
            draft = speculator.draft(min(MOST, WRITTEN - len(answer) - 1)) if speculator and answer else []
            chosen = self._step([*pending, *draft], held, 1 + len(draft))
            new = agreed(draft, chosen)
            if speculator:
                speculator.observe(new, 0.02)
            held += len(pending) + len(new) - 1
            self._context.cut(0, held)
            answer += new
            pending = new[-1:]
        return answer

    def close(self) -> None:
        self._batch.close()
        self._context.close()

    def _step(self, tokens: Sequence[int], position: int, outputs: int) -> list[int]:
        self.steps += 1
        self._batch.clear()
        first = self._batch.add(tokens, position, 0, outputs) + len(tokens) - outputs
        assert self._context.decode(self._batch.c_batch) == Outcome.DONE
        rows = (llama.llama_get_logits_ith(self._context.handle, first + row) for row in range(outputs))
        return [int(np.ctypeslib.as_array(row, (self._size,)).argmax()) for row in rows]


def agreed(draft: Sequence[int], chosen: Sequence[int]) -> list[int]:
    """The tokens of a step: drafted ones the model chose as well, and its own after them."""
    right = 0
    while right < len(draft) and draft[right] == chosen[right]:
        right += 1
    return list(chosen[: right + 1])


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights, sure of what comes next, and seldom the same twice."""
    model = TinyModel(seed=11, temperature=3.0, layers=2)
    return write_tiny_model(tmp_path_factory.mktemp("lossless") / "random.gguf", model)


@pytest.fixture(scope="module")
def model(path: Path) -> Iterator[Model]:
    with loaded(path) as model:
        yield model


@pytest.fixture(scope="module")
def writer(model: Model) -> Iterator[Writer]:
    writer = Writer(model)
    yield writer
    writer.close()


@pytest.fixture(scope="module")
def plain(writer: Writer) -> list[int]:
    answer = writer.write()
    assert len(set(answer)) > 20, "no answer worth guessing"
    return answer


def hopeful() -> DraftLength:
    """A length that goes on drafting whatever comes of it: what is written must not depend on it."""
    return DraftLength(most=MOST)


def test_from_its_own_text(writer: Writer, plain: list[int]) -> None:
    speculator = Speculator([(LookupDrafter(PROMPT), hopeful())])
    assert writer.write(speculator) == plain


def test_from_a_prediction_with_changes(writer: Writer, plain: list[int]) -> None:
    prediction = [token if index % 20 else 3 for index, token in enumerate(plain)]
    speculator = Speculator([(LookupDrafter(PROMPT, prediction), hopeful())])
    assert writer.write(speculator) == plain
    assert writer.steps < WRITTEN / 3
    assert speculator.accepted_tokens > 0.6 * WRITTEN


def test_from_a_prediction_of_something_else(writer: Writer, plain: list[int]) -> None:
    speculator = Speculator([(LookupDrafter(PROMPT, list(range(20, 200))), hopeful())])
    assert writer.write(speculator) == plain


def test_from_a_second_model(writer: Writer, plain: list[int], model: Model, path: Path) -> None:
    drafting = DraftModel(str(path), LoadParams(context_length=512), model.vocabulary, 1, EngineLog())
    drafter = drafting.open(PROMPT)
    assert drafter is not None
    speculator = Speculator([(LookupDrafter(PROMPT), hopeful()), (drafter, hopeful())])
    assert writer.write(speculator) == plain
    assert speculator.accepted_tokens > 0
    drafting.close()


def test_from_a_second_model_that_is_wrong(writer: Writer, plain: list[int], model: Model, tmp_path: Path) -> None:
    other = write_tiny_model(tmp_path / "other.gguf", TinyModel(seed=12, temperature=3.0))
    drafting = DraftModel(str(other), LoadParams(context_length=512), model.vocabulary, 1, EngineLog())
    drafter = drafting.open(PROMPT)
    assert drafter is not None
    assert writer.write(Speculator([(drafter, hopeful())])) == plain
    drafting.close()
