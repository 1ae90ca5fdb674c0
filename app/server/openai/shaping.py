"""What shape the answer shall have: response_format, tools and the choice among them, a predicted text."""

import re
from typing import Literal

import msgspec

from app.protocol import FormatKind, OutputFormat, ToolChoice, ToolSpec
from app.server.openai.body import FormatBody, NamedTool, PredictionBody, ToolBody
from app.server.openai.errors import BadParam
from app.server.openai.turns import text_of

MOST_TOOLS = 128

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def format_of(asked: FormatBody | None) -> OutputFormat:
    """The output format. Raises BadParam; whether a schema can be kept to the engine says."""
    if asked is None or asked.type == "text":
        return OutputFormat()
    if asked.type == "json_object":
        return OutputFormat(kind=FormatKind.JSON)
    if asked.type != "json_schema":
        raise BadParam("response_format.type", f"'{asked.type[:40]}' is no type of 'response_format'.")
    if asked.json_schema is None or asked.json_schema.schema is None:
        raise BadParam("response_format.json_schema", "'response_format.json_schema.schema' is missing.")
    return OutputFormat(kind=FormatKind.JSON_SCHEMA, source=msgspec.json.encode(asked.json_schema.schema).decode())


def tools_of(asked: list[ToolBody] | None) -> tuple[ToolSpec, ...]:
    """The functions the model may call. Raises BadParam."""
    if asked is not None and len(asked) > MOST_TOOLS:
        raise BadParam("tools", f"'tools' has at most {MOST_TOOLS} entries.")
    specs = tuple(_spec(tool, f"tools[{index}]") for index, tool in enumerate(asked or ()))
    if len({spec.name for spec in specs}) < len(specs):
        raise BadParam("tools", "Two tools have the same name.")
    return specs


def choice_of(
    asked: Literal["none", "auto", "required"] | NamedTool | None, tools: tuple[ToolSpec, ...]
) -> tuple[ToolChoice, str]:
    """Whether a tool must be called, and which one. Raises BadParam."""
    if asked is None:
        return ToolChoice.AUTO, ""
    if not isinstance(asked, NamedTool):
        if asked == "required" and not tools:
            raise BadParam("tool_choice", "'tool_choice' is 'required', and there are no 'tools'.")
        return ToolChoice(asked), ""
    name = asked.function.name if asked.function is not None else ""
    if asked.type != "function" or name not in {tool.name for tool in tools}:
        raise BadParam("tool_choice", f"'tool_choice' names no tool of this request: '{name[:64]}'.")
    return ToolChoice.REQUIRED, name


def prediction_of(asked: PredictionBody | None) -> str:
    """The text the answer is expected to resemble. Raises BadParam."""
    if asked is None:
        return ""
    if asked.type != "content":
        raise BadParam("prediction.type", f"'{asked.type[:40]}' is no type of 'prediction'.")
    return text_of(asked.content, "prediction.content")


def _spec(tool: ToolBody, at: str) -> ToolSpec:
    if tool.type != "function" or tool.function is None:
        raise BadParam(f"{at}.type", "Only tools of the type 'function' are supported.")
    function = tool.function
    if not _NAME.fullmatch(function.name):
        raise BadParam(f"{at}.function.name", "A function's name has 1 to 64 letters, digits, '_' and '-'.")
    return ToolSpec(name=function.name, description=function.description or "", parameters=function.parameters or {})
