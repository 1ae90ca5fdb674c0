"""The pages of the window, by name."""

from enum import StrEnum


class Place(StrEnum):
    CHAT = "chat"
    MODELS = "models"
    COMPUTER = "computer"
    SERVER = "server"
    SETTINGS = "settings"
