"""What `alcove recommend` shows: the picks for every use, or for one use the ranked list with its reasons."""

from collections.abc import Iterable, Iterator, Sequence

from app import format, words
from app.cli.terminal import Terminal
from app.protocol import CPU, Advice, MemoryUse, Range, Reason, Suggestion, Value

_OVERVIEW = ("use", "pick", "model", "quantization", "where", "rate", "download")
_RANKED = ("model", "quantization", "context", "where", "needs", "rate", "first_word", "download", "disk_left", "pick")


def show_overview(terminal: Terminal, advice: Sequence[Advice]) -> None:
    """A table of the picks for each use, then what could not be served."""
    _show_assumptions(terminal, advice[0])
    rows = [row for one in advice for row in _pick_rows(terminal, one)]
    if rows:
        terminal.table([_head(terminal, name) for name in _OVERVIEW], rows)
    for one in advice:
        if one.nothing is not None:
            terminal.write(f"{_use(terminal, one)}: {_reason(terminal, one.nothing)}")
    _show_reasons(
        terminal, "advice_unlock", dict.fromkeys(_reason(terminal, why) for one in advice for why in one.unlock)
    )
    terminal.write(terminal.words("advice_more"))


def _unlocked(advice: Sequence[Advice]) -> Iterable[Reason]:
    """What is unlocked for any use: each model by each kind of change once, by the smallest."""
    found: dict[tuple[str, Value], Reason] = {}
    for reason in sorted((why for one in advice for why in one.unlock), key=lambda why: why.values.get("size", 0)):
        found.setdefault((reason.code, reason.values["model"]), reason)
    return found.values()


def show_advice(terminal: Terminal, advice: Advice) -> None:
    """Everything about one use."""
    _show_assumptions(terminal, advice)
    if advice.nothing is not None:
        terminal.write(_reason(terminal, advice.nothing))
    if advice.ranked:
        rows = [_ranked_row(terminal, advice, suggestion) for suggestion in advice.ranked]
        terminal.table([_head(terminal, name) for name in _RANKED], rows)
        said = [f"{one.name}: {_reasons(terminal, one.reasons)}" for one in advice.ranked]
        _show_reasons(terminal, "advice_reasons", said)
    disappointing = [f"{one.name}: {_reason(terminal, one.reason)}" for one in advice.not_worth]
    _show_reasons(terminal, "advice_not_worth", disappointing)
    _show_reasons(terminal, "advice_unlock", [_reason(terminal, why) for why in advice.unlock])


def _show_assumptions(terminal: Terminal, advice: Advice) -> None:
    if advice.assumptions:
        terminal.write(terminal.words("advice_assumed", said=_reasons(terminal, advice.assumptions)) + "\n")


def _show_reasons(terminal: Terminal, title: str, sentences: Iterable[str]) -> None:
    lines = list(sentences)
    if lines:
        terminal.write("\n".join(["", terminal.words(title), *(f"  • {line}" for line in lines)]))


def _pick_rows(terminal: Terminal, advice: Advice) -> Iterator[tuple[str, ...]]:
    """A row for each model among the picks, with all the names it was picked under."""
    picked = [one for one in (advice.balanced, advice.fast, advice.best) if one is not None]
    for place, (name, suggestion) in enumerate({one.model: one for one in picked}.items()):
        yield (
            _use(terminal, advice) if place == 0 else "",
            _picked_as(terminal, advice, name),
            suggestion.name,
            suggestion.quantization,
            _where(terminal, suggestion),
            _rate(suggestion),
            format.download_size(suggestion.download_bytes),
        )


def _ranked_row(terminal: Terminal, advice: Advice, suggestion: Suggestion) -> tuple[str, ...]:
    left = suggestion.disk_left
    prediction = suggestion.plan.prediction
    return (
        suggestion.name,
        suggestion.quantization,
        format.count(suggestion.plan.context_length),
        _where(terminal, suggestion),
        " + ".join(_part(use) for use in suggestion.plan.memory if use.total),
        _rate(suggestion),
        "" if prediction is None else format.seconds(prediction.ttft_s.expected, terminal.language),
        format.download_size(suggestion.download_bytes),
        "" if left is None else f"{'-' if left < 0 else ''}{format.download_size(abs(left))}",
        _picked_as(terminal, advice, suggestion.model),
    )


def _picked_as(terminal: Terminal, advice: Advice, model: str) -> str:
    picks = {"balanced": advice.balanced, "fast": advice.fast, "best": advice.best}
    names = [name for name, one in picks.items() if one is not None and one.model == model]
    return ", ".join(terminal.words(f"pick_{name}") for name in names)


def _part(use: MemoryUse) -> str:
    return f"{'RAM' if use.device == CPU else use.device} {format.memory_size(use.total)}"


def _rate(suggestion: Suggestion) -> str:
    prediction = suggestion.plan.prediction
    return "?" if prediction is None else _range(prediction.decode)


def _range(rate: Range) -> str:
    return f"{rate.low:.0f}–{rate.high:.0f}"


def _where(terminal: Terminal, suggestion: Suggestion) -> str:
    return terminal.words(f"place_{suggestion.plan.verdict.value}")


def _use(terminal: Terminal, advice: Advice) -> str:
    return terminal.words(f"use_{advice.use.value.replace('-', '_')}")


def _head(terminal: Terminal, name: str) -> str:
    return terminal.words({"model": "head_id"}.get(name, f"head_{name}"))


def _reasons(terminal: Terminal, reasons: Sequence[Reason]) -> str:
    return ("" if terminal.language == "zh" else " ").join(_reason(terminal, reason) for reason in reasons)


def _reason(terminal: Terminal, reason: Reason) -> str:
    return words.text("reason", reason.code, reason.values, terminal.language)
