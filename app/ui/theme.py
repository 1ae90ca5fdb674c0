"""Colours, sizes and fonts under names: the one place where the window's look is decided."""

from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontInfo, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory, QWidget

from app.settings import Accent, Settings
from app.settings import Theme as ThemeChoice
from app.ui import fonts
from app.ui.stylesheet import style_sheet

SMALL, CODE, BODY, TITLE, PAGE_TITLE = 0.87, 0.92, 1.0, 1.25, 1.6
"""The only type sizes, relative to the body."""
_BODY_PIXELS = 14.0
"""Pixel size of the body at which one unit is one pixel."""


@dataclass(frozen=True)
class Colours:
    """The names widgets may use; values are #RRGGBB."""

    canvas: str
    surface: str
    sunken: str
    line: str
    text: str
    muted: str
    accent: str
    accent_soft: str
    on_accent: str
    good: str
    warn: str
    bad: str


LIGHT = Colours(
    canvas="#FAF9F7", surface="#FFFFFF", sunken="#F1EFEB", line="#E4E1DB", text="#1F1E1C", muted="#6A6760",
    accent="#2C6E60", accent_soft="#E3EFEB", on_accent="#FFFFFF", good="#27704A", warn="#855900", bad="#B3392F",
)  # fmt: skip
DARK = Colours(
    canvas="#18191B", surface="#202225", sunken="#131415", line="#33363B", text="#E9E7E3", muted="#A09D96",
    accent="#86BFAF", accent_soft="#22352F", on_accent="#18191B", good="#7CC79A", warn="#E2B45C", bad="#F08B80",
)  # fmt: skip
CONTRAST = Colours(
    canvas="#000000", surface="#0A0A0A", sunken="#000000", line="#9A9A9A", text="#FFFFFF", muted="#DEDEDE",
    accent="#7CF0D0", accent_soft="#003D30", on_accent="#000000", good="#7CFFB0", warn="#FFD75E", bad="#FF9C90",
)  # fmt: skip

_ACCENTS: dict[Accent, tuple[tuple[str, str], tuple[str, str], tuple[str, str]]] = {
    # (accent, accent_soft) for light, dark and high contrast
    Accent.GREEN: (("#2C6E60", "#E3EFEB"), ("#86BFAF", "#22352F"), ("#7CF0D0", "#003D30")),
    Accent.BLUE: (("#2B5FA6", "#E4ECF7"), ("#8DB5EC", "#1F2D42"), ("#9CCBFF", "#00305F")),
    Accent.VIOLET: (("#6A4FA3", "#ECE8F6"), ("#B6A3E8", "#2D2641"), ("#CDBBFF", "#36206B")),
    Accent.ROSE: (("#A13A5F", "#F8E8EE"), ("#EBA0B8", "#3D2530"), ("#FFB0C8", "#5C0F30")),
    Accent.AMBER: (("#85560A", "#F5ECDB"), ("#E0B36A", "#372C18"), ("#FFD37A", "#4D3600")),
    Accent.SLATE: (("#4A5661", "#E8EBEE"), ("#AAB6C2", "#282E35"), ("#D3DEE9", "#2B3743")),
}


