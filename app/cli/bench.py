"""`alcove bench`: measures a model through the engine as it is loaded, and says how far the prediction was off."""

from app import format, words
from app.cli.client import Client
from app.cli.terminal import Progress, Terminal
from app.protocol import BenchChanged, BenchEnded, BenchReport, BenchRequest, BenchRow, Event, Range


def bench(terminal: Terminal, request: BenchRequest, as_json: bool) -> None:
    """Measure, and show a table or JSON. Raises AppError."""
    with terminal.progress(terminal.words("bench_begins")) as progress:

        def show(event: Event) -> None:
            if isinstance(event, BenchChanged):
                _show_share(terminal, progress, event)

        with Client(terminal.paths, "command", show, terminal.other_version) as client:
            try:
                report = client.post("/api/bench", BenchReport, request)
            except KeyboardInterrupt:
                client.delete("/api/bench", BenchEnded)  # the backend lives on where others are there
                raise
    terminal.json(report) if as_json else show_report(terminal, report)


def show_report(terminal: Terminal, report: BenchReport) -> None:
    """What was measured, with its prediction beside it."""
    say, unknown = terminal.words, words.text("label", "unknown", {}, terminal.language)
    terminal.write(
        say(
            "bench_of",
            model=report.model,
            device=report.device or unknown,
            context=format.count(report.context_length),
            build=report.build or unknown,
        )
    )
    headings = [say(f"head_{name}") for name in ("speed_of", "depth", "tokens", "measured", "predicted", "off")]
    terminal.table(headings, (_row(terminal, row) for row in report.rows))


def _show_share(terminal: Terminal, progress: Progress, event: BenchChanged) -> None:
    progress.show(terminal.words("bench_share", model=event.model, share=f"{event.share:.0%}"))


def _row(terminal: Terminal, row: BenchRow) -> tuple[str, ...]:
    off = "" if row.predicted is None else f"{row.predicted.expected / row.measured.expected - 1:+.0%}"
    return (
        terminal.words(f"speed_{row.kind.value}"),
        format.count(row.depth),
        format.count(row.tokens),
        _speed(row.measured),
        "" if row.predicted is None else _speed(row.predicted),
        off,
    )


def _speed(speed: Range) -> str:
    """ "31.2 (29.8 - 33.0)", with fewer decimals for larger figures."""
    digits = 0 if speed.expected >= 100 else 1
    low, expected, high = (f"{value:,.{digits}f}" for value in (speed.low, speed.expected, speed.high))
    return f"{expected} ({low}–{high})"
