"""Log-probabilities are those of the logits as they came."""

import numpy as np
import pytest

from app.backends.llama.sampling.logprobs import token_logprob
from app.backends.llama.vocabulary import Vocabulary


def test_they_are_a_log_softmax_in_exact_numbers(vocabulary: Vocabulary) -> None:
    logits = np.random.default_rng(1).normal(0, 5, vocabulary.size).astype(np.float32)
    exact = logits.astype(np.float64)
    expected = exact - np.log(np.exp(exact - exact.max()).sum()) - exact.max()
    order = np.argsort(-logits)
    found = token_logprob(logits, int(order[30]), 20, vocabulary)
    assert found.token == order[30]
    assert found.logprob == pytest.approx(expected[order[30]], abs=1e-5)
    assert [top.token for top in found.top] == order[:20].tolist()
    assert [top.logprob for top in found.top] == pytest.approx(expected[order[:20]], abs=1e-5)
    assert all(top.top == () for top in found.top)


def test_large_logits_keep_their_differences(vocabulary: Vocabulary) -> None:
    logits = np.full(vocabulary.size, -1e4, dtype=np.float32)
    logits[[3, 4]] = 3000.0, 2999.0
    found = token_logprob(logits, 4, 1, vocabulary)
    assert found.logprob == pytest.approx(-1.3132617, abs=1e-5)
    assert found.top[0].token == 3


def test_nothing_but_the_token_itself(vocabulary: Vocabulary) -> None:
    logits = np.zeros(vocabulary.size, dtype=np.float32)
    found = token_logprob(logits, 5, 0, vocabulary)
    assert found.top == ()
    assert found.logprob == pytest.approx(-np.log(vocabulary.size), abs=1e-6)


def test_a_token_that_is_no_whole_text_has_bytes_alone(vocabulary: Vocabulary) -> None:
    logits = np.zeros(vocabulary.size, dtype=np.float32)
    half, letter = (next(t for t in range(vocabulary.size) if vocabulary.bytes_of(t) == raw) for raw in (b"\xe9", b"a"))
    assert (token_logprob(logits, half, 0, vocabulary).text, token_logprob(logits, half, 0, vocabulary).raw) == (
        "",
        b"\xe9",
    )
    assert token_logprob(logits, letter, 0, vocabulary).text == "a"
    end = vocabulary.end_tokens[-1]
    assert token_logprob(logits, end, 0, vocabulary).text == vocabulary.special_texts[end]
