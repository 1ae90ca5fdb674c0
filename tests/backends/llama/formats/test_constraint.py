"""Following one answer: which tokens may come, when it may end, and what that does to sampling."""

import numpy as np
import pytest

from app.backends.llama.formats import constraint as module
from app.backends.llama.formats.builder import ConstraintBuilder, token_table
from app.backends.llama.formats.constraint import Constraint
from app.backends.llama.sampling.params import Choice
from app.backends.llama.sampling.sampler import TokenSampler
from app.backends.llama.vocabulary import Vocabulary
from app.errors import AppError
from app.protocol import FormatKind, OutputFormat
from tests.backends.llama.formats.writing import feed, number_of, write


@pytest.fixture
def letters(builder: ConstraintBuilder) -> Constraint:
    return builder.build(OutputFormat(kind=FormatKind.REGEX, source="[abc]{2}d?"))


@pytest.fixture
def anything(builder: ConstraintBuilder) -> Constraint:
    return builder.build(OutputFormat(kind=FormatKind.REGEX, source="[^x]*"))


def may_come(constraint: Constraint, vocabulary: Vocabulary) -> set[bytes]:
    return {vocabulary.bytes_of(token) for token in range(vocabulary.size) if constraint.allows(token)}


def test_what_may_come_step_by_step(letters: Constraint, vocabulary: Vocabulary) -> None:
    ends = {vocabulary.bytes_of(end) for end in vocabulary.end_tokens}
    assert may_come(letters, vocabulary) == {b"a", b"b", b"c", b"ab"}
    assert not letters.complete
    feed(letters, vocabulary, "c")
    assert may_come(letters, vocabulary) == {b"a", b"b", b"c"}
    feed(letters, vocabulary, "a")
    assert may_come(letters, vocabulary) == {b"d"} | ends
    assert letters.complete
    assert not letters.ended
    feed(letters, vocabulary, "d")
    assert letters.ended
    assert may_come(letters, vocabulary) == ends


def test_an_end_token_ends(letters: Constraint, vocabulary: Vocabulary) -> None:
    feed(letters, vocabulary, "ab")
    letters.accept(vocabulary.end_tokens[-1])
    assert letters.ended
    assert letters.complete
    assert letters.closing() == b""


def test_what_may_not_come_is_an_error_of_this_answer(letters: Constraint, vocabulary: Vocabulary) -> None:
    with pytest.raises(AppError) as caught:
        feed(letters, vocabulary, "x")
    assert caught.value.code == "bad_format"
    with pytest.raises(AppError):
        letters.allows(5)


