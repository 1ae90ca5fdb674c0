"""Widgets that more than one page uses."""

from app.ui.widgets.choice import Choice
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.empty_state import EmptyState
from app.ui.widgets.error_card import ErrorCard
from app.ui.widgets.focus_ring import FocusRing
from app.ui.widgets.icon_button import Button, IconButton
from app.ui.widgets.number_field import NumberField
from app.ui.widgets.numbers import Limits
from app.ui.widgets.option_row import OptionRow
from app.ui.widgets.page import Card, FieldRow, Page, section_title
from app.ui.widgets.pill import Badge, Pill
from app.ui.widgets.ring import Ring
from app.ui.widgets.switch import Switch
from app.ui.widgets.text_area import TextArea
from app.ui.widgets.themed import Label, follow_theme, set_role
from app.ui.widgets.toast import Toast, show_toast

__all__ = [
    "Badge",
    "Button",
    "Card",
    "Choice",
    "ElidedLabel",
    "EmptyState",
    "ErrorCard",
    "FieldRow",
    "FocusRing",
    "IconButton",
    "Label",
    "Limits",
    "NumberField",
    "OptionRow",
    "Page",
    "Pill",
    "Ring",
    "Switch",
    "TextArea",
    "Toast",
    "follow_theme",
    "section_title",
    "set_role",
    "show_toast",
]
