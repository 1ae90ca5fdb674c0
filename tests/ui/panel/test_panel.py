"""Tests of the panel: each field changes its option, refuses what is out of range, and finds its way back."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.protocol import ContextPolicy, FormatKind, Options, OutputFormat, Preset, Sampling, ToolSpec
from app.settings import LanguageChoice
from app.ui.chat.answer_options import AnswerOptions
from app.ui.panel import Panel
from app.ui.panel.format import fault_in
from app.ui.panel.parameters import COMMON, FURTHER, Parameter
from app.ui.panel.sampling import FurtherSampling, lines_of, own_further, text_of
from app.ui.translate import translations
from app.ui.widgets import Choice, IconButton, NumberField, Switch, Toast
from tests.ui.finding import child, texts

TOOLS = [ToolSpec(name="clock", description="Tells the time."), ToolSpec(name="calculate")]


@pytest.fixture
def panel(qtbot: QtBot, answers: AnswerOptions) -> Panel:
    made = Panel(answers)
    qtbot.addWidget(made)
    made.resize(made.width(), 900)
    made.set_tools(TOOLS)
    with qtbot.waitExposed(made):
        made.show()
    return made


def write(field: QWidget, text: str) -> None:
    """Type over what is there."""
    field.setFocus()
    QTest.keySequence(field, "Ctrl+A")
    QTest.keyClick(field, Qt.Key.Key_Delete)
    QTest.keyClicks(field, text)


def further(panel: Panel) -> FurtherSampling:
    panel.more.button.click()
    assert panel.more.further is not None
    return panel.more.further


def pick(choice: Choice, value: object) -> None:
    choice.set_value(value)
    choice.activated.emit(choice.currentIndex())


def reset_of(row: QWidget) -> IconButton:
    return child(row, IconButton)


# ---------------------------------------------------------------- sampling


@pytest.mark.parametrize("parameter", COMMON, ids=lambda each: each.name)
def test_every_common_number_can_be_set_and_given_back(
    panel: Panel, answers: AnswerOptions, parameter: Parameter
) -> None:
    name = parameter.name
    _set_and_reset(panel.sampling.fields[name], panel.sampling.rows[name], answers, name)


@pytest.mark.parametrize("parameter", FURTHER, ids=lambda each: each.name)
def test_every_further_number_can_be_set_and_given_back(
    panel: Panel, answers: AnswerOptions, parameter: Parameter
) -> None:
    name = parameter.name
    section = further(panel)
    _set_and_reset(section.fields[name], section.rows[name], answers, name)


def _set_and_reset(field: NumberField, row: QWidget, answers: AnswerOptions, name: str) -> None:
    most = int(field.limits.most) if field.limits.whole else field.limits.most
    write(field, f"{most:g}" if isinstance(most, float) else str(most))
    assert getattr(answers.options.sampling, name) == most
    assert reset_of(row).isVisible()
    reset_of(row).click()
    assert answers.options.sampling == Sampling()
    assert field.text() == ""
    assert not reset_of(row).isVisible()


@pytest.mark.parametrize("text", ["1.2", "-0.1", "much", "nan", "1e999", "0.5.5"])
def test_what_is_out_of_range_is_refused_at_the_field(panel: Panel, answers: AnswerOptions, text: str) -> None:
    field = panel.sampling.fields["top_p"]
    write(field, "0.9")
    QTest.keySequence(field, "Ctrl+A")
    field.insert(text)
    field.textEdited.emit(text)
    assert answers.options.sampling.top_p == 0.9
    assert field.property("state") == "bad"
    assert "From 0 to 1." in texts(panel)
    assert "From 0 to 1." in field.accessibleDescription()
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert field.text() == "0.9"
    assert "From 0 to 1." not in texts(panel)


def test_a_comma_is_a_point_and_arrows_step(panel: Panel, answers: AnswerOptions) -> None:
    field = panel.sampling.fields["temperature"]
    write(field, "0,7")
    assert answers.options.sampling.temperature == 0.7
    QTest.keyClick(field, Qt.Key.Key_Up)
    assert answers.options.sampling.temperature == 0.8
    for _ in range(20):
        QTest.keyClick(field, Qt.Key.Key_Down)
    assert answers.options.sampling.temperature == 0


def test_a_whole_number_takes_no_decimals(panel: Panel, answers: AnswerOptions) -> None:
    write(panel.sampling.fields["top_k"], "4.5")
    assert answers.options.sampling.top_k == 4  # what was a number on the way
    assert "A whole number from 0 to 1000000." in texts(panel)


def test_the_fold_says_how_many_are_set(panel: Panel, answers: AnswerOptions) -> None:
    assert panel.more.button.text() == "More"
    answers.change_sampling(dry_multiplier=0.8, stop=("END",))
    assert panel.more.button.text() == "More (2 set)"
    section = further(panel)
    assert section.fields["dry_multiplier"].text() == "0.8"
    assert section.texts["stop"].toPlainText() == "END"
    panel.more.button.click()
    assert not section.isVisible()
    assert own_further(Sampling(temperature=1.0, seed=3)) == 0


def test_stop_strings_are_lines_and_may_hold_breaks(panel: Panel, answers: AnswerOptions) -> None:
    section = further(panel)
    section.texts["stop"].setPlainText("END\n\\n\\n\n")
    assert answers.options.sampling.stop == ("END", "\n\n")
    assert text_of(("END", "\n\n")) == "END\n\\n\\n"
    assert lines_of("") == ()
    section.texts["dry_breakers"].setPlainText(",")
    assert answers.options.sampling.dry_breakers == (",",)
    reset_of(section.rows["dry_breakers"]).click()
    assert answers.options.sampling.dry_breakers is None


def test_mirostat_is_chosen(panel: Panel, answers: AnswerOptions) -> None:
    pick(further(panel).mirostat, 2)
    assert answers.options.sampling.mirostat == 2


# ---------------------------------------------------------------- the other sections


def test_instructions_are_the_system_prompt(panel: Panel, answers: AnswerOptions) -> None:
    panel.instructions.text.setPlainText("Answer in rhyme.")
    assert answers.system_prompt == "Answer in rhyme."
    answers.set_system_prompt("")
    assert panel.instructions.text.toPlainText() == ""


def test_a_schema_counts_once_it_can_be_read(panel: Panel, answers: AnswerOptions) -> None:
    section = panel.format
    pick(section.kind, FormatKind.JSON_SCHEMA)
    assert answers.options.format == OutputFormat()
    assert "the format before stays in force" in texts(section)
    section.source.setPlainText('{"type":\n "object"')
    assert answers.options.format == OutputFormat()
    assert "look at line 2" in texts(section)
    section.source.setPlainText('{"type":\n "object"}')
    assert answers.options.format == OutputFormat(kind=FormatKind.JSON_SCHEMA, source='{"type":\n "object"}')
    pick(section.kind, FormatKind.TEXT)
    assert answers.options.format == OutputFormat()
    pick(section.kind, FormatKind.JSON_SCHEMA)
    assert answers.options.format.source  # what was written is still there


@pytest.mark.parametrize(
    ("kind", "text", "wanted"),
    [
        (FormatKind.CHOICE, "yes\nno\n", OutputFormat(kind=FormatKind.CHOICE, choices=("yes", "no"))),
        (FormatKind.REGEX, r"\d+", OutputFormat(kind=FormatKind.REGEX, source=r"\d+")),
        (FormatKind.LARK, 'start: "a"', OutputFormat(kind=FormatKind.LARK, source='start: "a"')),
        (FormatKind.GBNF, 'root ::= "a"', OutputFormat(kind=FormatKind.GBNF, source='root ::= "a"')),
    ],
)
def test_every_format_is_made_of_its_text(
    panel: Panel, answers: AnswerOptions, kind: FormatKind, text: str, wanted: OutputFormat
) -> None:
    pick(panel.format.kind, kind)
    panel.format.source.setPlainText(text)
    assert answers.options.format == wanted
    answers.change(format=OutputFormat())
    answers.change(format=wanted)
    assert panel.format.source.toPlainText() == text.strip()


def test_json_needs_nothing_more(panel: Panel, answers: AnswerOptions) -> None:
    pick(panel.format.kind, FormatKind.JSON)
    assert answers.options.format == OutputFormat(kind=FormatKind.JSON)
    assert not panel.format.source.isVisible()


def test_only_a_schema_is_judged_here() -> None:
    assert fault_in(FormatKind.JSON_SCHEMA, "[]") == 1
    assert fault_in(FormatKind.JSON_SCHEMA, "{}") is None
    assert fault_in(FormatKind.REGEX, "(") is None


def test_thinking_context_and_circles(panel: Panel, answers: AnswerOptions) -> None:
    pick(panel.thinking.when, True)
    write(panel.thinking.budget, "200")
    pick(panel.context.policy, ContextPolicy.DROP_OLDEST)
    panel.context.circles.click()
    assert answers.options == Options(
        thinking=True, thinking_budget=200, context_policy=ContextPolicy.DROP_OLDEST, stop_repetition=False
    )
    answers.use(Preset(name=""))
    assert panel.thinking.when.value is None
    assert panel.thinking.budget.text() == ""
    assert panel.context.circles.isChecked()


def test_tools_are_offered_and_trusted_one_by_one(panel: Panel, answers: AnswerOptions) -> None:
    assert "Tells the time." in texts(panel)
    assert not panel.tools.trusted["clock"].isVisible()
    panel.tools.offered["clock"].click()
    assert answers.options.tools == ("clock",)
    assert panel.tools.trusted["clock"].accessibleName() == "Run clock without asking"
    panel.tools.trusted["clock"].click()
    assert answers.options.allowed_tools == ("clock",)
    panel.tools.offered["clock"].click()
    assert not answers.options.tools
    panel.tools.set_capable(False)
    assert "cannot call tools" in texts(panel)


# ---------------------------------------------------------------- presets


def test_presets_are_kept_chosen_renamed_and_deleted(panel: Panel, answers: AnswerOptions) -> None:
    bar = panel.presets
    kept: list[list[Preset]] = []
    bar.changed.connect(kept.append)
    assert bar.choice.currentText() == "As the model comes"
    answers.change_sampling(temperature=1.2)
    assert bar.choice.currentIndex() == -1
    bar.save_as("  Wild ")
    assert kept[-1] == [Preset(name="Wild", options=Options(sampling=Sampling(temperature=1.2)))]
    assert bar.choice.currentText() == "Wild"
    pick(bar.choice, "")
    assert answers.options == Options()
    pick(bar.choice, "Wild")
    assert answers.options.sampling.temperature == 1.2
    assert bar.current is not None
    bar.rename(bar.current, "Calm")
    assert [each.name for each in kept[-1]] == ["Calm"]
    answers.change_sampling(seed=1)
    bar.save_as("Calm")  # again: in its place
    assert [each.options.sampling.seed for each in kept[-1]] == [1]
    delete = next(each for each in bar.menu().actions() if each.text().startswith("Delete"))
    delete.trigger()
    assert kept[-1] == []
    toast = child(panel, Toast)
    toast._button.click()
    assert [each.name for each in kept[-1]] == ["Calm"]


def test_a_name_belongs_to_one_preset(panel: Panel) -> None:
    one, other = Preset(name="One"), Preset(name="Two", system_prompt="x")
    panel.set_presets([one, other])
    kept: list[list[Preset]] = []
    panel.presets.changed.connect(kept.append)
    panel.presets.rename(other, "One")
    panel.presets.save_as("   ")
    assert kept == []
    assert "Another preset is called “One”." in texts(child(panel, Toast))


# ---------------------------------------------------------------- the panel as a whole


def test_escape_and_the_button_close_it(panel: Panel, qtbot: QtBot) -> None:
    with qtbot.waitSignal(panel.close_asked):
        QTest.keyClick(panel.presets.choice, Qt.Key.Key_Escape)
    with qtbot.waitSignal(panel.close_asked):
        panel._close.click()
    with qtbot.waitSignal(panel.prompt_asked):
        panel.prompt_button.click()


@pytest.mark.parametrize("language", [LanguageChoice.ENGLISH, LanguageChoice.CHINESE])
def test_every_control_has_a_name_and_what_can_be_read_fits(
    panel: Panel, qapp: QApplication, language: LanguageChoice
) -> None:
    further(panel)
    translations().use(language)
    qapp.processEvents()
    for kind in (NumberField, Choice, Switch, IconButton):
        for each in panel.findChildren(kind):
            if not each.isVisible():
                continue
            assert each.accessibleName().strip(), each
            assert each.mapTo(panel, each.rect().topRight()).x() < panel.width()


def test_it_speaks_chinese_at_once(panel: Panel, qapp: QApplication) -> None:
    translations().use(LanguageChoice.CHINESE)
    qapp.processEvents()
    assert "温度" in texts(panel)
    assert panel.sampling.fields["top_k"].placeholderText() == "自动"
    assert "Temperature" not in texts(panel)
