"""Answers as each family writes them, and how tests read them."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from app.backends.llama.output.families import Family
from app.backends.llama.output.parser import OutputParser
from app.backends.llama.output.parts import CallPart, OutputPart, TextPart, ThinkingPart
from app.backends.llama.output.syntax import FAMILIES, FamilySyntax
from app.protocol import ToolSpec

SYNTAX = {syntax.name: syntax for syntax in FAMILIES}

WEATHER = ToolSpec(
    name="get_weather",
    description="The weather of a place",
    parameters={
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "days": {"type": "integer"},
            "exact": {"type": "boolean"},
        },
        "required": ["city"],
    },
)
CLOCK = ToolSpec(name="get_time", description="The time", parameters={"type": "object", "properties": {}})
TOOLS = (WEATHER, CLOCK)

Call = tuple[str, Any]
"""Name and arguments; arguments that are no JSON are text."""
Read = tuple[str, str, list[Call]]
"""Thinking, text and calls of an answer."""


def family(name: str) -> Family:
    syntax: FamilySyntax = SYNTAX[name]
    return Family(syntax, syntax.thinking)


def parts_of(parser: OutputParser, chunks: Iterable[str]) -> list[OutputPart]:
    return [part for chunk in chunks for part in parser.feed(chunk)] + parser.finish()


def gather(parts: Sequence[OutputPart]) -> Read:
    thinking = "".join(part.text for part in parts if isinstance(part, ThinkingPart))
    text = "".join(part.text for part in parts if isinstance(part, TextPart))
    calls: dict[int, tuple[str, str]] = {}
    for part in parts:
        if isinstance(part, CallPart):
            name, arguments = calls.get(part.index, ("", ""))
            assert not (name and part.name), "the name comes once"
            calls[part.index] = (name + part.name, arguments + part.arguments)
    return thinking, text, [(name, _value(arguments)) for name, arguments in calls.values()]


def _value(arguments: str) -> Any:
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


def read(
    name: str, chunks: Iterable[str], opened: bool = False, tools: Sequence[ToolSpec] = TOOLS, **more: Any
) -> Read:
    """What the parser makes of these pieces of an answer."""
    return gather(parts_of(OutputParser(family(name), opened, tools, **more), chunks))


PARIS = ("get_weather", {"city": "Paris"})
ROME = ("get_weather", {"city": "Rome", "days": 3})
NOW: Call = ("get_time", {})

ANSWERS: list[tuple[str, str, Read]] = [
    (
        "hermes",
        ('<think>\nHm.\n</think>\n\nLet me look.\n<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}'
        '\n</tool_call>\n<tool_call>\n{"name": "get_time", "arguments": {}}\n</tool_call>'),
        ("Hm.", "Let me look.", [PARIS, NOW]),
    ),
    (
        "qwen_xml",
        ("<think>Hm.</think>Looking.\n<tool_call>\n<function=get_weather>\n<parameter=city>\nRome\n</parameter>\n"
        "<parameter=days>\n3\n</parameter>\n</function>\n</tool_call>\n<tool_call>\n<function=get_time>\n</function>\n"
        "</tool_call>"),
        ("Hm.", "Looking.", [ROME, NOW]),
    ),
    ("qwen_xml", "<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n</function>\n</tool_call>",
     ("", "", [PARIS])),
    (
        "llama",
        '{"name": "get_weather", "parameters": {"city": "Paris"}}',
        ("", "", [PARIS]),
    ),
    (
        "llama",
        ('<|python_tag|>{"type": "function", "name": "get_weather", "parameters": {"city": "Rome", "days": 3}}; '
        '{"name": "get_time", "parameters": {}}'),
        ("", "", [ROME, NOW]),
    ),
    ("pythonic", "[get_weather(city='Rome', days=3), get_time()]", ("", "", [ROME, NOW])),
    ("pythonic", '\n[get_weather("Rome", 3)]', ("", "", [ROME])),
    ("llama4_pythonic", 'So.<|python_start|>[get_weather(city="Paris")]<|python_end|>', ("", "So.", [PARIS])),
    (
        "mistral",
        ('Sure.[TOOL_CALLS][{"name": "get_weather", "arguments": {"city": "Paris"}, "id": "abcdefghi"}, '
        '{"name": "get_time", "arguments": {}}]'),
        ("", "Sure.", [PARIS, NOW]),
    ),
    (
        "mistral_args",
        ('[THINK]Hm.[/THINK]Sure.[TOOL_CALLS]get_weather[CALL_ID]abc123def[ARGS]{"city": "Paris"}'
        "[TOOL_CALLS]get_time[ARGS]{}"),
        ("Hm.", "Sure.", [PARIS, NOW]),
    ),
    (
        "deepseek",
        ("<think>Hm.</think>\n\n<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n"
        '{"city": "Paris"}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>get_time\n```json\n{}\n'
        "```<｜tool▁call▁end｜><｜tool▁calls▁end｜>"),
        ("Hm.", "", [PARIS, NOW]),
    ),
    (
        "deepseek_v31",
        ('Yes.<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{"city": "Paris"}<｜tool▁call▁end｜>'
        "<｜tool▁call▁begin｜>get_time<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>"),
        ("", "Yes.", [PARIS, NOW]),
    ),
    (
        "harmony",
        ("<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary<|message|>I look.<|end|>"
        '<|start|>assistant<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>'
        '{"city": "Paris"}'),
        ("Hm.", "I look.", [PARIS]),
    ),
    (
        "harmony",
        "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Yes.\n",
        ("Hm.", "Yes.\n", []),
    ),
    ("harmony", ' to=functions.get_weather<|channel|>commentary json<|message|>{"city": "Paris"}<|call|>',
     ("", "", [PARIS])),
    ("functionary", 'all\nLet me look.\n>>>get_weather\n{"city": "Paris"}\n>>>get_time\n{}',
     ("", "Let me look.", [PARIS, NOW])),
    ("functionary", "all\nType this:\n>>> print(1)\n>>>all of it", ("", "Type this:\n>>> print(1)\n>>>all of it", [])),
    (
        "function_tag",
        'Yes.\n<function=get_weather>{"city": "Paris"}</function><function=get_time>{}</function>',
        ("", "Yes.", [PARIS, NOW]),
    ),
    (
        "command",
        ('<|START_THINKING|>Hm.<|END_THINKING|><|START_ACTION|>[\n    {"tool_call_id": "0", "tool_name": "get_weather",'
        ' "parameters": {"city": "Paris"}},\n    {"tool_call_id": "1", "tool_name": "get_time", "parameters": {}}\n]'
        "<|END_ACTION|>"),
        ("Hm.", "", [PARIS, NOW]),
    ),
    ("command", "<|START_THINKING|>Hm.<|END_THINKING|><|START_RESPONSE|>Yes.<|END_RESPONSE|>", ("Hm.", "Yes.", [])),
    (
        "glm",
        ("\n<think>Hm.</think>\nYes.\n<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Rome</arg_value>\n"
        "<arg_key>days</arg_key>\n<arg_value>3</arg_value>\n</tool_call>\n<tool_call>get_time\n</tool_call>"),
        ("Hm.", "Yes.", [ROME, NOW]),
    ),
    (
        "kimi",
        ("◁think▷Hm.◁/think▷Yes.<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0"
        '<|tool_call_argument_begin|>{"city": "Paris"}<|tool_call_end|><|tool_call_begin|>functions.get_time:1'
        "<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_section_end|>"),
        ("Hm.", "Yes.", [PARIS, NOW]),
    ),
    (
        "granite",
        '<|tool_call|>[{"name": "get_weather", "arguments": {"city": "Paris"}}, {"name": "get_time", "arguments": {}}]',
        ("", "", [PARIS, NOW]),
    ),
    ("phi", '<|tool_call|>[{"name": "get_weather", "arguments": {"city": "Paris"}}]<|/tool_call|>', ("", "", [PARIS])),
    ("functools", 'functools[{"name": "get_weather", "arguments": {"city": "Paris"}}]', ("", "", [PARIS])),
    ("tool_code", 'I look.\n```tool_code\nget_weather(city="Rome", days=3)\n```', ("", "I look.", [ROME])),
    ("tool_code", '```tool_code\nprint(get_weather(city="Paris"))\n```\nDone.', ("", "Done.", [PARIS])),
    (
        "gemma",
        ('<|channel>thought\nHm.<channel|>Yes.<|tool_call>call:get_weather{city:<|"|>Rome<|"|>,days:3}<tool_call|>'
        "<|tool_call>call:get_time{}<tool_call|>"),
        ("Hm.", "Yes.", [ROME, NOW]),
    ),
    (
        "function_gemma",
        "<start_function_call>call:get_weather{city:<escape>Paris<escape>}<end_function_call>",
        ("", "", [PARIS]),
    ),
    (
        "minimax",
        ('<think>Hm.</think>Yes.\n\n<minimax:tool_call>\n<invoke name="get_weather">\n<parameter name="city">Rome'
        '</parameter>\n<parameter name="days">3</parameter>\n</invoke>\n<invoke name="get_time">\n</invoke>\n'
        "</minimax:tool_call>"),
        ("Hm.", "Yes.", [ROME, NOW]),
    ),
    (
        "seed",
        (
            "<seed:think>Hm.</seed:think>Yes.\n<seed:tool_call>\n<function=get_weather>\n<parameter=city>Rome</parameter>"
            "\n<parameter=days>3</parameter>\n</function>\n</seed:tool_call>"
        ),
        ("Hm.", "Yes.", [ROME]),
    ),
    (
        "nemotron",
        'Yes.<TOOLCALL>[{"name": "get_weather", "arguments": {"city": "Paris"}}]</TOOLCALL>',
        ("", "Yes.", [PARIS]),
    ),
    (
        "tool_calls",
        '<tool_calls>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n{"name": "get_time"}\n</tool_calls>',
        ("", "", [PARIS, NOW]),
    ),
    (
        "deepseek_v32",
        ('<think>Hm.</think>Yes.\n\n<｜DSML｜function_calls>\n<｜DSML｜invoke name="get_weather">\n<｜DSML｜parameter '
         'name="city" string="true">Rome</｜DSML｜parameter>\n<｜DSML｜parameter name="days" string="false">3'
         '</｜DSML｜parameter>\n</｜DSML｜invoke>\n<｜DSML｜invoke name="get_time">\n</｜DSML｜invoke>\n'
         '</｜DSML｜function_calls>'),
        ("Hm.", "Yes.", [ROME, NOW]),
    ),
    (
        "deepseek_v4",
        ('Yes.\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name="get_weather">\n<｜DSML｜parameter name="city" '
         'string="true">Paris</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>'),
        ("", "Yes.", [PARIS]),
    ),
    (
        "kimi_k3",
        ('<|open|>think<|sep|>Hm.<|close|>think<|sep|><|open|>response<|sep|>Yes.<|close|>response<|sep|>'
         '<|open|>tools<|sep|><|open|>call tool="get_weather" index="1"<|sep|><|open|>argument key="city" '
         'type="string"<|sep|>Rome<|close|>argument<|sep|><|open|>argument key="days" type="number"<|sep|>3'
         '<|close|>argument<|sep|><|close|>call<|sep|><|open|>call tool="get_time" index="2"<|sep|><|close|>call<|sep|>'
         "<|close|>tools<|sep|><|close|>message<|sep|><|end_of_msg|>"),
        ("Hm.", "Yes.", [ROME, NOW]),
    ),
    (
        "kimi_k3",
        "<|open|>think<|sep|>Hm.<|close|>think<|sep|><|open|>response<|sep|>Yes.\n<|close|>response<|sep|>",
        ("Hm.", "Yes.\n", []),
    ),
    (
        "solar",
        ("<|think|>Hm.<|end|><|begin|>assistant<|content|>Yes.<|end|><|begin|>assistant<|tool_calls|>"
         '<|tool_call:begin|>a1b2c3d4e5<|tool_call:name|>get_weather<|tool_call:args|>{"city": "Paris"}'
         "<|tool_call:end|><|tool_call:begin|>b2c3d4e5f6<|tool_call:name|>get_time<|tool_call:args|>{}"
         "<|tool_call:end|>"),
        ("Hm.", "Yes.", [PARIS, NOW]),
    ),
    (
        "gigachat",
        ('Yes.<|message_sep|>\n\nfunction call<|role_sep|>\n{"name": "get_weather", "arguments": {"city": "Paris"}}'
         "<|message_sep|>\n\n"),
        ("", "Yes.", [PARIS]),
    ),
    ("lfm", '<|tool_call_start|>[get_weather(city="Paris")]<|tool_call_end|>So.', ("", "So.", [PARIS])),
]  # fmt: skip