@dataclass(frozen=True)
class Theme:
    """A look worked out for one screen: colours, whether they are dark, and pixels per unit of the 4-unit grid."""

    colours: Colours
    dark: bool
    unit: float = 1.0
    font: QFont | None = None

    def px(self, units: float) -> int:
        """Whole pixels for a length in units, at least one."""
        return max(1, round(units * self.unit))

    def colour(self, name: str) -> QColor:
        """A colour by its name in `Colours`. Raises AttributeError for any other name."""
        return QColor(getattr(self.colours, name))

    def text_font(self, scale: float = BODY, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
        """The UI font in one of the type sizes."""
        font = QFont(self.font or QApplication.font())
        font.setPointSizeF(font.pointSizeF() * scale)
        font.setWeight(weight)
        return font

    def number_font(self, scale: float = BODY) -> QFont:
        """The UI font with figures of one width, for columns of numbers."""
        font = self.text_font(scale)
        font.setFeature(QFont.Tag("tnum"), 1)
        return font

    def code_font(self, scale: float = CODE) -> QFont:
        """The fixed-width font of code."""
        font = self.text_font(scale)
        font.setFamilies(fonts.code_families())
        font.setFixedPitch(True)
        font.setFeature(QFont.Tag.fromString("calt"), 0)  # code is shown as it is typed: -> is two characters
        return font


def colours_for(choice: ThemeChoice, accent: Accent, system_dark: bool) -> tuple[Colours, bool]:
    """The colours of a choice, and whether they are dark."""
    column = 2 if choice is ThemeChoice.CONTRAST else int(choice is ThemeChoice.DARK or _follows(choice, system_dark))
    chosen, soft = _ACCENTS[accent][column]
    return replace((LIGHT, DARK, CONTRAST)[column], accent=chosen, accent_soft=soft), column > 0


def _follows(choice: ThemeChoice, system_dark: bool) -> bool:
    return choice is ThemeChoice.SYSTEM and system_dark


class ThemeSource(QObject):
    """Holds the theme in force, follows the system's colour scheme, and says when it has `changed` (after applying)."""

    changed = Signal()

    def __init__(self, app: QApplication, settings: Settings | None = None) -> None:
        super().__init__(app)
        self._app = app
        self._settings = settings or Settings()
        self._base = fonts.prepare(app)
        app.setStyle(QStyleFactory.create("Fusion"))
        self.theme = self._made()
        self._show()
        QGuiApplication.styleHints().colorSchemeChanged.connect(self.refresh)

    @property
    def settings(self) -> Settings:
        return self._settings

    def use(self, settings: Settings) -> None:
        """Take the theme, accent and text size of these settings, at once."""
        self._settings = settings
        self.refresh()

    def refresh(self) -> None:
        """Work the theme out again and, where it differs, show it."""
        theme = self._made()
        if theme != self.theme:
            self.theme = theme
            self._show()
            self.changed.emit()

    def _made(self) -> Theme:
        dark = QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Dark
        colours, is_dark = colours_for(self._settings.theme, self._settings.accent, dark)
        font = QFont(self._base)
        font.setPointSizeF(self._base.pointSizeF() * self._settings.text_size / 100)
        return Theme(colours, is_dark, QFontInfo(font).pixelSize() / _BODY_PIXELS, font)

    def _show(self) -> None:
        if self.theme.font is not None:
            self._app.setFont(self.theme.font)
        self._app.setPalette(palette(self.theme.colours))
        self._app.setStyleSheet(style_sheet(vars(self.theme.colours), self.theme.unit))


def theme_source() -> ThemeSource:
    """The application's theme source; made with default settings where nobody has made one. Needs a QApplication."""
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        raise TypeError("a theme needs a QApplication")
    return app.findChild(ThemeSource) or ThemeSource(app)


def theme_of(widget: QWidget) -> Theme:
    """The theme a widget paints with. Connect to `theme_source().changed` to repaint after a switch."""
    return theme_source().theme


def palette(colours: Colours) -> QPalette:
    """Qt's roles for these colours, so that everything the style sheet does not name fits too."""
    result = QPalette()
    role = QPalette.ColorRole
    pairs = {
        role.Window: colours.canvas, role.WindowText: colours.text, role.Base: colours.surface,
        role.AlternateBase: colours.sunken, role.Text: colours.text, role.Button: colours.surface,
        role.ButtonText: colours.text, role.BrightText: colours.bad, role.PlaceholderText: colours.muted,
        role.Highlight: colours.accent, role.HighlightedText: colours.on_accent, role.Link: colours.accent,
        role.LinkVisited: colours.accent, role.ToolTipBase: colours.surface, role.ToolTipText: colours.text,
        role.Light: colours.surface, role.Midlight: colours.line, role.Mid: colours.line, role.Dark: colours.line,
        role.Shadow: colours.line, role.Accent: colours.accent,
    }  # fmt: skip
    for each, value in pairs.items():
        result.setColor(each, QColor(value))
    for each in (role.Text, role.WindowText, role.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, each, QColor(colours.muted))
    return result