@pytest.mark.parametrize("sparse", [0, 100_000])
@pytest.mark.parametrize("start", ["", "a", "ab", "abd"])
def test_allowed_logits_are_those_of_the_mask(
    letters: Constraint, vocabulary: Vocabulary, start: str, sparse: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SPARSE", sparse)
    feed(letters, vocabulary, start)
    row = np.random.default_rng(1).normal(0, 1, vocabulary.size).astype(np.float32)
    before = row.copy()
    values, tokens = letters.allowed(row)
    allowed = [token for token in range(vocabulary.size) if letters.allows(token)]
    if tokens is None:
        assert np.flatnonzero(values > -np.inf).tolist() == allowed
        assert np.array_equal(values[allowed], row[allowed])
        assert values.size == row.size
    else:
        assert tokens.tolist() == allowed
        assert np.array_equal(values, row[allowed])
    values[:] = 0
    assert np.array_equal(row, before)


def test_a_single_way_is_known_without_logits(builder: ConstraintBuilder, vocabulary: Vocabulary) -> None:
    constraint = builder.build(OutputFormat(kind=FormatKind.CHOICE, choices=("zq", "yq")))
    assert constraint.forced is None
    feed(constraint, vocabulary, "z")
    assert constraint.forced == number_of(vocabulary, b"q")


def test_slow_masks_are_computed_meanwhile_and_are_the_same(
    builder: ConstraintBuilder, vocabulary: Vocabulary, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = OutputFormat(kind=FormatKind.JSON)
    direct = write(builder.build(wanted), vocabulary, seed=7, limit=80, end_bias=-5.0)
    monkeypatch.setattr(module, "_SLOW_S", -1.0)
    assert write(builder.build(wanted), vocabulary, seed=7, limit=80, end_bias=-5.0) == direct


def test_the_likeliest_allowed_token_is_taken(letters: Constraint, vocabulary: Vocabulary) -> None:
    row = np.zeros(vocabulary.size, dtype=np.float32)
    row[number_of(vocabulary, b"x")], row[number_of(vocabulary, b"c")] = 9.0, 5.0
    sampler = TokenSampler(Choice(temperature=0.0), vocabulary, [], letters)
    assert sampler.sample_row(row) == number_of(vocabulary, b"c")
    sampler.close()


def test_shares_of_allowed_tokens_are_kept(letters: Constraint, vocabulary: Vocabulary) -> None:
    """The distribution is that of the model, what is not allowed left out, before any cut."""
    a, b, c = (number_of(vocabulary, piece) for piece in (b"a", b"b", b"c"))
    row = np.zeros(vocabulary.size, dtype=np.float32)
    row[number_of(vocabulary, b"ab")] = -np.inf
    row[[a, b, c]] = np.log([0.5, 0.3, 0.2])
    row[:90] = 3.0  # likelier than all of them, and many enough to fill any top-k
    row[[a, b, c]] = np.log([0.5, 0.3, 0.2])
    sampler = TokenSampler(Choice(temperature=1.0, top_p=1.0, min_p=0.0, seed=5), vocabulary, [], letters)
    drawn = [sampler.sample_row(row) for _ in range(6000)]
    sampler.close()
    assert [drawn.count(token) / 6000 for token in (a, b, c)] == pytest.approx([0.5, 0.3, 0.2], abs=0.03)


def test_penalties_are_neutral_within_and_not_without(anything: Constraint, vocabulary: Vocabulary) -> None:
    a, b = number_of(vocabulary, b"a"), number_of(vocabulary, b"b")
    row = np.full(vocabulary.size, -10.0, dtype=np.float32)
    row[[a, b]] = 2.0, 1.9
    choice = Choice(temperature=0.0, repeat_penalty=2.0, presence_penalty=1.0, dry_multiplier=5.0)
    sampler = TokenSampler(choice, vocabulary, [a] * 8, anything)
    assert sampler.sample_row(row) == a
    sampler.constrain(None)
    assert sampler.sample_row(row) == b
    sampler.constrain(anything)
    assert sampler.sample_row(row) == a
    sampler.close()


def test_biases_count_until_they_leave_nothing(builder: ConstraintBuilder, vocabulary: Vocabulary) -> None:
    a, b = number_of(vocabulary, b"a"), number_of(vocabulary, b"b")
    constraint = builder.build(OutputFormat(kind=FormatKind.REGEX, source="[ab]"))
    row = np.zeros(vocabulary.size, dtype=np.float32)
    for banned, expected in (({a}, {b}), ({b}, {a}), ({a, b}, {a, b})):
        choice = Choice(logit_bias=dict.fromkeys(banned, float("-inf")), seed=1)
        sampler = TokenSampler(choice, vocabulary, [], constraint)
        assert {sampler.sample_row(row) for _ in range(40)} == expected
        sampler.close()


@pytest.mark.parametrize("choice", [Choice(min_tokens=9), Choice(ignore_end=True)])
def test_a_format_that_has_ended_ends(choice: Choice, letters: Constraint, vocabulary: Vocabulary) -> None:
    """An end that is forbidden waits as long as there is something else to write."""
    written = write(letters, vocabulary, seed=2, limit=20, choice=choice, end_bias=30.0)
    assert written.ended
    assert written.text.endswith(b"d")


def test_a_table_knows_bytes_ends_and_control_tokens(vocabulary: Vocabulary) -> None:
    table = token_table(vocabulary)
    assert [table.bytes_of[token] for token in table.single] == [bytes([byte]) for byte in range(256)]
    assert table.ends == set(vocabulary.end_tokens)
    assert table.special == set(vocabulary.special_texts)
    assert len(table.bytes_of) == table.size == vocabulary.size
