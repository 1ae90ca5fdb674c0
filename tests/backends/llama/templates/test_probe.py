"""A family is found by what its template writes, never by a name."""

from collections.abc import Iterator

import pytest

from app.backends.llama.output.parser import OutputParser
from app.backends.llama.output.syntax import FAMILIES
from app.backends.llama.templates.prompt import PromptBuilder
from app.backends.llama.templates.renderer import TemplateRenderer
from app.backends.llama.templates.request import Render
from app.errors import AppError
from app.protocol import ChatTurn, Role, ToolCall
from tests.backends.llama.output.answers import gather, parts_of
from tests.backends.llama.templates.building import (
    WEATHER,
    InProcess,
    Letters,
    assistant,
    builder,
    calling,
    request,
    result,
    user,
)
from tests.backends.llama.templates.family_templates import TEMPLATES


@pytest.fixture(scope="module")
def renderer() -> Iterator[TemplateRenderer]:
    """The real template process."""
    renderer = TemplateRenderer()
    yield renderer
    renderer.close()


PARIS = ("get_weather", {"city": "Paris"})


def test_every_family_has_a_template_here() -> None:
    assert TEMPLATES.keys() == {syntax.name for syntax in FAMILIES}


@pytest.mark.parametrize("name", TEMPLATES)
def test_each_is_found_by_its_template(name: str) -> None:
    prompts = builder(TEMPLATES[name])
    assert prompts.family.name == name
    assert prompts.supports_tools
    assert prompts.warnings == ()


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_call_goes_round(name: str) -> None:
    """A call is rendered into a prompt; the parser reads it back from there, and the result is in the next prompt."""
    prompts = builder(TEMPLATES[name])
    turns = (user("Weather?"), calling(), result("sunny"))
    text = prompts.build(request(*turns, tools=(WEATHER,))).text
    assert "sunny" in text
    written = text.rpartition("Weather?")[2].partition("sunny")[0]
    start = min(at for marker in ("<tool_call>", *prompts.family.calls.openers, "{", "[get", " to=", "get_")
                if (at := written.find(marker)) >= 0)  # fmt: skip
    _, _, calls = gather(parts_of(OutputParser(prompts.family, tools=[WEATHER]), [written[start:]]))
    assert calls == [PARIS], written


@pytest.mark.parametrize(
    ("name", "as_text"), [("hermes", False), ("qwen_xml", False), ("deepseek", True), ("mistral_args", True)]
)
def test_arguments_come_as_the_template_wants_them(name: str, as_text: bool) -> None:
    assert builder(TEMPLATES[name]).traits.arguments_as_text is as_text


@pytest.mark.parametrize(
    ("template", "tags"),
    [
        (TEMPLATES["hermes"], ("<think>", "</think>")),
        (TEMPLATES["command"], ("<|START_THINKING|>", "<|END_THINKING|>")),
        (TEMPLATES["harmony"], ("<|channel|>analysis<|message|>", "<|end|>")),
        (("{% for m in messages %}{{ m.role }}{% if m.reasoning_content %}<inner>{{ m.reasoning_content }}</inner>"
         "{% endif %}{{ m.content }}{% endfor %}"), ("<inner>", "</inner>")),
        ("{{ messages[-1].content.split('[/THINK]')[-1] }}", ("[THINK]", "[/THINK]")),
        ("{{ messages[-1].content }}", ("<think>", "</think>")),
    ],
)  # fmt: skip
def test_tags_of_thinking_are_the_template_s(template: str, tags: tuple[str, str]) -> None:
    assert builder(template).family.thinking == tags


@pytest.mark.parametrize(
    ("template", "supports", "always"),
    [
        (TEMPLATES["hermes"], True, False),
        (TEMPLATES["harmony"], True, False),
        ("{{ messages[-1].content }}", False, False),
        ("{{ messages[-1].content }}{% if add_generation_prompt %}<think>\n{% endif %}", True, True),
        (
            "{{ messages[-1].content }}{% if add_generation_prompt and enable_thinking %}<think>\n{% endif %}",
            True,
            False,
        ),
        ("{{ messages[-1].content }}{% if thinking %}<think>{% else %}</think>{% endif %}", True, False),
    ],
)
def test_models_that_think_are_told_apart(template: str, supports: bool, always: bool) -> None:
    prompts = builder(template)
    assert (prompts.supports_thinking, prompts.always_thinks) == (supports, always)


def test_a_template_without_tools_makes_a_family_that_is_told_in_text() -> None:
    prompts = builder("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}")
    assert prompts.family.name == "hermes"
    assert not prompts.supports_tools


