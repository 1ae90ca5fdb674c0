"""The corpus holds what the starter is promised to know, and its judges have not seen what it learned from."""

import csv
import re
import sys
from pathlib import Path

import pytest

RECIPE = Path(__file__).resolve().parents[2] / "packaging" / "starter"
sys.path.insert(0, str(RECIPE))

from corpus import DECLINE, LANGUAGES, Language, load_intents, load_templates  # noqa: E402

INTENTS = load_intents()
LISTED = {row.split("\t")[0] for row in (RECIPE / "intents.tsv").read_text(encoding="utf-8").splitlines()[1:]}


def judged() -> list[dict[str, str]]:
    with (RECIPE / "judge.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def test_the_list_of_intents_and_the_corpus_agree() -> None:
    assert len(LISTED) >= 120
    assert INTENTS.keys() - {DECLINE} == LISTED


@pytest.mark.parametrize("intent", sorted(INTENTS))
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_intent_has_an_answer_and_thirty_phrasings_to_learn_from(intent: str, language: Language) -> None:
    assert INTENTS[intent].answer[language]
    assert INTENTS[intent].topic[language]
    assert len(set(INTENTS[intent].training(language))) >= 30


@pytest.mark.parametrize("language", LANGUAGES)
def test_answers_use_lists_tables_and_code(language: Language) -> None:
    answers = [intent.answer[language] for intent in INTENTS.values()]
    for pattern in (r"^(- |1\. )", r"^\|", r"^```"):
        assert sum(bool(re.search(pattern, answer, re.MULTILINE)) for answer in answers) >= 10


def test_some_phrasings_are_kept_out_of_training() -> None:
    for intent in INTENTS.values():
        for language in LANGUAGES:
            assert not set(intent.training(language)) & set(intent.held_out(language))
    assert sum(len(intent.held_out(language)) for intent in INTENTS.values() for language in LANGUAGES) >= 600


def test_the_judges_phrasings_cover_every_intent_and_were_not_trained_on() -> None:
    rows = judged()
    trained = {text for intent in INTENTS.values() for language in LANGUAGES for text in intent.training(language)}
    trained |= {text for texts in load_templates().values() for text in texts}
    own = [row for row in rows if row["intent"] != DECLINE]
    assert {row["intent"] for row in own} == LISTED
    assert len(own) >= 300
    assert len(rows) - len(own) >= 100
    assert not [row["text"] for row in rows if row["text"] in trained]


def test_answers_hold_no_tags_that_the_engine_takes_for_something_else() -> None:
    for intent in INTENTS.values():
        for answer in intent.answer.values():
            assert not re.search(r"<\|?/?(im_|think|tool)", answer), intent.id
