"""The worker's end of the template process: starts it, asks it for prompts, and ends it when it takes too long."""

import logging
import os
import subprocess
import threading
from collections.abc import Sequence

from app.backends.llama.frames import FrameError, FrameReader, encode
from app.backends.llama.templates.request import Render, Rendered
from app.errors import AppError
from app.launch import own_command
from app.paths import RESOURCES

RENDER_SECONDS = 2.0
START_SECONDS = 30.0
"""The first request also waits for the process to start, on however busy a machine."""

_log = logging.getLogger(__name__)


class TemplateRenderer:
    """A template process, started at once so that it is ready when the model is, and again after it was ended."""

    def __init__(self, command: Sequence[str] | None = None) -> None:
        self._command = command or own_command("template")
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False
        self.start()

    def start(self) -> None:
        """Start the process and do not wait for it."""
        self._ready = False
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=RESOURCES.parent,
            env=_bare_environment(),
        )

    def render(self, request: Render) -> str:
        """The prompt. Raises AppError("template_failed")."""
        process = self._process
        if process is None or process.poll() is not None:
            self.start()
        self.wait_ready()
        answer = self._ask(request, RENDER_SECONDS)
        if answer.error:
            raise AppError("template_failed", reason=answer.error)
        return answer.text

    def wait_ready(self) -> None:
        """Wait until the process has started. Raises AppError("template_failed") where it cannot."""
        if not self._ready:
            self._ask(Render(source=""), START_SECONDS)
            self._ready = True

    def close(self) -> None:
        if self._process is not None:
            _end(self._process)
            self._process = None

    def _ask(self, request: Render, limit_s: float) -> Rendered:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        timer = threading.Timer(limit_s, process.kill)
        timer.daemon = True
        timer.start()
        try:
            process.stdin.write(encode(request))
            process.stdin.flush()
            return _read_answer(process)
        except (OSError, EOFError, FrameError) as error:
            self.close()
            _log.warning("template process ended: %s", error)
            raise AppError("template_failed", reason="template_takes_too_much") from error
        finally:
            timer.cancel()


def _read_answer(process: subprocess.Popen[bytes]) -> Rendered:
    assert process.stdout is not None
    reader: FrameReader[Rendered] = FrameReader(Rendered)
    while chunk := os.read(process.stdout.fileno(), 1 << 16):
        if answers := reader.feed(chunk):
            return answers[0]
    raise EOFError("it closed its output")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            try:
                stream.close()
            except OSError:
                _log.debug("unsent request dropped")
    process.wait()


def _bare_environment() -> dict[str, str]:
    """Nothing of the person's environment but what Python needs to start."""
    kept = ("PATH", "PYTHONPATH", "PYTHONHOME", "SYSTEMROOT", "TZ", "LANG", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"PYTHONUTF8": "1"}
