"""Answers of every family are told apart into thinking, text and calls, wherever the pieces of text end."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.backends.llama.output.parser import OutputParser
from app.backends.llama.output.parts import CallPart, TextPart, ThinkingPart
from tests.backends.llama.output.answers import (
    ANSWERS,
    NOW,
    PARIS,
    SYNTAX,
    TOOLS,
    Read,
    family,
    gather,
    parts_of,
    read,
)

NAMES = sorted(SYNTAX)


def test_every_family_has_an_answer_here() -> None:
    assert {name for name, _, _ in ANSWERS} == set(NAMES)


@pytest.mark.parametrize(("name", "text", "expected"), ANSWERS, ids=[f"{row[0]}-{i}" for i, row in enumerate(ANSWERS)])
def test_whole_and_letter_by_letter(name: str, text: str, expected: Read) -> None:
    assert read(name, [text]) == expected
    assert read(name, list(text)) == expected


def cut(text: str, borders: list[int]) -> list[str]:
    borders = sorted(border % (len(text) + 1) for border in borders)
    return [text[start:end] for start, end in zip([0, *borders], [*borders, len(text)], strict=True)]


def pieces_of(name: str) -> list[str]:
    """What answers of that family are made of, with what disturbs them."""
    syntax = SYNTAX[name]
    texts = [*syntax.calls.texts, *syntax.thinking, *syntax.wrappers, *syntax.calls.fence]
    if name == "harmony":
        texts += ["<|channel|>", "<|start|>assistant", "<|message|>", "<|end|>", "analysis", " to=functions.get_time"]
    common = [
        '{"name": "get_time", "arguments": {}}', '"get_time"', "get_time", "get_weather", "{", "}", "[", "]", '"',
        "\\",
        '{"city": "a"}', '"arguments": ', '"name"', ":", ",", "(", ")", "city='x'", "=", "```", "\n", " ", "x", "量",
        "all\n",
        "<", "{}", "null", "1",
    ]  # fmt: skip
    halves = [text[: len(text) // 2] for text in texts if len(text) > 1]
    return [text for text in (*texts, *halves, *common) if text]


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_borders_change_nothing_and_no_mixture_breaks_it(name: str, data: st.DataObject) -> None:
    samples = [text for known, text, _ in ANSWERS if known == name]
    chosen = st.one_of(st.sampled_from(pieces_of(name)), st.sampled_from(samples))
    text = "".join(data.draw(st.lists(chosen, max_size=12)))
    opened = data.draw(st.booleans())
    borders = data.draw(st.lists(st.integers(0, 10_000), max_size=10))
    whole = read(name, [text], opened)
    assert read(name, cut(text, borders), opened) == whole
    assert read(name, list(text), opened) == whole


@pytest.mark.parametrize("name", NAMES)
@given(text=st.text(alphabet="ab c\n.,!量é", max_size=60))
def test_plain_text_is_untouched(name: str, text: str) -> None:
    assert read(name, list(text)) == ("", text, [])


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("harmony", "functionary")])
@settings(deadline=None)
@given(data=st.data())
def test_without_tools_nothing_is_a_call_and_nothing_is_lost(name: str, data: st.DataObject) -> None:
    text = "x" + "".join(data.draw(st.lists(st.sampled_from(pieces_of(name)), max_size=12)))
    for wrapper in SYNTAX[name].wrappers:
        text = text.replace(wrapper, "")
    if any(wrapper in text for wrapper in SYNTAX[name].wrappers):
        return
    assert read(name, list(text), tools=()) == ("", text, [])


# ---------------------------------------------------------------- thinking


@pytest.mark.parametrize(
    ("text", "opened", "thought", "answer"),
    [
        ("Hello", False, "", "Hello"),
        ("<think>Hm.</think>Yes", False, "Hm.", "Yes"),
        ("\n <think>\nHm.\n</think>\n\nYes\n", False, "Hm.", "Yes\n"),
        ("Hm.</think>Yes", True, "Hm.", "Yes"),
        ("<think></think>Yes", False, "", "Yes"),
        ("<think>never closed ", False, "never closed", ""),
        ("The tag <think> opens thinking</think>.", False, "", "The tag <think> opens thinking</think>."),
        ("a < b", False, "", "a < b"),
        ("<thinking>", False, "", "<thinking>"),
        ("<thi", False, "", "<thi"),
        ("  leading", False, "", "  leading"),
        ("<think>a < b </thin </think> c", False, "a < b </thin", "c"),
        ("<think>one</think>\n<think>two</think>three", False, "onetwo", "three"),
        ("</think>\n\nYes", False, "", "Yes"),
        ("", False, "", ""),
        ("", True, "", ""),
    ],
)
@pytest.mark.parametrize("tools", [(), TOOLS])
def test_thinking_is_told_from_the_answer(text: str, opened: bool, thought: str, answer: str, tools: tuple[()]) -> None:
    for chunks in ([text], list(text)):
        assert read("hermes", chunks, opened, tools) == (thought, answer, [])


def test_it_says_whether_it_is_thinking() -> None:
    parser = OutputParser(family("hermes"))
    states = []
    for chunk in ("<think>", "Hm", "</think>", "Yes"):
        parser.feed(chunk)
        states.append(parser.thinking)
    assert states == [True, True, False, False]
    assert OutputParser(family("hermes"), True).thinking


def test_text_and_thinking_are_shown_at_once() -> None:
    parser = OutputParser(family("hermes"))
    assert parser.feed("<think>Hm") == [ThinkingPart("Hm")]
    assert parser.feed(", so</thi") == [ThinkingPart(", so")]
    assert parser.feed("nk>Yes <thi") == [TextPart("Yes <thi")]


# ---------------------------------------------------------------- calls


def test_arguments_are_given_as_they_come() -> None:
    parser = OutputParser(family("hermes"), tools=TOOLS)
    assert parser.feed('<tool_call>{"name": "get_weather", "arg') == []
    first = parser.feed('uments": {"ci')
    assert isinstance(first[0], CallPart)
    assert (first[0].index, first[0].name, first[0].arguments) == (0, "get_weather", '{"ci')
    assert first[0].id
    assert parser.feed('ty": "Pa') == [CallPart(0, arguments='ty": "Pa')]
    assert parser.feed('ris"}}</tool_call>') == [CallPart(0, arguments='ris"}')]


def test_the_order_of_keys_does_not_matter() -> None:
    text = '<tool_call>{"arguments": {"city": "Paris"}, "name": "get_weather"}</tool_call>'
    assert read("hermes", list(text)) == ("", "", [PARIS])


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ('<tool_call>{"name": "get_weather", "arguments": "{\\"city\\": \\"Paris\\"}"}</tool_call>', [PARIS]),
        ('<tool_call>{"name": "get_weather", "arguments": {"city": "Paris"}</tool_call>', [PARIS]),
        ('<tool_call>{"name": "get_weather", "arguments": {"city": "Paris"}}', [PARIS]),
        ('<tool_call>[{"name": "get_time"}, {"name": "get_time", "arguments": null}]</tool_call>', [NOW, NOW]),
        ('<tool_call>{"name": "get_weather", "arguments": {"city": Paris}}</tool_call>',
         [("get_weather", '{"city": Paris}}')]),
        ('<tool_call>{"name": "get_weather", "arguments": {"city": "Par', [("get_weather", '{"city": "Par')]),
    ],
)  # fmt: skip
def test_what_small_models_write_is_read(text: str, calls: list[object]) -> None:
    assert read("hermes", list(text)) == ("", "", calls)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hermes", "<tool_call>nothing like it</tool_call>"),
        ("hermes", '<tool_call>{"nam": 1}</tool_call>'),
        ("hermes", '<tool_call>{"name": 5, "arguments": {}}</tool_call>'),
        ("hermes", 'a\n\n<tool_call>{"name": "f", "arguments": [1]}</tool_call> b'),
        ("hermes", "<tool_call>"),
        ("hermes", '<tool_call>{"name": "f'),
        ("qwen_xml", "<tool_call>\n<function=f>\n<parameter=x>\n1\n</tool_call>"),
        ("qwen_xml", "<tool_call>\n<function=f>\ngarbage</function></tool_call>"),
        ("glm", "<tool_call>get_time\n<arg_key>a</arg_key>b</tool_call>"),
        ("llama", '{"answer": 42}'),
        ("llama", '{"name": "nobody", "parameters": {}}'),
        ("llama", '{"name": "get_time"}'),
        ("pythonic", "[1, 2, 3]"),
        ("pythonic", "[nobody(a=1)]"),
        ("pythonic", "[get_time(a=open('x'))]"),
        ("pythonic", "[get_time(), 5]"),
        ("mistral", "[TOOL_CALLS] of old"),
        ("deepseek", "<｜tool▁calls▁begin｜>none<｜tool▁calls▁end｜>"),
        ("gemma", "<|tool_call>call:get_time{a:}<tool_call|>"),
        ("tool_code", "```tool_code\nimport os\n```"),
        ("functools", "Use functools.reduce, or functools [x]."),
    ],
)
def test_what_is_no_call_stays_text(name: str, text: str) -> None:
    assert read(name, list(text)) == ("", text, [])


@pytest.mark.parametrize("name", ["hermes", "qwen_xml", "glm", "tool_code"])
def test_calls_inside_a_code_fence_are_what_the_text_is_about(name: str) -> None:
    call = next(text for known, text, _ in ANSWERS if known == name).split("</think>")[-1].strip()
    text = f"Like this:\n```\n{call.replace('```', '')}\n```\nDone."
    assert read(name, list(text)) == ("", text, [])


def test_after_a_fence_calls_are_calls_again() -> None:
    text = 'So:\n```py\n1 ``` 2\n```\n<tool_call>{"name": "get_time", "arguments": {}}</tool_call>'
    assert read("hermes", list(text)) == ("", "So:\n```py\n1 ``` 2\n```", [NOW])


def test_a_call_inside_of_thinking_is_thought_about() -> None:
    text = '<think>I write <tool_call>{"name": "get_time"}</tool_call></think>Yes'
    thinking, answer, calls = read("hermes", list(text))
    assert (answer, calls) == ("Yes", [])
    assert "<tool_call>" in thinking


def ids_of(name: str) -> list[str]:
    text = next(text for known, text, _ in ANSWERS if known == name)
    parts = parts_of(OutputParser(family(name), tools=TOOLS), [text])
    return [part.id for part in parts if isinstance(part, CallPart) and part.id]


def test_ids_are_unique_or_the_family_s_own() -> None:
    assert ids_of("kimi") == ["functions.get_weather:0", "functions.get_time:1"]
    assert ids_of("mistral_args")[0] == "abc123def"
    made = [*ids_of("mistral"), *ids_of("mistral")]
    assert len(set(made)) == 4
    assert all(len(made_id) == 9 and made_id.isalnum() for made_id in made)


@pytest.mark.parametrize(
    ("name", "ends"),
    [("command", True), ("kimi", True), ("deepseek", True), ("phi", True), ("hermes", False),
     ("qwen_xml", False), ("mistral_args", False)],
)  # fmt: skip
def test_it_says_when_all_calls_are_made(name: str, ends: bool) -> None:
    text = next(text for known, text, _ in ANSWERS if known == name)
    parser = OutputParser(family(name), tools=TOOLS)
    parser.feed(text + "\n")
    assert parser.ends_turn is ends
    assert parser.calls


def test_one_call_is_all_where_no_more_are_wanted() -> None:
    parser = OutputParser(family("hermes"), tools=TOOLS, parallel=False)
    parser.feed('<tool_call>{"name": "get_time", "arguments": {}}')
    parser.feed("</tool_call>\n")
    parser.feed("<")
    assert parser.ends_turn


def test_text_after_a_call_comes_out() -> None:
    text = '<tool_call>{"name": "get_time", "arguments": {}}</tool_call>\n\nAnd more.'
    parts = parts_of(OutputParser(family("hermes"), tools=TOOLS), list(text))
    assert gather(parts) == ("", "And more.", [NOW])


def test_halves_of_characters_do_not_get_out() -> None:
    text = '<tool_call>{"name": "\\ud800", "arguments": {"a": "\\ud800"}}</tool_call>'
    ((name, _),) = read("hermes", [text])[2]
    assert name == "\ufffd"
    xml = '<tool_call><function=get_time><parameter=a>\n"\\ud800"\n</parameter></function></tool_call>'
    ((_, arguments),) = read("qwen_xml", [xml])[2]
    assert arguments == {"a": "\ufffd"}


@pytest.mark.parametrize("name", NAMES)
def test_long_answers_take_time_in_proportion(name: str) -> None:
    """Whatever is repeated, in tokens of four letters: quadratic reading would take minutes and meet the time limit."""
    for piece in (*SYNTAX[name].calls.openers, SYNTAX[name].thinking[0], "{", "[[", "```\n", " ", "x<", '{"name": "'):
        text = piece * (40_000 // len(piece))
        chunks = [text[at : at + 4] for at in range(0, len(text), 4)]
        thinking, answer, calls = read(name, chunks)
        assert thinking or answer or calls or name == "harmony"
