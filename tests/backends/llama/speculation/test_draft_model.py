"""A real second model drafts for a real first one, both tiny."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.backends.llama.engine_log import EngineLog
from app.backends.llama.model import Model
from app.backends.llama.speculation import draft_model
from app.backends.llama.speculation.draft_model import CHUNK, DraftModel, ModelDrafter
from app.errors import AppError
from app.protocol import LoadParams
from tests.backends.conftest import COUNTING
from tests.backends.llama.loading import loaded
from tests.gguf import TinyModel, write_tiny_model

CONTEXT = 1024


@pytest.fixture(scope="module")
def target(models: Path) -> Iterator[Model]:
    with loaded(models / "endless.gguf") as model:
        yield model


@pytest.fixture
def drafting(models: Path, target: Model) -> Iterator[DraftModel]:
    """The same model drafts: it is always right."""
    model = open_draft(models / "endless.gguf", target)
    yield model
    model.close()


def open_draft(path: Path, target: Model, sequences: int = 2, context: int = CONTEXT) -> DraftModel:
    return DraftModel(str(path), LoadParams(context_length=context), target.vocabulary, sequences, EngineLog())


def start(drafting: DraftModel, prompt: list[int]) -> ModelDrafter:
    drafter = drafting.open(prompt)
    assert drafter is not None
    return drafter


@pytest.fixture(scope="module")
def chain(models: Path, target: Model) -> list[int]:
    """What the model writes after a line break, found by asking it."""
    drafting = open_draft(models / "endless.gguf", target)
    drafter = start(drafting, target.vocabulary.tokenize("\n", parse_special=False))
    said = drafter.draft(100)
    drafting.close()
    return said


def test_it_drafts_what_it_would_write(target: Model, chain: list[int]) -> None:
    text = b"".join(target.vocabulary.piece(token) for token in chain).decode()
    assert len(chain) == 100
    assert text.startswith("".join(COUNTING[:60]))


def test_no_more_than_asked(drafting: DraftModel, chain: list[int]) -> None:
    drafter = start(drafting, chain[:3])
    assert drafter.draft(1) == chain[3:4]
    assert drafter.draft(7) == chain[3:10]


def test_it_goes_back_over_wrong_guesses(drafting: DraftModel, chain: list[int]) -> None:
    drafter = start(drafting, chain[:3])
    drafter.draft(8)
    drafter.extend([chain[3], chain[20]])
    assert drafter.draft(4) == chain[21:25]


def test_accepted_guesses_are_not_read_again(drafting: DraftModel, chain: list[int]) -> None:
    drafter = start(drafting, chain[:10])
    drafter.draft(5)
    read = drafting.tokens_read
    drafter.extend(chain[10:16])
    assert drafter.draft(1) == chain[16:17]
    assert drafting.tokens_read == read + 2


def test_the_next_answer_finds_what_the_last_one_read(drafting: DraftModel, chain: list[int]) -> None:
    first = start(drafting, chain[:50])
    first.draft(3)
    first.close()
    read = drafting.tokens_read
    second = start(drafting, [*chain[:52], chain[0]])
    assert second.draft(1) == chain[1:2]
    assert drafting.tokens_read <= read + 3


def test_several_answers_draft_side_by_side(drafting: DraftModel, chain: list[int]) -> None:
    one, other = start(drafting, chain[:2]), start(drafting, chain[30:34])
    assert drafting.open(chain) is None
    for step in range(3):
        assert one.draft(3) == chain[2 + step : 5 + step]
        assert other.draft(3) == chain[34 + step : 37 + step]
        one.extend(chain[2 + step : 3 + step])
        other.extend(chain[34 + step : 35 + step])
    one.close()
    assert drafting.open(chain) is not None


def test_a_long_prompt_is_read_bit_by_bit(drafting: DraftModel, chain: list[int]) -> None:
    drafter = start(drafting, (chain * 5)[: 2 * CHUNK + 10])
    read = [0]
    while not (draft := drafter.draft(1)):
        read.append(drafting.tokens_read)
        assert read[-1] - read[-2] == CHUNK
    assert len(read) == 3
    assert draft


def test_a_full_context_ends_drafting_quietly(models: Path, target: Model, chain: list[int]) -> None:
    drafting = open_draft(models / "endless.gguf", target, sequences=1, context=256)
    drafter = start(drafting, (chain * 3)[:250])
    drafter.draft(1)
    assert len(drafter.draft(50)) == 7
    drafter.extend(chain[:20])
    assert drafter.draft(5) == []
    drafting.close()


def test_an_unsure_model_drafts_nothing(models: Path, tmp_path: Path) -> None:
    unsure = write_tiny_model(tmp_path / "unsure.gguf", TinyModel(seed=3, temperature=0.01))
    with loaded(unsure) as target:
        drafting = open_draft(unsure, target)
        assert start(drafting, [5, 6, 7]).draft(4) == []
        drafting.close()


def test_nothing_to_go_on_from(drafting: DraftModel) -> None:
    assert start(drafting, []).draft(4) == []


def test_a_text_with_pictures_is_left_alone(drafting: DraftModel, chain: list[int]) -> None:
    drafter = start(drafting, [*chain[:3], -70, -71, *chain[:3]])
    drafter.extend(chain[3:4])
    assert drafter.draft(4) == []
    assert drafting.tokens_read == 0


def test_another_vocabulary_is_refused_by_name(models: Path, target: Model) -> None:
    with pytest.raises(AppError) as refused:
        open_draft(models / "hello.gguf", target)
    assert refused.value.code == "draft_model_unfit"
    assert "hello.gguf" in refused.value.message
    assert "vocabulary" in refused.value.message


def test_one_other_token_among_equals_is_noticed(tmp_path: Path) -> None:
    one = write_tiny_model(tmp_path / "one.gguf", TinyModel(script=(" apples", " pears")))
    other = write_tiny_model(tmp_path / "other.gguf", TinyModel(script=(" apples", " plums")))
    with loaded(one) as target, pytest.raises(AppError) as refused:
        open_draft(other, target)
    assert "Ġplums" in refused.value.message


def test_padding_of_the_vocabulary_is_no_difference(tmp_path: Path) -> None:
    """Models of one family have some unused tokens more or less; those of one alone are never drafted."""
    small = write_tiny_model(tmp_path / "small.gguf", TinyModel(script=(" a b",)))
    large = write_tiny_model(tmp_path / "large.gguf", TinyModel(script=(" a b", " c d"), repeat=True))
    with loaded(small) as target:
        drafting = open_draft(large, target)
        assert drafting.tokens == target.vocabulary.size
        last = target.vocabulary.size - 1
        assert last + 1 not in start(drafting, [10, last]).draft(3), "what it would say is a token of its own"
        drafting.close()


def test_a_missing_file_is_told_as_any_model_is(tmp_path: Path, target: Model) -> None:
    with pytest.raises(AppError) as refused:
        open_draft(tmp_path / "none.gguf", target)
    assert refused.value.code == "model_load_failed"


def test_it_has_as_many_threads_as_the_target(models: Path, target: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draft_model, "ONE_THREAD_BYTES", 0)
    shared: list[int] = [3, 1, 1]
    given: list[int] = []
    drafting = DraftModel(
        str(models / "endless.gguf"),
        LoadParams(context_length=CONTEXT),
        target.vocabulary,
        1,
        EngineLog(),
        threads=shared.pop,
    )
    monkeypatch.setattr(drafting.context, "set_threads", given.append)
    assert len(start(drafting, [1, 2, 3]).draft(3)) == 3
    drafting.close()
    assert given == [1, 3]  # not again for a step with the same number


def test_a_tiny_model_drafts_with_one_thread(drafting: DraftModel) -> None:
    start(drafting, [1, 2, 3]).draft(1)
    assert drafting.threads == 1
