"""The pages of the window, by name."""

from enum import StrEnum


class Place(StrEnum):
    CHAT = "chat"
    MODELS = "models"
    COMPUTER = "computer"
    SERVER = "server"
    SETTINGS = "settings"

    @property
    def icon(self) -> str:
        """Name of the icon that stands for it."""
        return _ICONS[self]


_ICONS = {
    Place.CHAT: "message-square",
    Place.MODELS: "box",
    Place.COMPUTER: "cpu",
    Place.SERVER: "server",
    Place.SETTINGS: "settings",
}
