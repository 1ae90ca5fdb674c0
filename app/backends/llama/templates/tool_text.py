"""Tools for models whose template knows none: told in the system prompt, called and answered in plain text."""

import json
from collections.abc import Sequence
from typing import Any

from app.backends.llama.templates.request import Message

_INSTRUCTION = """You can call these functions, given one per line as JSON:
<tools>
{tools}
</tools>

To call a function, write exactly this, once for each call, and nothing after it:
<tool_call>
{{"name": <name of the function>, "arguments": <arguments as a JSON object>}}
</tool_call>
Results come back between <tool_response> and </tool_response>. Without need of a function, just answer."""


def write_tools_as_text(messages: Sequence[Message], tools: Sequence[dict[str, Any]]) -> list[Message]:
    """The messages with tools, calls and results as text. Arguments in `messages` are mappings."""
    written = _join_results([_as_text(message) for message in messages])
    if not tools:
        return written
    lines = "\n".join(_json(tool) for tool in tools)
    instruction = _INSTRUCTION.format(tools=lines)
    if written and written[0]["role"] == "system":
        first = {**written[0], "content": f"{written[0]['content']}\n\n{instruction}"}
        return [first, *written[1:]]
    return [{"role": "system", "content": instruction}, *written]


def _as_text(message: Message) -> Message:
    if message["role"] == "tool":
        return {"role": "user", "content": f"<tool_response>\n{message['content']}\n</tool_response>"}
    if "tool_calls" not in message:
        return message
    calls = [f"<tool_call>\n{_json(call['function'])}\n</tool_call>" for call in message["tool_calls"]]
    rest = {key: value for key, value in message.items() if key != "tool_calls"}
    return {**rest, "content": "\n".join(text for text in (message["content"], *calls) if text)}


def _join_results(messages: Sequence[Message]) -> list[Message]:
    """Results that follow each other are one message: roles have to take turns."""
    joined: list[Message] = []
    for message in messages:
        is_result = message["content"].startswith("<tool_response>") and message["role"] == "user"
        if is_result and joined and joined[-1]["role"] == "user" and joined[-1]["content"].endswith("</tool_response>"):
            joined[-1] = {**joined[-1], "content": f"{joined[-1]['content']}\n{message['content']}"}
        else:
            joined.append(message)
    return joined


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
