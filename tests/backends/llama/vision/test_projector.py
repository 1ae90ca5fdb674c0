"""A real, tiny projector lets a real, tiny model see."""

import gc
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.backends.llama.batch import Batch
from app.backends.llama.binding import llama
from app.backends.llama.context import Context, Outcome
from app.backends.llama.model import Model
from app.backends.llama.vision.projector import Measure, Vision
from app.errors import AppError
from app.protocol import LoadParams
from tests.backends.llama.loading import loaded
from tests.backends.llama.vision.pictures import GIF, Picture, picture, png_that_says
from tests.gguf import FloatArray, TinyModel, write_tiny_model
from tests.gguf_parts import PICTURE_CELLS, write_tiny_projector

TEXT = [5, 6, 7]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    path = write_tiny_model(tmp_path_factory.mktemp("seeing") / "model.gguf", TinyModel(seed=5, temperature=1.0))
    with loaded(path) as model:
        yield model


@pytest.fixture(scope="module")
def projector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_projector(tmp_path_factory.mktemp("projector") / "mmproj.gguf")


@pytest.fixture
def vision(projector: Path, model: Model) -> Iterator[Vision]:
    vision = Vision(str(projector), model, threads=1)
    yield vision
    vision.close()


class Reader:
    """Reads pictures and text into sequences, and looks at the logits after the last token."""

    def __init__(self, model: Model, length: int = 512) -> None:
        self.context = Context(model, LoadParams(context_length=length), sequences=2, outputs=2)
        self._batch = Batch(32, 2)
        self._size = model.vocabulary.size

    def text(self, tokens: list[int], position: int, sequence: int = 0) -> FloatArray:
        self._batch.clear()
        self._batch.add(tokens, position, sequence, outputs=1)
        assert self.context.decode(self._batch.c_batch) == Outcome.DONE
        row = llama.llama_get_logits_ith(self.context.handle, -1)
        return np.array(np.ctypeslib.as_array(row, (self._size,)), dtype=np.float32)

    def seen(self, vision: Vision, what: Picture, sequence: int = 0, before: int = 0) -> FloatArray:
        """The logits after some text, the picture, and more text."""
        self.context.clear(sequence)
        if before:
            self.text(list(range(10, 10 + before)), 0, sequence)
        encoded = vision.encode(what)
        assert vision.read(self.context, encoded, sequence, before) == (Outcome.DONE, encoded.measure.cells)
        return self.text(TEXT, before + encoded.measure.positions, sequence)

    def close(self) -> None:
        self._batch.close()
        self.context.close()


@pytest.fixture
def reader(model: Model) -> Iterator[Reader]:
    reader = Reader(model)
    yield reader
    reader.close()


def test_the_cost_is_known_before_anything_is_decoded(vision: Vision) -> None:
    measure = vision.measure(picture())
    assert measure.cells == measure.positions > PICTURE_CELLS
    assert vision.measure(Picture(png_that_says(300, 200))) == measure, "only the header was looked at"
    assert vision.encoded == 0


def test_the_cost_said_is_the_cost(vision: Vision, reader: Reader) -> None:
    expected = vision.measure(picture())
    encoded = vision.encode(picture())
    assert encoded.measure == expected == vision.measure(picture())
    assert vision.read(reader.context, encoded, 0, 0) == (Outcome.DONE, expected.cells)
    memory = llama.llama_get_memory(reader.context.handle)
    assert llama.llama_memory_seq_pos_max(memory, 0) == expected.positions - 1


def test_embeddings_have_the_models_width(vision: Vision, model: Model) -> None:
    rows = [piece.embeddings for piece in vision.encode(picture()).pieces if piece.embeddings is not None]
    assert [row.shape for row in rows] == [(PICTURE_CELLS, model.width)]
    assert np.isfinite(rows[0]).all()


def test_what_is_seen_matters(vision: Vision, reader: Reader) -> None:
    red, blue = reader.seen(vision, picture("red")), reader.seen(vision, picture("blue"))
    assert np.abs(red - blue).max() > 1e-3
    assert np.array_equal(red, reader.seen(vision, picture("red")))


def test_the_same_in_another_sequence_and_further_on(vision: Vision, reader: Reader) -> None:
    here = reader.seen(vision, picture("red"), before=3)
    there = reader.seen(vision, picture("red"), sequence=1, before=3)
    np.testing.assert_allclose(here, there, atol=1e-4)


