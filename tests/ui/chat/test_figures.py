"""Tests of the figures of an answer in words."""

import pytest
from msgspec.structs import replace

from app.format import Language
from app.protocol import FinishReason, GenerationStats, Role
from app.settings import LanguageChoice
from app.ui.chat.figures import FigureWords
from app.ui.chat.footer import FooterRow
from app.ui.chat.look import Look
from app.ui.chat.row_widget import Desk, RowContext
from app.ui.chat.rows import Footer
from app.ui.translate import translations
from app.ui.widgets import ElidedLabel
from tests.ui.finding import child, named

ALL = GenerationStats(
    prompt_tokens=1_204,
    answer_tokens=101,
    ttft_s=0.4,
    decode_s=10.0,
    context_length=4_096,
    thinking_s=3.0,
    queue_s=2.0,
    prefill_s=0.5,
    cached_tokens=1_104,
    drafted_tokens=60,
    accepted_tokens=45,
)


def test_everything_is_told_in_its_order() -> None:
    assert FigureWords().lines(ALL, "en") == [
        "Waited 2.0 s for its turn",
        "Prompt: 1,204 tokens, 1,104 of them known from before",
        "Read in 0.5 s (200 tok/s)",
        "First token after 0.4 s",
        "Thought for 3.0 s",
        "Answer: 101 tokens in 10 s (10 tok/s)",
        "Drafted ahead: 60 tokens, 45 taken (75 %)",
        "Context: 1,305 of 4,096 tokens",
        "Ended: the model was done",
    ]


def test_what_did_not_happen_is_not_told() -> None:
    plain = GenerationStats(prompt_tokens=5, answer_tokens=1, ttft_s=0.1, decode_s=0.0, context_length=100)
    assert FigureWords().lines(plain, "en") == [
        "Prompt: 5 tokens",
        "First token after 0.1 s",
        "Answer: 1 tokens",
        "Context: 6 of 100 tokens",
        "Ended: the model was done",
    ]
    assert FigureWords().lines(replace(plain, context_length=0), "en") == []


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("reason", list(FinishReason))
def test_every_end_has_words(reason: FinishReason, language: Language) -> None:
    translations().use(LanguageChoice(language))
    ends = [FigureWords().lines(replace(ALL, finish_reason=each), language)[-1] for each in FinishReason]
    assert len(set(ends)) == len(FinishReason)
    assert ends[0].startswith("结束原因" if language == "zh" else "Ended")


def test_they_are_the_tip_of_the_line_and_a_buttons_for_the_keyboard(look: Look) -> None:
    row = FooterRow(RowContext(2, look, Desk()))
    row.set_row(Footer(Role.ASSISTANT, model="Tiny", stats=ALL))
    row.resize(600, 32)
    line = child(row, ElidedLabel)
    line.grab()
    assert "Drafted ahead" in line.toolTip()
    assert "Drafted ahead" in line.accessibleDescription()
    row.reveal(True)
    assert "Waited 2.0 s" in named(row, "Figures of this answer").accessibleDescription()
    row.set_row(Footer(Role.ASSISTANT, model="Tiny", busy=True))
    line.grab()
    assert line.toolTip() == ""
