"""Numbers as a person types them: read within limits, and written as short as they are."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What a number may be, both ends included; `whole` ones have no decimals."""

    least: float
    most: float
    step: float = 1.0
    """What the arrow keys add."""
    whole: bool = False

    def read(self, text: str) -> int | float | None:
        """The number; None for an empty text. Raises ValueError for what is none, or lies outside."""
        text = text.strip().replace(",", ".").replace("−", "-")
        if not text:
            return None
        number = int(text) if self.whole else float(text)
        if not self.least <= number <= self.most:
            raise ValueError(text)
        return number

    def stepped(self, number: float, steps: int) -> int | float:
        """The number so many steps further, kept within the limits."""
        moved = min(max(number + steps * self.step, self.least), self.most)
        return round(moved) if self.whole else round(moved, 6)


def shown(number: float | None) -> str:
    """The number as it stands in a field; empty for None."""
    if number is None:
        return ""
    return str(number) if isinstance(number, int) else f"{number:.6g}"
