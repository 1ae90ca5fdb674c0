"""Several adapters on one real, tiny model."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.backends.llama.adapters import Adapters
from app.backends.llama.batch import Batch
from app.backends.llama.binding import llama
from app.backends.llama.context import Context, Outcome
from app.backends.llama.model import Model
from app.errors import AppError
from app.protocol import LoadParams
from app.protocol.worker import LoraScale
from tests.backends.llama.loading import loaded
from tests.gguf import FloatArray, TinyModel, write_tiny_model
from tests.gguf_parts import write_tiny_adapter

WIDTH = 128


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("adapters")
    write_tiny_model(folder / "model.gguf", TinyModel(seed=5, temperature=1.0))
    with loaded(folder / "model.gguf") as model:
        size = model.vocabulary.size
    write_tiny_adapter(folder / "output.gguf", {"output.weight": (size, WIDTH)}, seed=1)
    write_tiny_adapter(folder / "attention.gguf", {"blk.0.attn_q.weight": (WIDTH, WIDTH)}, seed=2, scale=1.0)
    return folder


@pytest.fixture(scope="module")
def model(folder: Path) -> Iterator[Model]:
    with loaded(folder / "model.gguf") as model:
        yield model


@pytest.fixture(scope="module")
def adapters(model: Model, folder: Path) -> Adapters:
    return Adapters(model, [str(folder / "output.gguf"), str(folder / "attention.gguf")])


class Reader:
    """Reads some tokens and looks at the logits after the last one."""

    def __init__(self, model: Model) -> None:
        self.context = Context(model, LoadParams(context_length=256), sequences=1, outputs=1)
        self._batch = Batch(16, 1)
        self._size = model.vocabulary.size

    def logits(self) -> FloatArray:
        self.context.clear(0)
        self._batch.clear()
        self._batch.add([5, 6, 7, 8], 0, 0, outputs=1)
        assert self.context.decode(self._batch.c_batch) == Outcome.DONE
        row = llama.llama_get_logits_ith(self.context.handle, -1)
        return np.array(np.ctypeslib.as_array(row, (self._size,)), dtype=np.float32)

    def close(self) -> None:
        self._batch.close()
        self.context.close()


@pytest.fixture(scope="module")
def reader(model: Model, adapters: Adapters) -> Iterator[Reader]:
    reader = Reader(model)
    yield reader
    reader.close()


def mixed(adapters: Adapters, reader: Reader, **scales: float) -> FloatArray:
    """Logits with `output` and `attention` at these scales."""
    names = ("output", "attention")
    adapters.apply(reader.context, [LoraScale(index=names.index(name), scale=scale) for name, scale in scales.items()])
    return reader.logits()


def test_each_adapter_has_its_effect_and_can_be_taken_off(adapters: Adapters, reader: Reader) -> None:
    assert len(adapters) == 2
    base = mixed(adapters, reader)
    one, other = mixed(adapters, reader, output=1.0), mixed(adapters, reader, attention=1.0)
    both = mixed(adapters, reader, output=1.0, attention=1.0)
    for a, b in ((base, one), (base, other), (one, other), (one, both), (other, both)):
        assert np.abs(a - b).max() > 0.01
    assert np.array_equal(mixed(adapters, reader), base)


def test_an_adapter_of_the_last_matrix_works_in_proportion_to_its_scale(adapters: Adapters, reader: Reader) -> None:
    base = mixed(adapters, reader)
    whole, half = mixed(adapters, reader, output=1.0) - base, mixed(adapters, reader, output=0.5) - base
    np.testing.assert_allclose(half * 2, whole, rtol=0.02, atol=0.02)
    minus = mixed(adapters, reader, output=-1.0) - base
    np.testing.assert_allclose(-minus, whole, rtol=0.02, atol=0.02)


def test_nothing_of_it_is_the_model_itself(adapters: Adapters, reader: Reader) -> None:
    assert np.array_equal(mixed(adapters, reader, output=0.0), mixed(adapters, reader))


def test_mixtures_have_names(adapters: Adapters) -> None:
    one, other = LoraScale(index=0), LoraScale(index=1, scale=0.25)
    assert adapters.key([]) == adapters.key([LoraScale(index=1, scale=0.0)]) == ""
    assert adapters.key([one, other]) == adapters.key([other, one]) == "0:1,1:0.25"
    assert adapters.key([one, LoraScale(index=0, scale=2)]) == "0:2"


@pytest.mark.parametrize("wrong", [LoraScale(index=2), LoraScale(index=-1), LoraScale(index=0, scale=float("nan"))])
def test_what_is_not_there_is_refused(adapters: Adapters, reader: Reader, wrong: LoraScale) -> None:
    for refuse in (lambda: adapters.key([wrong]), lambda: adapters.apply(reader.context, [wrong])):
        with pytest.raises(AppError) as refused:
            refuse()
        assert refused.value.code == "bad_request"
        assert "loras" in refused.value.message


def refused(model: Model, path: Path) -> AppError:
    with pytest.raises(AppError) as error:
        Adapters(model, [str(path)])
    return error.value


def test_an_adapter_of_another_shape_is_refused(model: Model, tmp_path: Path) -> None:
    error = refused(model, write_tiny_adapter(tmp_path / "wide.gguf", {"blk.0.attn_q.weight": (64, 64)}))
    assert error.code == "adapter_unfit"
    assert "wide.gguf" in error.message
    assert "shape" in error.message


def test_an_adapter_for_what_the_model_does_not_have_is_refused(model: Model, tmp_path: Path) -> None:
    error = refused(model, write_tiny_adapter(tmp_path / "deep.gguf", {"blk.7.attn_q.weight": (WIDTH, WIDTH)}))
    assert error.code == "adapter_unfit"
    assert "blk.7.attn_q.weight" in error.message


def test_an_adapter_of_another_architecture_is_refused(model: Model, tmp_path: Path) -> None:
    tensors = {"blk.0.attn_q.weight": (WIDTH, WIDTH)}
    assert refused(model, write_tiny_adapter(tmp_path / "x.gguf", tensors, architecture="gpt2")).code == "adapter_unfit"


def test_a_model_is_no_adapter(model: Model, folder: Path) -> None:
    error = refused(model, folder / "model.gguf")
    assert error.code == "adapter_unfit"
    assert "no LoRA" in error.message


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_half_a_file_is_refused(model: Model, folder: Path, tmp_path: Path, share: float) -> None:
    data = (folder / "attention.gguf").read_bytes()
    path = tmp_path / "half.gguf"
    path.write_bytes(data[: int(len(data) * share)])
    assert refused(model, path).code in {"model_broken", "adapter_unfit"}


def test_no_file_is_refused(model: Model, tmp_path: Path) -> None:
    assert refused(model, tmp_path / "none.gguf").code == "model_broken"
