"""Expected faults: an `AppError` carries a code and values, is worded by `app.words`, crosses borders as `ErrorInfo`.

Bugs are not AppErrors: they keep their own type and their traceback goes to the log.
"""

from app.protocol import ErrorInfo, Value
from app.words import error_words


class AppError(Exception):
    """A fault of the environment or the request, told kindly. `code` names a table of resources/words/*.toml."""

    def __init__(self, code: str, **values: Value) -> None:
        self.code = code
        self.values: dict[str, Value] = values
        super().__init__(f"{self.title} {self.message}")

    @property
    def title(self) -> str:
        return error_words(self.code, self.values).title

    @property
    def message(self) -> str:
        return error_words(self.code, self.values).message

    @property
    def hint(self) -> str:
        """What the person can do about it; may be empty."""
        return error_words(self.code, self.values).hint

    @property
    def info(self) -> ErrorInfo:
        return ErrorInfo(code=self.code, values=self.values)

    @classmethod
    def from_info(cls, info: ErrorInfo) -> "AppError":
        """The same error, raised again on the far side of a border."""
        return cls(info.code, **info.values)
