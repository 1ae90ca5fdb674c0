"""What the command line writes: harmless, in the person's language, and complete as JSON."""

import io
import json
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from app.cli.chat import AnswerWriter
from app.cli.reports import show_checks, show_loaded, show_machine, show_model, show_models
from app.cli.serve import address
from app.cli.terminal import Progress, Terminal, has_display, piped_input, printable
from app.errors import AppError
from app.format import Language
from app.paths import Paths
from app.protocol import (
    AnswerDelta,
    AnswerEvent,
    AnswerPrefill,
    AnswerSnapshot,
    Check,
    CheckState,
    DeltaKind,
    Device,
    Disk,
    Machine,
    Message,
    ModelEntry,
    ModelState,
    PortState,
    Role,
    Value,
)

GIB = 1024**3
LOADED = ModelEntry(
    id="m", name="M [bold]", path="/m", size=GIB, parameters=8_000_000_000, context_length=8192, loaded_context=4096,
    device="CPU", state=ModelState.LOADED,
)  # fmt: skip


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(Paths(tmp_path, tmp_path, tmp_path), "en")


def test_escape_sequences_do_not_reach_a_terminal(terminal: Terminal) -> None:
    with redirect_stdout(Screen()) as screen:
        terminal.write("a\x1b]0;title\x07b\x9b31m\r\n\tc\x7f")
    assert screen.getvalue() == "a]0;titleb31m\n\tc\n"
    assert printable("显存 🙂\n") == "显存 🙂\n"


def test_a_pipe_gets_every_byte(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.write("a\x1b[31m", end="")
    terminal.write_dimmed("left out")
    assert capsys.readouterr().out == "a\x1b[31m"


def test_thinking_is_dimmed(terminal: Terminal) -> None:
    with redirect_stdout(Screen()) as screen:
        terminal.write_dimmed("hm\x1b[0m")
    assert screen.getvalue() == "\x1b[2mhm[0m\x1b[0m"


@pytest.mark.parametrize(("language", "title"), [("en", "This model is not here"), ("zh", "这里没有这个模型")])
def test_errors_go_to_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], language: Language, title: str
) -> None:
    Terminal(Paths(tmp_path, tmp_path, tmp_path), language).error(AppError("model_not_found", model="x\x1b[2J"))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "\x1b" not in captured.err
    assert len(captured.err.splitlines()) == 3
    if language == "en":
        assert captured.err.startswith(title)


