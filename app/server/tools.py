"""The built-in tools a model may call: they look, they reckon, they change nothing."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from app.errors import AppError
from app.protocol import ModelState, ToolCall, ToolSpec
from app.server.calculator import calculate
from app.server.endpoint import told
from app.server.engines import Engines
from app.server.prompts import NOT_RUN
from app.server.shelf import Shelf

RUN_S = 20.0
"""How long a tool may take."""
LONGEST = 8000
"""Characters of a result; the rest is cut off."""
_GIB = 1024**3
_NOTHING: dict[str, Any] = {"type": "object", "properties": {}}
_EXPRESSION: dict[str, Any] = {
    "type": "object",
    "properties": {"expression": {"type": "string", "description": "such as 2 * (3 + 4) ** 0.5"}},
    "required": ["expression"],
}

Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Tool:
    spec: ToolSpec
    run: Callable[[Arguments], Awaitable[object]]
    """Makes something JSON can say. Raises ValueError for arguments that cannot be meant."""


class Tools:
    """Those this backend has. The starter model knows the first three by these names and answers."""

    def __init__(self, shelf: Shelf, engines: Engines) -> None:
        self._shelf = shelf
        self._engines = engines
        self._tools = {
            tool.spec.name: tool
            for tool in (
                _tool("get_time", "The current date and time", self._time),
                _tool("get_hardware", "The machine's CPU, memory and GPU", self._hardware),
                _tool("list_models", "Models in the library", self._models),
                _tool("calculate", "The value of an arithmetic expression", self._calculate, _EXPRESSION),
            )
        }

    @property
    def specs(self) -> list[ToolSpec]:
        return [tool.spec for tool in self._tools.values()]

    def offered(self, names: tuple[str, ...]) -> list[ToolSpec]:
        """The tools of these names; names of tools there are none of are passed over."""
        return [spec for spec in self.specs if spec.name in names]

    def needs_consent(self, call: ToolCall, allowed: tuple[str, ...]) -> bool:
        """Whether somebody has to be asked before that call runs. One of a tool there is not runs nothing."""
        return call.name in self._tools and call.name not in allowed

    async def results(self, calls: tuple[ToolCall, ...], may_run: Callable[[ToolCall], bool]) -> list[tuple[str, str]]:
        """What each call brings, (call id, text), in their order; a refused or impossible one brings a sentence."""
        texts = await asyncio.gather(*(self._result(call) if may_run(call) else _refused() for call in calls))
        return [(call.id, text) for call, text in zip(calls, texts, strict=True)]

    async def _result(self, call: ToolCall) -> str:
        tool = self._tools.get(call.name)
        if tool is None:
            return _fault(f"there is no tool called {call.name[:60]!r}; there are {', '.join(self._tools)}")
        try:
            async with asyncio.timeout(RUN_S):
                return _said(await tool.run(_arguments(call)))
        except ValueError as error:
            return _fault(str(error))
        except TimeoutError:
            return _fault("it took too long")
        except AppError as error:
            return _fault(error.message)
        except Exception as error:  # noqa: BLE001 (the edge of a tool: the answer goes on)
            return _fault(told(error, f"the tool {call.name}").message)

    async def _time(self, _: Arguments) -> object:
        return {"time": datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")}

    async def _hardware(self, _: Arguments) -> object:
        machine = await self._shelf.machine()
        card = max(machine.devices, key=lambda device: device.memory_total or 0, default=None)
        return {
            "gpu": "none" if card is None else card.name,
            "vram_gib": _gib(card.memory_total) if card is not None else None,  # of no card not even 0: it is read out
            "ram_gib": _gib(machine.ram_total),
        }

    async def _models(self, _: Arguments) -> object:
        usable = [entry.id for entry in await self._engines.entries() if entry.state is not ModelState.BROKEN]
        return {"models": usable}

    async def _calculate(self, arguments: Arguments) -> object:
        expression = arguments.get("expression")
        if not isinstance(expression, str):
            raise ValueError("expression is a text")  # noqa: TRY004 (the model's argument, not ours)
        return {"result": calculate(expression)}


def _tool(
    name: str,
    description: str,
    run: Callable[[Arguments], Awaitable[object]],
    parameters: dict[str, Any] = _NOTHING,
) -> Tool:
    return Tool(ToolSpec(name=name, description=description, parameters=parameters), run)


def _arguments(call: ToolCall) -> Arguments:
    """The arguments as the model wrote them. Raises ValueError for what is no JSON object."""
    try:
        return msgspec.json.decode(call.arguments.strip() or "{}", type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(f"the arguments are no JSON object: {error}") from error


def _said(result: object) -> str:
    text = json.dumps(result, ensure_ascii=False)
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def _fault(reason: str) -> str:
    return _said({"error": reason})


async def _refused() -> str:
    return NOT_RUN


def _gib(size: int | None) -> int | None:
    return None if size is None else round(size / _GIB)
