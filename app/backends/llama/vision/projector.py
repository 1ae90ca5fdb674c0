"""A model's projector: says what a picture will cost, makes its embeddings, and reads them into a sequence.

Wraps llama.cpp's mtmd. A picture is a row of pieces: its embeddings, and tokens some models want around and between.
Importing this module loads libmtmd.
"""

import ctypes
import importlib
import os
import threading
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from app.backends.llama.binding import PACKAGE, llama, set_fields
from app.backends.llama.context import Context, Outcome
from app.backends.llama.model import Model
from app.backends.llama.vision.cache import RecentlyUsed
from app.backends.llama.vision.picture_file import check_picture
from app.backends.llama.vision.rows import DIMENSIONS, Embeddings, Positions, RowBatch, positions_in_order
from app.errors import AppError
from app.hardware.gguf import read_header

mtmd: Any = importlib.import_module(f"{PACKAGE}.mtmd_cpp")  # after the binding, which enters the package

CACHE_BYTES = 256 * 1024 * 1024
"""Of embeddings that are kept for the next time."""
_ERROR = 4
_LINES = 50

_said: deque[str] = deque(maxlen=_LINES)
"""The last errors of mtmd."""


@llama.llama_log_callback  # type: ignore[untyped-decorator]
def _listen(level: int, text: bytes, _data: object) -> None:
    if level >= _ERROR:
        _said.append(text.decode("utf-8", "replace").strip())


class PictureLike(Protocol):
    """A picture of a prompt: the bytes of its file, and their SHA-256 in hex."""

    @property
    def data(self) -> bytes: ...

    @property
    def key(self) -> str: ...


@dataclass(frozen=True)
class Measure:
    """What a picture takes of the context: cells of the KV cache, and positions, which may be fewer."""

    cells: int
    positions: int


@dataclass(frozen=True)
class _Piece:
    """A part of a picture: llama.cpp's chunk, and its embeddings [cells, width] unless it is tokens."""

    chunk: Any
    embeddings: Embeddings | None

    @property
    def cells(self) -> int:
        return int(mtmd.mtmd_input_chunk_get_n_tokens(self.chunk))

    @property
    def positions(self) -> int:
        return int(mtmd.mtmd_input_chunk_get_n_pos(self.chunk))


class Encoded:
    """A picture ready to be read: its pieces and what they take. Frees what it holds by itself."""

    def __init__(self, pieces: list[_Piece], measure: Measure) -> None:
        self.pieces = pieces
        self.measure = measure
        self.size = sum(piece.embeddings.nbytes for piece in pieces if piece.embeddings is not None)
        """Bytes of the embeddings."""
        weakref.finalize(self, _free_chunks, [piece.chunk for piece in pieces])