@pytest.mark.parametrize("kind", ["PNG", "JPG", "BMP"])
def test_every_kind_of_picture_is_seen(vision: Vision, kind: str) -> None:
    assert vision.encode(picture(kind=kind)).size > 0


def test_the_smallest_picture_is_seen(vision: Vision) -> None:
    assert vision.encode(GIF).measure == vision.measure(picture())


def test_a_picture_is_encoded_once(vision: Vision) -> None:
    one = vision.encode(picture("red"))
    assert vision.encode(picture("red")) is one
    vision.encode(picture("green"))
    assert vision.encoded == 2


def test_at_the_same_time_too(vision: Vision) -> None:
    found: list[object] = []
    workers = [threading.Thread(target=lambda: found.append(vision.encode(picture("red")))) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(found) == 4
    assert len({id(one) for one in found}) == vision.encoded == 1


def test_what_is_forgotten_can_still_be_read(projector: Path, model: Model, reader: Reader) -> None:
    vision = Vision(str(projector), model, threads=1, cache_bytes=PICTURE_CELLS * model.width * 4)
    red = vision.encode(picture("red"))
    vision.encode(picture("blue"))
    vision.encode(picture("red"))
    assert vision.encoded == 3
    gc.collect()
    assert vision.read(reader.context, red, 0, 0) == (Outcome.DONE, red.measure.cells)
    vision.close()


def test_a_full_context_is_told_and_changes_nothing_for_others(vision: Vision, model: Model) -> None:
    reader = Reader(model, length=256)
    for part in range(8):
        reader.text(list(range(30)), 30 * part, sequence=1)
    outcome, _ = vision.read(reader.context, vision.encode(picture()), 0, 0)
    assert outcome == Outcome.NO_ROOM
    reader.context.clear(0)
    assert np.isfinite(reader.text([1], 240, sequence=1)).all()
    reader.close()


def test_damage_behind_the_header_is_told_kindly(vision: Vision) -> None:
    with pytest.raises(AppError) as error:
        vision.encode(Picture(png_that_says(300, 200)))
    assert error.value.code == "picture_unreadable"
    assert "damaged" in error.value.message
    assert vision.encode(picture()).size > 0


def test_what_is_no_picture_is_refused(vision: Vision) -> None:
    for ask in (vision.measure, vision.encode):
        with pytest.raises(AppError) as error:
            ask(Picture(b"RIFF\x10\0\0\0WEBPVP8 "))
        assert error.value.code == "picture_unreadable"


def test_no_other_program_is_asked_about_a_damaged_picture(
    vision: Vision, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ffmpeg", "ffprobe"):
        (tmp_path / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(AppError):
        vision.encode(Picture(png_that_says(300, 200)))
    assert not (tmp_path / "asked").exists()


def refused(path: Path, model: Model) -> AppError:
    with pytest.raises(AppError) as error:
        Vision(str(path), model, threads=1)
    return error.value


def test_a_projector_of_another_width_is_refused(model: Model, tmp_path: Path) -> None:
    error = refused(write_tiny_projector(tmp_path / "wide.gguf", text_width=64), model)
    assert error.code == "projector_unfit"
    assert "wide.gguf" in error.message
    assert "64" in error.message


def test_an_unknown_kind_of_projector_is_refused(model: Model, tmp_path: Path) -> None:
    assert refused(write_tiny_projector(tmp_path / "new.gguf", kind="telescope"), model).code == "projector_unfit"


def test_a_model_is_no_projector(model: Model) -> None:
    error = refused(Path(model.path), model)
    assert error.code == "projector_unfit"
    assert "pictures" in error.message


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_half_a_projector_is_refused(model: Model, projector: Path, tmp_path: Path, share: float) -> None:
    data = projector.read_bytes()
    path = tmp_path / "half.gguf"
    path.write_bytes(data[: int(len(data) * share)])
    assert refused(path, model).code == "model_broken"


def test_positions_and_cells_are_the_same_without_rows(vision: Vision) -> None:
    measure = vision.measure(picture())
    assert measure == Measure(measure.cells, measure.cells)


def test_the_library_comes_without_the_rest_of_the_package() -> None:
    asked = "import sys, app.backends.llama.vision.projector; print('llama_cpp.llama' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True, text=True).stdout == "False\n"


@pytest.fixture(scope="module")
def model_of_rows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    """Its positions count rows and columns of a picture."""
    tiny = TinyModel(seed=5, temperature=1.0, architecture="qwen2vl")
    with loaded(write_tiny_model(tmp_path_factory.mktemp("rows") / "model.gguf", tiny)) as model:
        yield model


def test_a_picture_may_take_fewer_positions_than_cells(model_of_rows: Model, tmp_path: Path) -> None:
    path = write_tiny_projector(tmp_path / "rows.gguf", kind="qwen2vl_merger")
    vision, reader = Vision(str(path), model_of_rows, threads=1), Reader(model_of_rows)
    small, large = (vision.measure(picture(width=side, height=100)) for side in (100, 300))
    assert small.cells < large.cells
    assert small.positions < small.cells
    what = picture("red", width=300, height=100)
    red = reader.seen(vision, what, before=3)
    assert vision.encode(what).measure == large
    memory = llama.llama_get_memory(reader.context.handle)
    assert llama.llama_memory_seq_pos_max(memory, 0) == 3 + large.positions + len(TEXT) - 1
    assert np.abs(red - reader.seen(vision, picture("blue", width=300, height=100), before=3)).max() > 1e-3
    reader.close()
    vision.close()


def in_parts(vision: Vision, reader: Reader, what: Picture, most: int, before: int) -> tuple[FloatArray, list[int]]:
    """As `Reader.seen`, with parts of about `most` cells; and how many cells were read after each."""
    reader.context.clear(0)
    reader.text(list(range(10, 10 + before)), 0)
    encoded = vision.encode(what)
    done, steps = 0, []
    while done < encoded.measure.cells:
        code, done = vision.read(reader.context, encoded, 0, before, done, most)
        assert code == Outcome.DONE
        steps.append(done)
    return reader.text(TEXT, before + encoded.measure.positions), steps


def whole_by_llama_cpp(vision: Vision, reader: Reader, what: Picture, before: int) -> FloatArray:
    """As `Reader.seen`, read by llama.cpp's own function for pictures."""
    reader.context.clear(0)
    reader.text(list(range(10, 10 + before)), 0)
    encoded, position = vision.encode(what), before
    for piece in encoded.pieces:
        read = vision._read_text if piece.embeddings is None else vision._read_together
        assert read(reader.context, piece, 0, position) == Outcome.DONE
        position += piece.positions
    return reader.text(TEXT, position)


@pytest.mark.parametrize("most", [1, 7, 100])
def test_read_in_parts_it_is_what_it_is_as_a_whole(model_of_rows: Model, tmp_path: Path, most: int) -> None:
    path = write_tiny_projector(tmp_path / "rows.gguf", kind="qwen2vl_merger")
    vision, reader = Vision(str(path), model_of_rows, threads=1), Reader(model_of_rows)
    what = picture("red", width=300, height=100)
    found, steps = in_parts(vision, reader, what, most, before=3)
    whole = whole_by_llama_cpp(vision, reader, what, before=3)
    other = whole_by_llama_cpp(vision, reader, picture("blue", width=300, height=100), before=3)
    np.testing.assert_allclose(found, whole, atol=2e-3)
    assert np.abs(found - other).max() > 10 * np.abs(found - whole).max()
    [rows] = [piece.cells for piece in vision.encode(what).pieces if piece.embeddings is not None]
    assert len(steps) >= rows // most
    reader.close()
    vision.close()


def test_what_must_be_seen_together_is_read_together(vision: Vision, reader: Reader) -> None:
    """Gemma's pictures: their cells see those behind them as well."""
    what = picture("red")
    found, steps = in_parts(vision, reader, what, 1, before=3)
    assert any(after - before == PICTURE_CELLS for before, after in zip([0, *steps], steps, strict=False))
    assert np.array_equal(found, reader.seen(vision, what, before=3))


def test_the_cost_said_is_the_cost_for_any_shape(model_of_rows: Model, tmp_path: Path) -> None:
    path = write_tiny_projector(tmp_path / "rows.gguf", kind="qwen2vl_merger")
    vision = Vision(str(path), model_of_rows, threads=1)
    for width, height in ((1, 1), (2, 3), (1, 200), (200, 1), (1400, 7), (29, 500), (640, 480)):
        what = picture(width=width, height=height)
        assert vision.measure(what) == vision.encode(what).measure, (width, height)
    vision.close()
