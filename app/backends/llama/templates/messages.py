"""Turns as messages in the shape chat templates know, with everything written in them hidden behind a veil."""

import json
from collections.abc import Sequence
from typing import Any

from app.backends.llama.templates.request import Message
from app.backends.llama.templates.veil import Veil
from app.protocol import ChatTurn, Role, ToolCall, ToolSpec


def tool_dicts(tools: Sequence[ToolSpec], veil: Veil) -> tuple[dict[str, Any], ...]:
    """Tools in OpenAI's shape, which all templates take."""
    return tuple(
        {
            "type": "function",
            "function": {
                "name": veil.hide(tool.name),
                "description": veil.hide(tool.description),
                "parameters": veil.hide_deep({"type": "object", "properties": {}, **tool.parameters}),
            },
        }
        for tool in tools
    )


class MessageWriter:
    """Writes turns as messages. `arguments_as_text`: the template takes the arguments of calls as JSON text.

    `named_ids`: it writes the id in place of the name, so that ids have to be made of names.
    """

    def __init__(self, veil: Veil, *, arguments_as_text: bool, named_ids: bool = False) -> None:
        self._veil = veil
        self._named_ids = named_ids
        self._ids: dict[str, str] = {}
        """What stands for an id, where that is another."""
        self._arguments_as_text = arguments_as_text
        self._tool_names: dict[str, str] = {}
        """Name of the tool by the id of its call, for results that do not say it."""

    def write(self, turns: Sequence[ChatTurn]) -> list[Message]:
        return [self._message(turn) for turn in turns]

    def _message(self, turn: ChatTurn) -> Message:
        hide = self._veil.hide
        message: Message = {"role": turn.role.value, "content": self.content(turn)}
        if turn.thinking:
            message["reasoning_content"] = message["thinking"] = hide(turn.thinking)
        if turn.tool_calls:
            message["tool_calls"] = [self._call(call) for call in turn.tool_calls]
        if turn.role is Role.TOOL:
            message["tool_call_id"] = hide(self._ids.get(turn.tool_call_id, turn.tool_call_id))
            message["name"] = hide(turn.name or self._tool_names.get(turn.tool_call_id, ""))
        return message

    def content(self, turn: ChatTurn) -> str:
        """The hidden text of a turn, with stand-ins where its pictures are."""
        parts, start = [], 0
        for image in sorted(turn.images, key=lambda image: image.at):
            at = max(start, min(image.at, len(turn.content)))
            parts += [self._veil.hide(turn.content[start:at]), self._veil.picture(image.data)]
            start = at
        return "".join([*parts, self._veil.hide(turn.content[start:])])

    def _call(self, call: ToolCall) -> dict[str, Any]:
        self._tool_names[call.id] = call.name
        arguments = self._veil.hide(call.arguments) if self._arguments_as_text else self.arguments(call)
        function = {"name": self._veil.hide(call.name), "arguments": arguments}
        if self._named_ids:
            self._ids[call.id] = f"functions.{call.name}:{len(self._ids)}"
        call_id = self._veil.hide(self._ids.get(call.id, call.id))
        return {"id": call_id, "type": "function", "function": function}

    def arguments(self, call: ToolCall) -> Any:
        """The arguments as a mapping; what is no JSON object comes as text under one key, so that nothing is lost."""
        try:
            value = json.loads(call.arguments or "{}")
        except (ValueError, RecursionError):
            value = None
        return self._veil.hide_deep(value if isinstance(value, dict) else {"arguments": call.arguments})