class Vision:
    """The projector in that file, for that model. May be used by several threads; it encodes one picture at a time.

    Raises AppError: "projector_unfit", or "model_broken" for a damaged file.
    """

    def __init__(self, path: str, model: Model, threads: int, cache_bytes: int = CACHE_BYTES) -> None:
        mtmd.mtmd_helper_log_set(_listen, None)
        self._name = Path(path).name
        self._encoding = threading.Lock()
        self._cache: RecentlyUsed[Encoded] = RecentlyUsed(cache_bytes)
        self.encoded = 0
        """Pictures that were not in the cache."""
        self._width = int(llama.llama_model_n_embd_inp(model.handle))
        """Numbers of an embedding, which mtmd itself does not tell."""
        self._handle = self._open(path, model, threads)

    def measure(self, picture: PictureLike) -> Measure:
        """What the picture will take; nothing is decoded for it. Raises AppError as `check_picture` does."""
        if (known := self._cache.get(picture.key)) is not None:
            return known.measure
        size = check_picture(picture.data)
        with self._bitmap_of_size(size.width, size.height) as bitmap, self._chunks(bitmap) as chunks:
            return _measure(chunks)

    def encode(self, picture: PictureLike) -> Encoded:
        """The picture's embeddings, from the cache or made now, which may take seconds.

        Raises AppError: "picture_too_large", "picture_unreadable" or "generation_failed".
        """
        with self._encoding:
            if (known := self._cache.get(picture.key)) is not None:
                return known
            check_picture(picture.data)
            with self._decoded(picture.data) as bitmap, self._chunks(bitmap) as chunks:
                encoded = Encoded([self._piece(chunk) for chunk in _each(chunks)], _measure(chunks))
            self.encoded += 1
            self._cache.add(picture.key, encoded)
            return encoded

    def read(
        self, context: Context, encoded: Encoded, sequence: int, position: int, done: int = 0, most: int | None = None
    ) -> tuple[int, int]:
        """Put a picture into a sequence at that position, or go on with it after `done` of its cells.

        About `most` cells are read, all that are left where that is None; what the model has to see together is read
        together. Returns (an Outcome, or a number below it that llama.cpp calls an error; the cells done then). Where
        that is not DONE a part may have been read: cut the sequence back to `position`. After the last cell
        `encoded.measure.positions` are taken.
        """
        limit = done + (encoded.measure.cells if most is None else max(1, most))
        start = 0
        for piece in encoded.pieces:
            end = start + piece.cells
            while start <= done < min(end, limit):
                code, read = self._read_piece(context, piece, sequence, position, done - start, limit - done)
                if code != Outcome.DONE:
                    return code, done
                done += read
            start, position = end, position + piece.positions
        return Outcome.DONE, done

    def close(self) -> None:
        """Free the projector; no picture may be in work."""
        with self._encoding:
            self._cache.clear()
            mtmd.mtmd_free(self._handle)

    # ------------------------------------------------------------ loading

    def _open(self, path: str, model: Model, threads: int) -> Any:
        if read_header(Path(path)).architecture != "clip":
            raise AppError("projector_unfit", projector=self._name, reason="projector_blind")
        params = mtmd.mtmd_context_params_default()
        set_fields(params, use_gpu=model.device != "CPU", n_threads=threads, print_timings=False)
        _said.clear()
        handle = mtmd.mtmd_init_from_file(os.fsencode(path), model.handle, params)
        if not handle:
            raise AppError("projector_unfit", projector=self._name, reason=_last_words() or "engine_silent")
        if not mtmd.mtmd_support_vision(handle):
            mtmd.mtmd_free(handle)
            raise AppError("projector_unfit", projector=self._name, reason="projector_blind")
        return handle

    # ------------------------------------------------------------ from a file to chunks

    @contextmanager
    def _bitmap_of_size(self, width: int, height: int) -> Iterator[Any]:
        """A picture without content: enough to be counted."""
        bitmap = mtmd.mtmd_bitmap_init(width, height, None)
        try:
            yield bitmap
        finally:
            mtmd.mtmd_bitmap_free(bitmap)

    @contextmanager
    def _decoded(self, data: bytes) -> Iterator[Any]:
        options = mtmd.mtmd_helper_init_opt_default()
        # What no decoder of its own reads, mtmd gives to an ffmpeg it finds: let it look where there is none.
        options.video_params.ffmpeg_bin_dir = os.devnull.encode()
        buffer = (ctypes.c_uint8 * len(data)).from_buffer_copy(data)
        bitmap = mtmd.mtmd_helper_bitmap_init_from_buf(self._handle, buffer, len(data), False, options)
        if not bitmap:
            raise AppError("picture_unreadable", reason="picture_damaged")
        try:
            yield bitmap
        finally:
            mtmd.mtmd_bitmap_free(bitmap)

    @contextmanager
    def _chunks(self, bitmap: Any) -> Iterator[Any]:
        """The pieces mtmd makes of a picture that stands alone, as this model wants it."""
        marker = mtmd.mtmd_get_marker(self._handle)
        text = mtmd.mtmd_input_text()
        set_fields(text, text=marker, text_len=len(marker), add_special=False, parse_special=True)
        chunks = mtmd.mtmd_input_chunks_init()
        try:
            bitmaps = (mtmd.mtmd_bitmap_p_ctypes * 1)(bitmap)
            _said.clear()
            if mtmd.mtmd_tokenize(self._handle, chunks, ctypes.byref(text), bitmaps, 1) != 0:
                raise AppError("generation_failed", reason=_last_words() or "engine_silent")
            yield chunks
        finally:
            mtmd.mtmd_input_chunks_free(chunks)

    # ------------------------------------------------------------ from chunks to embeddings

    def _piece(self, chunk: Any) -> _Piece:
        """A chunk of our own with its embeddings and without its pixels."""
        embeddings = None if _is_text(chunk) else self._embeddings(chunk)
        copy = mtmd.mtmd_input_chunk_copy if embeddings is None else mtmd.mtmd_input_chunk_get_placeholder
        return _Piece(copy(chunk), embeddings)

    def _embeddings(self, chunk: Any) -> Embeddings:
        _said.clear()
        if mtmd.mtmd_encode_chunk(self._handle, chunk) != 0:
            raise AppError("generation_failed", reason=_last_words() or "engine_silent")
        cells = mtmd.mtmd_input_chunk_get_n_tokens(chunk)
        rows = np.ctypeslib.as_array(mtmd.mtmd_get_output_embd(self._handle), (cells, self._width))
        return np.array(rows, dtype=np.float32)

    # ------------------------------------------------------------ from embeddings to the KV cache

    def _read_piece(
        self, context: Context, piece: _Piece, sequence: int, position: int, done: int, most: int
    ) -> tuple[int, int]:
        """Read on in a piece that begins at `position`; returns what llama_decode said, and the cells it read."""
        if piece.embeddings is None:
            return self._read_text(context, piece, sequence, position), piece.cells
        if mtmd.mtmd_decode_use_non_causal(self._handle, piece.chunk):
            return self._read_together(context, piece, sequence, position), piece.cells
        end = min(done + most, done + context.batch_size, piece.cells)
        rows = RowBatch(piece.embeddings[done:end], self._positions(piece, position)[:, done:end], sequence)
        return context.decode(rows.c_batch), end - done

    def _positions(self, piece: _Piece, first: int) -> Positions:
        if not mtmd.mtmd_decode_use_mrope(self._handle):
            return positions_in_order(first, piece.cells)
        found = (mtmd.mtmd_decoder_pos * piece.cells)()
        mtmd.mtmd_helper_image_get_decoder_pos(mtmd.mtmd_input_chunk_get_tokens_image(piece.chunk), first, found)
        rows = [(one.t, one.y, one.x, 0) for one in found]
        return np.array(rows, dtype=np.int32).reshape(piece.cells, DIMENSIONS).T

    def _read_text(self, context: Context, piece: _Piece, sequence: int, position: int) -> int:
        """Read the few tokens that stand around or between the embeddings."""
        end, size = ctypes.c_int32(position), context.batch_size
        return int(
            mtmd.mtmd_helper_eval_chunk_single(
                self._handle, context.handle, piece.chunk, position, sequence, size, False, ctypes.byref(end)
            )
        )

    def _read_together(self, context: Context, piece: _Piece, sequence: int, position: int) -> int:
        """Read a piece whose cells see each other, in one go."""
        assert piece.embeddings is not None
        end, size = ctypes.c_int32(position), context.micro_batch
        return int(
            mtmd.mtmd_helper_decode_image_chunk(
                self._handle,
                context.handle,
                piece.chunk,
                piece.embeddings.ctypes.data_as(ctypes.POINTER(ctypes.c_float)),
                position,
                sequence,
                size,
                ctypes.byref(end),
                mtmd.mtmd_helper_post_decode_callback(),
                None,
            )
        )


def _each(chunks: Any) -> Iterator[Any]:
    for index in range(mtmd.mtmd_input_chunks_size(chunks)):
        yield mtmd.mtmd_input_chunks_get(chunks, index)


def _measure(chunks: Any) -> Measure:
    return Measure(mtmd.mtmd_helper_get_n_tokens(chunks), mtmd.mtmd_helper_get_n_pos(chunks))


def _is_text(chunk: Any) -> bool:
    return bool(mtmd.mtmd_input_chunk_get_type(chunk) == mtmd.MTMD_INPUT_CHUNK_TYPE_TEXT)


def _free_chunks(chunks: list[Any]) -> None:
    for chunk in chunks:
        mtmd.mtmd_input_chunk_free(chunk)


def _last_words() -> str:
    """What mtmd said was wrong; "" if nothing."""
    return _said[-1].rpartition("error: ")[2] if _said else ""
