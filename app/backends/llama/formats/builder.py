"""Makes constraints for a model: its vocabulary as llguidance wants it, and the grammars that were used lately."""

import ctypes
from collections import OrderedDict
from concurrent.futures import Future
from threading import Lock, Thread
from typing import TypeAlias

import numpy as np
from llguidance import LLMatcher, LLParserLimits, LLTokenizer

from app.backends.llama.binding import llama
from app.backends.llama.formats.constraint import Constraint, TokenTable
from app.backends.llama.formats.grammar import grammar_of, refusal
from app.backends.llama.vocabulary import Vocabulary
from app.errors import AppError
from app.protocol import OutputFormat

_KEPT_GRAMMARS = 16
_Tools: TypeAlias = tuple[LLTokenizer, TokenTable]
_SPECIAL_MARK = b"\xff"
"""Before the bytes of a token llguidance is to take as a control token."""


class ConstraintBuilder:
    """Builds constraints for one vocabulary, which may be freed after `close`. May be used by several threads."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._lock = Lock()
        self._tools: Future[_Tools] | None = None
        self._grammars: OrderedDict[OutputFormat, LLMatcher] = OrderedDict()

    def start(self) -> None:
        """Begin to prepare the vocabulary in a thread of its own, once.

        It takes 0.6 s for 152,000 tokens, and for a quarter of that llguidance lets no other Python code run: nothing
        should be answered meanwhile.
        """
        with self._lock:
            if self._tools is not None:
                return
            future: Future[_Tools] = Future()
            self._tools = future
        Thread(target=self._prepare, args=(future,), name="constraint vocabulary", daemon=True).start()

    def wait(self) -> None:
        """Until the vocabulary is prepared; that it could not be is raised where a format is asked for."""
        self.close()

    def close(self) -> None:
        """Wait until the vocabulary is no longer being read."""
        with self._lock:
            tools = self._tools
        if tools is not None:
            tools.exception()

    def build(self, wanted: OutputFormat) -> Constraint:
        """A constraint for a new answer; `wanted` is not TEXT. Waits for the vocabulary.

        Takes 1 ms for most, up to two seconds for the worst, without holding up other threads.
        Raises AppError("bad_format") that says what is wrong, an unsupported keyword by its name.
        """
        grammar = self._kept(wanted) or self._compiled(wanted)
        return Constraint(grammar.deep_copy(), self._ready()[1])

    def _kept(self, wanted: OutputFormat) -> LLMatcher | None:
        with self._lock:
            if (grammar := self._grammars.get(wanted)) is not None:
                self._grammars.move_to_end(wanted)
            return grammar

    def _compiled(self, wanted: OutputFormat) -> LLMatcher:
        source = grammar_of(wanted)
        tokenizer = self._ready()[0]
        matcher = LLMatcher(tokenizer, source, log_level=0, limits=_limits())
        if not matcher.is_error():
            matcher.compute_bitmask()  # a grammar that is too complex from the start is found here
        if matcher.is_error():
            raise refusal(matcher.get_error())
        if matcher.is_stopped() and not matcher.is_accepting():
            raise AppError("bad_format", reason="format_matches_nothing")
        with self._lock:
            self._grammars[wanted] = matcher
            if len(self._grammars) > _KEPT_GRAMMARS:
                self._grammars.popitem(last=False)
        return matcher

    def _ready(self) -> _Tools:
        self.start()
        assert self._tools is not None
        return self._tools.result()

    def _prepare(self, future: Future[_Tools]) -> None:
        try:
            table = token_table(self._vocabulary)
            future.set_result((_tokenizer(self._vocabulary, table), table))
        except BaseException as error:  # noqa: BLE001 - a thread's edge: it is raised in whoever waits
            future.set_exception(error)


def token_table(vocabulary: Vocabulary) -> TokenTable:
    """The vocabulary as constraints see it."""
    pieces = vocabulary.all_bytes()
    special = frozenset(vocabulary.special_texts)
    single = np.full(256, -1, dtype=np.intp)
    for token, piece in enumerate(pieces):
        if len(piece) == 1 and token not in special and single[piece[0]] < 0:
            single[piece[0]] = token
    return TokenTable(vocabulary.size, pieces, single, special, frozenset(vocabulary.end_tokens))


def _tokenizer(vocabulary: Vocabulary, table: TokenTable) -> LLTokenizer:
    pieces = [_SPECIAL_MARK + piece if token in table.special else piece for token, piece in enumerate(table.bytes_of)]
    function = ctypes.cast(llama._lib.llama_tokenize, ctypes.c_void_p).value
    ends = sorted(table.ends) or [0]
    tokenizer: LLTokenizer = LLTokenizer.from_llamacpp(  # type: ignore[attr-defined]
        tokens=pieces, vocab_ptr=vocabulary.handle, tokenize_fptr=function, eos_token=ends, slices=[]
    )
    return tokenizer


def _limits() -> LLParserLimits:
    """llguidance's own, which bound each step to below a second, with fewer states of the lexer (1 to 2 kB each)."""
    return LLParserLimits(max_lexer_states=50_000, verbose_errors=False)
