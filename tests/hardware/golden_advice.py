"""The advice for every recorded machine as text to be read; `python -m tests.hardware.golden_advice` writes it."""

from collections.abc import Iterator
from pathlib import Path

from app.hardware.needs import EASY, SMOOTH
from app.hardware.recommend import advise_all
from app.models.catalogue import bundled_catalogue
from app.protocol import Advice, Machine, Reason, Suggestion, Use
from app.words import text
from tests.hardware.machines import machines

FOLDER = Path(__file__).parent / "advice"
GIB = 1024**3


def told(machine: Machine) -> str:
    """All advice for that machine, without the digits that every better estimate of a speed changes."""
    return "\n".join(line for advice in advise_all(tuple(Use), machine, bundled_catalogue()) for line in _lines(advice))


def _lines(advice: Advice) -> Iterator[str]:
    picks = {"balanced": advice.balanced, "fast": advice.fast, "best": advice.best}
    yield f"[{advice.use}]"
    for suggestion in advice.ranked:
        names = [name for name, pick in picks.items() if pick is not None and pick.model == suggestion.model]
        yield f"  {_suggestion(suggestion)}{'  <- ' + ', '.join(names) if names else ''}"
    if advice.nothing is not None:
        yield f"  nothing: {_code(advice.nothing)}"
    for avoided in advice.not_worth:
        yield f"  not {avoided.name}: {_code(avoided.reason)}"
    for reason in advice.unlock:
        yield f"  unlock: {_code(reason)}"


def _suggestion(suggestion: Suggestion) -> str:
    plan = suggestion.plan
    memory = " + ".join(f"{use.device} {use.total / GIB:.0f}" for use in plan.memory if use.total > GIB / 2)
    pace = "unknown" if plan.prediction is None else _pace(plan.prediction.decode.expected)
    reasons = " ".join(reason.code for reason in suggestion.reasons)
    return (
        f"{suggestion.name} {suggestion.quantization} {plan.verdict} {plan.context_length} {memory} {pace} ({reasons})"
    )


def _pace(rate: float) -> str:
    return "easy" if rate >= EASY else "smooth" if rate >= SMOOTH else "slow"


def _code(reason: Reason) -> str:
    """The code with what does not change with every better estimate; that it can be said in both languages is tried."""
    assert text("reason", reason.code, reason.values, "en")
    assert text("reason", reason.code, reason.values, "zh")
    kept = (value for name, value in reason.values.items() if name in ("model", "size", "successor", "device"))
    return " ".join([reason.code, *map(str, kept)])


def main() -> None:
    """Write what is advised now; read the difference before it is committed."""
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.txt"):
        old.unlink()
    for name, machine in machines().items():
        (FOLDER / f"{name}.txt").write_text(told(machine) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
