"""What can go wrong while setting up, said with what to do about it."""


class SetupError(Exception):
    """The set-up cannot go on: what is wrong, and what the reader can do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
