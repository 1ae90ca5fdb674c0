"""A llama-server to compare with: started on a free port of loopback, asked through its own streaming route."""

import asyncio
import json
import socket
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import httpx

from bench.workers import Answer, rate_between

PATIENCE_S = 120.0


class LlamaServer:
    """The server with one model and so many slots of a shared cache; ended at the end of the block."""

    def __init__(self, program: str, model: str, slots: int, context: int) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._command = [program, "-m", model, "-c", str(context), "-np", str(slots), "--kv-unified", "--no-webui"]
        self._command += ["--host", "127.0.0.1", "--port", str(port)]
        self._http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=None, trust_env=False)
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        quiet = asyncio.subprocess.DEVNULL
        self._process = await asyncio.create_subprocess_exec(*self._command, stdout=quiet, stderr=quiet)
        deadline = time.monotonic() + PATIENCE_S
        while not await self._is_ready():
            if self._process.returncode is not None or time.monotonic() > deadline:
                raise RuntimeError(f"llama-server did not start: {' '.join(self._command)}")
            await asyncio.sleep(0.1)
        await self._write(Answer(time.perf_counter()), "warm up", 8)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._http.aclose()
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def together_for(self, seconds: float, prompts: Sequence[str]) -> float:
        """Tokens a second of greedy answers to prompts given at once, while all are being written: for that long."""
        answers = [Answer(time.perf_counter()) for _ in prompts]
        tasks = [asyncio.create_task(self._write(*pair)) for pair in zip(answers, prompts, strict=True)]
        await asyncio.gather(*(one.begun_writing.wait() for one in answers))
        await asyncio.sleep(seconds)
        rate = rate_between(answers, max(one.first for one in answers), time.perf_counter())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return rate

    async def _write(self, answer: Answer, prompt: str, tokens: int = 4000) -> None:
        body = {"prompt": prompt, "n_predict": tokens, "stream": True, "temperature": 0.0, "ignore_eos": True}
        async with self._http.stream("POST", "/completion", json=body) as response:
            response.raise_for_status()
            async for line in response.aiter_lines():
                if line.startswith("data: ") and not json.loads(line[6:]).get("stop"):
                    answer.count(1)

    async def _is_ready(self) -> bool:
        try:
            return (await self._http.get("/health")).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False