def test_control_tokens_of_the_family_are_known_by_id() -> None:
    tokenizer = Letters("<|START_ACTION|>", "<|END_ACTION|>", "<|other|>")
    family = builder(TEMPLATES["command"], tokenizer).family
    assert family.control_tokens == {"<|START_ACTION|>": 1_000_002, "<|END_ACTION|>": 1_000_003}
    assert "<|START_THINKING|>" in family.marker_texts
    assert "<[1000002]>" in family.call_format([WEATHER]).source


def test_contents_in_parts_are_found_out() -> None:
    template = (
        "{% for m in messages %}{{ m.role }}:{% for part in m.content %}{% if part.type == 'text' %}{{ part.text }}"
        "{% endif %}{% endfor %}\n{% endfor %}"
    )
    prompts = builder(template)
    assert prompts.traits.wants_parts
    assert prompts.build(request(user("Hi"))).text == "user:Hi"


def test_a_system_prompt_that_would_be_left_out_is_noticed() -> None:
    assert not builder("{% for m in messages if m.role != 'system' %}{{ m.content }}{% endfor %}").traits.reads_system


class Slow(InProcess):
    """A renderer that gives up on templates with the word loop in them."""

    def render(self, request: Render) -> str:
        if "loop" in request.source:
            self.asked.append(request)
            raise AppError("template_failed", reason="template_takes_too_much")
        return super().render(request)


def test_a_template_that_takes_too_long_is_not_tried_again_and_again() -> None:
    slow = Slow()
    prompts = PromptBuilder(Letters(), "loop", slow)
    assert [warning.code for warning in prompts.warnings] == ["template_broken"]
    assert sum("loop" in asked.source for asked in slow.asked) == 1
    with pytest.raises(AppError):
        PromptBuilder(Letters(), "", slow, own_template="loop")


def test_hostile_templates_cost_a_warning(renderer: TemplateRenderer) -> None:
    bomb = "{% for i in range(90000) %}{% for j in range(90000) %}{% endfor %}{% endfor %}"
    prompts = PromptBuilder(Letters(), bomb, renderer)
    assert [warning.code for warning in prompts.warnings] == ["template_broken"]
    assert prompts.build(request(user("Hi"))).text.endswith("assistant\n")


def test_a_bomb_behind_a_tool_is_found_too(renderer: TemplateRenderer) -> None:
    bomb = "{{ messages[0].content }}{% if tools %}{{ 'a' * 10**10 }}{% endif %}"
    prompts = PromptBuilder(Letters(), bomb, renderer)
    assert not prompts.supports_tools
    assert prompts.build(request(user("Hi"), tools=(WEATHER,))).text


KIMI_K2 = (
    "{% if tools %}<|im_system|>tool_declare<|im_middle|>{{ tools | tojson }}<|im_end|>{% endif %}"
    "{% for m in messages %}{% if m.role == 'assistant' %}<|im_assistant|>assistant<|im_middle|><think></think>"
    "{{ m.content }}{% if m.tool_calls %}<|tool_calls_section_begin|>{% for call in m.tool_calls %}<|tool_call_begin|>"
    "{{ call.id }}<|tool_call_argument_begin|>{{ call.function.arguments | tojson }}<|tool_call_end|>{% endfor %}"
    "<|tool_calls_section_end|>{% endif %}{% elif m.role == 'tool' %}<|im_system|>{{ m.name }}<|im_middle|>"
    "## Return of {{ m.tool_call_id }}\n{{ m.content }}{% else %}<|im_user|>user<|im_middle|>{{ m.content }}{% endif %}"
    "<|im_end|>{% endfor %}{% if add_generation_prompt %}<|im_assistant|>assistant<|im_middle|>{% endif %}"
)
"""In the shape of Kimi K2's: calls are known by their ids alone."""


def test_ids_are_made_of_names_where_the_template_writes_only_ids() -> None:
    prompts = builder(KIMI_K2)
    assert (prompts.family.name, prompts.supports_tools, prompts.traits.named_ids) == ("kimi", True, True)
    turns = (user("Weather?"), calling(), result("sunny"))
    text = prompts.build(request(*turns, tools=(WEATHER,))).text
    assert "<|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>" in text
    assert "## Return of functions.get_weather:0\nsunny" in text
    assert "abc123def" not in text
    assert not builder(TEMPLATES["kimi"]).traits.named_ids


def test_several_calls_have_ids_that_count() -> None:
    calls = tuple(ToolCall(id=f"x{number}", name="get_weather", arguments="{}") for number in range(2))
    turns = (
        user("Weather?"),
        assistant(tool_calls=calls),
        *(ChatTurn(role=Role.TOOL, content=f"r{number}", tool_call_id=f"x{number}") for number in (1, 0)),
    )
    text = builder(KIMI_K2).build(request(*turns, tools=(WEATHER,))).text
    assert text.index("functions.get_weather:0<") < text.index("functions.get_weather:1<")
    assert "## Return of functions.get_weather:1\nr1" in text
    assert "## Return of functions.get_weather:0\nr0" in text