def test_json_has_every_field(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.json([ModelEntry(id="a", name="A", path="/a", size=1)])
    (entry,) = json.loads(capsys.readouterr().out)
    assert set(entry) == set(ModelEntry.__struct_fields__)
    assert (entry["state"], entry["builtin"], entry["parameters"]) == ("available", False, None)


def test_damaged_settings_do_not_silence_the_terminal(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    (home / "settings.json").write_text("{")
    assert Terminal.current().language == "zh"
    (home / "settings.json").write_text('{"language": "en"}')
    assert Terminal.current().language == "en"


def test_displays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert not has_display()
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert has_display()
    monkeypatch.delenv("WAYLAND_DISPLAY")
    monkeypatch.setattr("sys.platform", "darwin")
    assert has_display()


def test_piped_input() -> None:
    assert piped_input(io.StringIO("text")) == "text"
    assert piped_input(Screen("typed")) == ""
    assert piped_input(None) == ""


# ---------------------------------------------------------------- reports


def test_reports_say_what_is_known(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    show_models(terminal, [LOADED])
    show_model(terminal, LOADED)
    show_loaded(terminal, [LOADED])
    said = capsys.readouterr().out
    for part in ("M [bold]", "8B", "8,192", "4,096", "1.0 GiB", "CPU", "loaded"):
        assert part in said


def test_loading_shows_how_far_it_is(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    show_models(terminal, [ModelEntry(id="m", name="M", path="", size=1, state=ModelState.LOADING, progress=0.25)])
    assert "loading 25%" in capsys.readouterr().out


def test_what_is_unknown_is_said_to_be(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    show_machine(terminal, Machine(os="Linux", devices=(Device(name="Card", backend="CUDA", memory_total=24 * GIB),)))
    said = capsys.readouterr().out
    assert "unknown / unknown" in said
    assert "Card (CUDA), unknown / 24.0 GiB" in said


def test_what_is_known_of_a_machine_is_all_said(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    card = Device(
        name="Card", kind="discrete", backend="CUDA", engine_name="CUDA0", vendor="nvidia", architecture="8.9",
        memory_total=24 * GIB, memory_free=20 * GIB, memory_used_by_others=3 * GIB, bandwidth=1008e9, compute=82.6e12,
        pci_id="0000:01:00.0", driver="550.1",
    )  # fmt: skip
    idle = Device(name="Idle", kind="integrated", memory_total=8 * GIB, memory_shared=7 * GIB)
    machine = Machine(
        os="Linux", cpu_name="Chip", physical_cores=14, performance_cores=6, logical_cores=20, cpu_features=("avx2",),
        cache_l3=32 * 1024**2, ram_total=32 * GIB, ram_available=16 * GIB, ram_bandwidth=51.2e9, container="docker",
        disk_free=9 * GIB, disks=(Disk(path="/m", kind="hdd"),), devices=(card, idle),
    )  # fmt: skip
    show_machine(terminal, machine)
    said = " ".join(capsys.readouterr().out.split())
    for part in (
        *("Chip", "14 / 20, 6 of them fast", "avx2", "32 MiB", "51 GB/s", "docker", "hard disk", "1,008 GB/s"),
        *("82.6 TFLOPS", "3.0 GiB taken by other programs", "8.9", "0000:01:00.0", "driver 550.1", "memory of its own"),
        *("not used, see alcove doctor", "part of the processor", "7.0 GiB shared with the computer"),
    ):
        assert part in said


def test_checks_have_marks(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    states = zip(("python", "display_missing", "starter_missing"), CheckState, strict=True)
    values: dict[str, dict[str, Value]] = {"python": {"version": "3"}, "starter_missing": {"path": "/s"}}
    show_checks(terminal, [Check(code=code, state=state, values=values.get(code, {})) for code, state in states])
    assert [line[0] for line in capsys.readouterr().out.splitlines()] == ["✓", "!", "✗"]


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8484/v1"),
        ("0.0.0.0", "http://127.0.0.1:8484/v1"),
        ("::", "http://[::1]:8484/v1"),
        ("::1", "http://[::1]:8484/v1"),
        ("my-host", "http://my-host:8484/v1"),
    ],
)
def test_addresses(host: str, url: str) -> None:
    assert address(PortState(host=host, port=8484)) == url


# ---------------------------------------------------------------- answers


def answer(text: str = "", thinking: str = "") -> Message:
    return Message(id=2, conversation_id=1, role=Role.ASSISTANT, text=text, thinking=thinking, created=0.0)


EVENTS: list[AnswerEvent] = [
    AnswerSnapshot(message=answer("One ", "so")),
    AnswerPrefill(done=1, total=2),
    AnswerDelta(text=" far", kind=DeltaKind.THINKING),
    AnswerDelta(text="two "),
]


def test_an_answer_is_written_once(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    writer = AnswerWriter(terminal, Progress(), stream=True)
    for event in EVENTS:
        writer.take(event)
    writer.finish(answer("One two three"))
    assert capsys.readouterr().out == "One two three"


def test_without_streaming_all_comes_at_the_end(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    writer = AnswerWriter(terminal, Progress(), stream=False)
    for event in EVENTS:
        writer.take(event)
    assert capsys.readouterr().out == ""
    writer.finish(answer("One two three"))
    assert capsys.readouterr().out == "One two three"


def test_thinking_stands_apart_on_a_terminal(terminal: Terminal) -> None:
    writer = AnswerWriter(terminal, Progress(), stream=True)
    with redirect_stdout(Screen()) as screen:
        writer.take(AnswerDelta(text="hm", kind=DeltaKind.THINKING))
        writer.take(AnswerDelta(text="Yes."))
        writer.finish(answer("Yes.", "hm"))
    assert screen.getvalue() == "\x1b[2mhm\x1b[0m\x1b[2m\n\n\x1b[0mYes."
