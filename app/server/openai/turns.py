"""The messages of a request as turns: text, calls of tools and their results."""

import msgspec

from app.protocol import ChatTurn, Role, ToolCall
from app.server.openai.body import CallBody, Part, TurnBody
from app.server.openai.errors import BadParam

_ROLES = {"developer": Role.SYSTEM} | {str(role): role for role in Role}


def turns_of(messages: list[TurnBody]) -> tuple[ChatTurn, ...]:
    """The turns. Raises BadParam naming the place of what cannot be served."""
    if not messages:
        raise BadParam("messages", "'messages' needs at least one message.")
    turns: list[ChatTurn] = []
    for index, message in enumerate(messages):
        turns.append(_turn(message, f"messages[{index}]", turns))
    return tuple(turns)


def text_of(content: str | list[Part] | None, at: str) -> str:
    """A text, or text parts joined. Raises BadParam for parts of another kind."""
    if content is None or isinstance(content, str):
        return content or ""
    texts = []
    for index, part in enumerate(content):
        text = {"text": part.text, "refusal": part.refusal}.get(part.type)
        if text is None:
            raise BadParam(f"{at}[{index}]", f"Content of type '{part.type[:40]}' is not supported yet.")
        texts.append(text)
    return "\n".join(texts)


def _turn(message: TurnBody, at: str, before: list[ChatTurn]) -> ChatTurn:
    role = _ROLES.get(message.role)
    if role is None:
        raise BadParam(f"{at}.role", f"'{message.role[:40]}' is no role of a message.")
    if message.function_call:
        raise BadParam(f"{at}.function_call", "'function_call' is not supported; use 'tool_calls'.")
    if message.tool_calls and role is not Role.ASSISTANT:
        raise BadParam(f"{at}.tool_calls", "Only messages of the assistant have 'tool_calls'.")
    if message.content is None and role is not Role.ASSISTANT:
        raise BadParam(f"{at}.content", "'content' is a string or a list of text parts.")
    calls = tuple(_call(call, f"{at}.tool_calls[{index}]") for index, call in enumerate(message.tool_calls or ()))
    return ChatTurn(
        role=role,
        content=text_of(message.content, f"{at}.content"),
        thinking=message.reasoning_content or "",
        tool_calls=calls,
        tool_call_id=_answered(message, at) if role is Role.TOOL else "",
        name=_tool_name(message, before) if role is Role.TOOL else "",
    )


def _call(call: CallBody, at: str) -> ToolCall:
    if call.type != "function":
        raise BadParam(f"{at}.type", f"A call of type '{call.type[:40]}' is not supported.")
    try:
        msgspec.json.decode(call.function.arguments or "{}", type=dict[str, object])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadParam(f"{at}.function.arguments", "'arguments' is the text of a JSON object.") from error
    return ToolCall(id=call.id, name=call.function.name, arguments=call.function.arguments or "{}")


def _answered(message: TurnBody, at: str) -> str:
    if not message.tool_call_id:
        raise BadParam(f"{at}.tool_call_id", "A message of a tool needs its 'tool_call_id'.")
    return message.tool_call_id


def _tool_name(message: TurnBody, before: list[ChatTurn]) -> str:
    """The tool whose result this is, by its call; else as the message says."""
    calls = (call for turn in reversed(before) for call in turn.tool_calls)
    return next((call.name for call in calls if call.id == message.tool_call_id), message.name or "")
