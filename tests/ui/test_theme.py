import re

import pytest
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QPlainTextEdit
from pytestqt.qtbot import QtBot

from app.paths import RESOURCES
from app.settings import Accent, Settings, Theme
from app.ui.stylesheet import style_sheet
from app.ui.theme import Colours, colours_for, theme_of, theme_source

CHOICES = [(theme, accent) for theme in (Theme.LIGHT, Theme.DARK, Theme.CONTRAST) for accent in Accent]


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.1."""
    parts = (QColor(colour).redF(), QColor(colour).greenF(), QColor(colour).blueF())
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("theme", "accent"), CHOICES)
def test_text_can_be_read_on_every_ground(theme: Theme, accent: Accent) -> None:
    colours, _ = colours_for(theme, accent, system_dark=False)
    for ground in (colours.canvas, colours.surface, colours.sunken):
        for ink in (colours.text, colours.muted, colours.accent, colours.good, colours.warn, colours.bad):
            assert contrast(ink, ground) >= 4.5, (ink, ground)
    assert contrast(colours.on_accent, colours.accent) >= 4.5
    assert contrast(colours.text, colours.accent_soft) >= 7


@pytest.mark.parametrize(("theme", "accent"), CHOICES)
def test_every_rule_of_the_sheet_can_be_read(theme: Theme, accent: Accent) -> None:
    colours, _ = colours_for(theme, accent, system_dark=False)
    source = (RESOURCES / "themes" / "alcove.qss").read_text(encoding="utf-8")
    pairs = 0
    for body in re.findall(r"\{(.*?)\}", source, flags=re.DOTALL):
        ink, ground = (re.search(rf"(?<![-\w]){name}: @([a-z_]+)", body) for name in ("color", "background"))
        if ink and ground:
            pairs += 1
            assert contrast(getattr(colours, ink[1]), getattr(colours, ground[1])) >= 4.5, body
    assert pairs > 5


@pytest.mark.parametrize("field", [QLineEdit, QPlainTextEdit])
def test_what_a_field_is_for_can_be_read(qtbot: QtBot, field: type[QLineEdit | QPlainTextEdit]) -> None:
    theme_source().use(Settings(theme=Theme.CONTRAST))
    made = field()
    qtbot.addWidget(made)
    made.ensurePolished()
    shown = made.palette().color(QPalette.ColorRole.PlaceholderText)
    assert shown.alpha() == 255
    assert contrast(shown.name(), theme_source().theme.colours.surface) >= 7


def test_high_contrast_is_higher() -> None:
    colours, dark = colours_for(Theme.CONTRAST, Accent.GREEN, system_dark=False)
    assert dark
    assert contrast(colours.text, colours.canvas) > 20
    assert contrast(colours.line, colours.canvas) >= 4.5


def test_system_theme_follows_the_system() -> None:
    assert colours_for(Theme.SYSTEM, Accent.GREEN, system_dark=True)[1]
    assert not colours_for(Theme.SYSTEM, Accent.GREEN, system_dark=False)[1]
    assert not colours_for(Theme.LIGHT, Accent.GREEN, system_dark=True)[1]


def test_the_sheet_uses_only_names() -> None:
    source = (RESOURCES / "themes" / "alcove.qss").read_text(encoding="utf-8")
    without_comments = re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL)
    assert set(re.findall(r"@([a-z_]+)", without_comments)) <= set(Colours.__dataclass_fields__)
    assert not re.search(r"#[0-9A-Fa-f]{3,8}\s*;", without_comments)
    assert set(re.findall(r"\b(\d+)px", without_comments)) <= {"1"}  # hairlines


def test_lengths_grow_with_the_unit() -> None:
    colours = vars(colours_for(Theme.LIGHT, Accent.GREEN, system_dark=False)[0])
    assert "padding: 0 12px" in style_sheet(colours, 1.0)
    assert "padding: 0 18px" in style_sheet(colours, 1.5)
    assert "@" not in style_sheet(colours, 1.0)


def test_a_switch_is_told_once_and_applied(qtbot: QtBot, qapp: QApplication) -> None:
    source = theme_source()
    with qtbot.waitSignal(source.changed):
        source.use(Settings(theme=Theme.DARK))
    assert source.theme.dark
    assert qapp.palette().window().color().name().upper() == source.theme.colours.canvas
    with qtbot.assertNotEmitted(source.changed):
        source.use(Settings(theme=Theme.DARK))


def test_text_size_scales_fonts_and_grid(qtbot: QtBot, qapp: QApplication) -> None:
    before = theme_source().theme
    theme_source().use(Settings(text_size=200))
    after = theme_of(QLabel())
    assert qapp.font().pointSizeF() == pytest.approx(2 * (before.font or qapp.font()).pointSizeF(), rel=0.01)
    assert after.px(16) == pytest.approx(2 * before.px(16), abs=1)


def test_one_source_for_each_application(qapp: QApplication) -> None:
    assert theme_source() is theme_source()
    assert theme_source().parent() is qapp


def test_fonts_have_their_fallbacks(qapp: QApplication) -> None:
    families = theme_source().theme.text_font().families()
    assert any("CJK" in family for family in families)
    assert any("Emoji" in family for family in families)
    assert theme_source().theme.code_font().families()[0] == "JetBrains Mono"
