"""A model's vocabulary: text to tokens, tokens to bytes, and which tokens are special."""

import ctypes
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from app.backends.llama.binding import llama
from app.backends.llama.fragments import Fragments

_SPECIAL = llama.LLAMA_TOKEN_ATTR_CONTROL | llama.LLAMA_TOKEN_ATTR_UNKNOWN
_SHOWN_SPECIAL = frozenset({"<think>", "</think>"})
"""Special tokens that are text to us: the answer is split at them."""
_NONE = -1


class Vocabulary:
    """The vocabulary of a loaded model; valid as long as the model is."""

    def __init__(self, model: llama.llama_model_p) -> None:
        handle = llama.llama_model_get_vocab(model)
        if handle is None:
            raise RuntimeError("the model has no vocabulary")
        self._handle = handle
        self.size = llama.llama_vocab_n_tokens(handle)
        self.bos = llama.llama_vocab_bos(handle)
        self.eos = llama.llama_vocab_eos(handle)
        self.adds_bos = bool(llama.llama_vocab_get_add_bos(handle)) and self.bos != _NONE
        attributes = [llama.llama_vocab_get_attr(handle, token) for token in range(self.size)]
        self.special_texts = self._texts_with(attributes, _SPECIAL)
        """Texts that become control tokens where special text is parsed: nobody's message may contain them as such."""
        self._shown = {token for token, text in self.special_texts.items() if text in _SHOWN_SPECIAL}
        self._pieces: dict[int, bytes] = {}
        self._fragments = self._remembering(attributes)

    @property
    def handle(self) -> Any:
        """The C object, for functions that want it."""
        return self._handle

    @cached_property
    def end_tokens(self) -> tuple[int, ...]:
        """Every token that ends an answer."""
        ends, handle = llama.llama_vocab_is_eog, self._handle
        return tuple(token for token in range(self.size) if ends(handle, token))

    def show(self, texts: Iterable[str]) -> None:
        """From now on control tokens of these texts are text of an answer: whoever reads it looks for them."""
        wanted = frozenset(texts)
        self._shown = {token for token, text in self.special_texts.items() if text in wanted}
        self._pieces.clear()

    def tokenize(self, text: str, *, parse_special: bool) -> list[int]:
        """The tokens of the text, without any added at its ends."""
        return self._fragments.tokens(text) if parse_special else self._tokenize(text, parse_special=False)

    def text_of(self, token: int) -> str:
        """The token's entry in the vocabulary ("" for none, as some models lack a BOS)."""
        if token == _NONE:
            return ""
        return bytes(llama.llama_vocab_get_text(self._handle, token) or b"").decode("utf-8", "replace")

    def piece(self, token: int) -> bytes:
        """The bytes a token adds to an answer; empty for special tokens that are no text."""
        piece = self._pieces.get(token)
        if piece is None:
            piece = self._pieces[token] = self._read_piece(token)
        return piece

    def ends_answer(self, token: int) -> bool:
        return bool(llama.llama_vocab_is_eog(self._handle, token))

    def bytes_of(self, token: int) -> bytes:
        """The bytes of any token, control tokens written out."""
        return self._read_bytes(token, special=True)

    def all_bytes(self) -> tuple[bytes, ...]:
        """The same of every token, in a third of the time that asking for each would take."""
        room, handle, read = 256, self._handle, llama.llama_token_to_piece
        buffer = ctypes.create_string_buffer(room)
        view = memoryview(buffer).cast("B")
        counts = (read(handle, token, buffer, room, 0, True) for token in range(self.size))
        return tuple(
            view[:count].tobytes() if count >= 0 else self.bytes_of(token) for token, count in enumerate(counts)
        )

    def _read_piece(self, token: int) -> bytes:
        return self._read_bytes(token, special=token in self._shown)

    def _read_bytes(self, token: int, *, special: bool) -> bytes:
        room = 64
        while True:
            buffer = ctypes.create_string_buffer(room)
            count = llama.llama_token_to_piece(self._handle, token, buffer, room, 0, special)
            if count >= 0:
                return buffer.raw[:count]
            room = -count

    def _texts_with(self, attributes: list[int], wanted: int) -> dict[int, str]:
        """The texts of the tokens that have any of the wanted attributes."""
        found = [token for token, has in enumerate(attributes) if has & wanted]
        return {token: text for token in found if (text := self.text_of(token))}

    def _tokenize(self, text: str, *, parse_special: bool) -> list[int]:
        data = text.encode("utf-8", "replace")
        room = len(data) + 2
        while True:
            tokens = (llama.llama_token * room)()
            count = llama.llama_tokenize(self._handle, data, len(data), tokens, room, False, parse_special)
            if count >= 0:
                return list(tokens[:count])
            room = -count

    def _remembering(self, attributes: list[int]) -> Fragments:
        """Remembers texts where it is certain that they can be cut at control tokens."""
        strips = any(attributes[token] & llama.LLAMA_TOKEN_ATTR_LSTRIP for token in self.special_texts)
        # tokenisers of other kinds put a space before a text, depending on what stood before it
        certain = llama.llama_vocab_type(self._handle) == llama.LLAMA_VOCAB_TYPE_BPE and not strips
        marks = self.special_texts.values() if certain else ()
        others = self._texts_with(attributes, llama.LLAMA_TOKEN_ATTR_USER_DEFINED).values()
        return Fragments(lambda text: self._tokenize(text, parse_special=True), marks, others)
