"""Chat templates: what honest ones need works, and hostile ones end as an error, soon, without harm."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from app.backends.llama.frames import encode
from app.backends.llama.templates.fallbacks import CHATML
from app.backends.llama.templates.renderer import TemplateRenderer
from app.backends.llama.templates.request import Render
from app.errors import AppError
from app.launch import own_command
from app.paths import RESOURCES

TURNS = (
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "Hi"},
)


@pytest.fixture(scope="module")
def renderer() -> Iterator[TemplateRenderer]:
    renderer = TemplateRenderer()
    yield renderer
    renderer.close()


def render(renderer: TemplateRenderer, source: str, thinking: bool = False) -> str:
    variables = {"enable_thinking": thinking, "messages": "mine", "tools": "mine"}
    return renderer.render(Render(source=source, messages=TURNS, variables=variables, bos="<s>", eos="</s>"))


def refused(renderer: TemplateRenderer, source: str) -> str:
    with pytest.raises(AppError) as caught:
        render(renderer, source)
    assert caught.value.code == "template_failed"
    assert render(renderer, "still {{ 'here' }}") == "still here"
    return str(caught.value.values["reason"])


# ---------------------------------------------------------------- honest templates


def test_chatml(renderer: TemplateRenderer) -> None:
    expected = "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    assert render(renderer, CHATML) == expected


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ bos_token }}{{ eos_token }}", "<s></s>"),
        ("{% if add_generation_prompt %}yes{% endif %}", "yes"),
        ("{% if tools %}no{% else %}none{% endif %}", "none"),
        ("{{ messages[1]['content'] | trim }}/{{ messages[1].role }}", "Hi/user"),
        ("{%- for m in messages -%}{% if loop.first %}{% continue %}{% endif %}{{ m.content }}{%- endfor -%}", "Hi"),
        ("{% for m in messages %}\n    {% if true %}\nx\n    {% endif %}\n{% endfor %}", "x\nx\n"),
        ("{{ {'a': 1} | tojson(separators=(',', ':'), ensure_ascii=True) }}", '{"a":1}'),
        ("{{ 'é' | tojson(ensure_ascii=True) }}", '"é"'),
        ("{% if documents is none %}none{% endif %}{% if other is not defined %}, no{% endif %}", "none, no"),
        ("{{ messages[1:] | length }}{{ messages is iterable }}{{ messages is string }}", "1TrueFalse"),
        ("{% generation %}kept{% endgeneration %}", "kept"),
        ("{{ {'b': '<é>', 'a': 1} | tojson }}", '{"b": "<é>", "a": 1}'),
        ("{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}", "2"),
        ("{{ 'a</think>b'.split('</think>')[-1] }}", "b"),
        ("{% macro f(x) %}[{{ x }}]{% endmacro %}{{ f('y') }}", "[y]"),
    ],
)
def test_what_real_templates_use_works(renderer: TemplateRenderer, source: str, text: str) -> None:
    assert render(renderer, source) == text


def test_the_date_is_there(renderer: TemplateRenderer) -> None:
    assert render(renderer, "{{ strftime_now('%Y') }}").isdigit()


def test_thinking_is_a_switch(renderer: TemplateRenderer) -> None:
    source = "{% if enable_thinking %}on{% else %}off{% endif %}"
    assert render(renderer, source, thinking=True) == "on"
    assert render(renderer, source, thinking=False) == "off"


def test_a_template_may_refuse_a_conversation_in_its_own_words(renderer: TemplateRenderer) -> None:
    assert refused(renderer, "{{ raise_exception('roles must alternate') }}") == "roles must alternate"


@pytest.mark.parametrize("source", ["{% if %}", "{{ unclosed", "{% nothing %}", "{{ 1 / 0 }}", "{{ messages[7].x.y }}"])
def test_broken_templates_are_refused(renderer: TemplateRenderer, source: str) -> None:
    assert "too long" not in refused(renderer, source)


# ---------------------------------------------------------------- hostile templates


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.__class__.__base__ }}{{ (messages|attr('__class__')).mro() }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ lipsum.__globals__['os'].system('id') }}",
        "{{ namespace.__init__.__globals__ }}{{ raise_exception.__globals__['os'] }}",
        "{{ strftime_now.__globals__['os'].system('id') }}",
        "{{ '{0.__class__.__init__.__globals__}'.format(raise_exception).x }}",
        "{{ '%s' | format(messages.__class__.__mro__) }}{{ self.__init__.__globals__.x }}",
        "{{ ('{0.__cla'~'ss__}').format(messages) ~ messages['__class__'].x }}",
        "{{ messages.append('x') }}",
        "{{ messages[0].update({'role': 'x'}) }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}{{ os }}",
        "{% extends '/etc/passwd' %}",
        "{{ tojson.__globals__ }}{{ ''|tojson|attr('__class__') ~ (1).__class__.__base__.__subclasses__() }}",
        "{% set x = messages[0] %}{% set _ = x.pop('role') %}",
        "{{ dict.__init__.__globals__.x }}{{ joiner.__init__.__globals__.x }}",
    ],
)
def test_ways_out_of_the_sandbox_are_shut(renderer: TemplateRenderer, source: str) -> None:
    assert "too long" not in refused(renderer, source)


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in range(10**9) %}x{% endfor %}",
        "{% for i in range(90000) %}{% for j in range(90000) %}{% endfor %}{% endfor %}",
        "{{ 'a' * 10**10 }}",
        "{{ ('a' * 10**8)[:3] ~ ('b' * 10**9) }}",
        "{{ [1] * 10**9 }}",
        "{{ (10**(10**10)) | string }}",
        "{{ 'x' | center(10**10) }}",
        "{{ 'x' | indent(10**10, true) }}",
        "{{ '%010000000000d' | format(1) }}",
        "{{ '{:>10000000000}'.format('x') }}",
        "{% set ns = namespace(s='ab') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}",
        "{% set ns = namespace(s='a') %}{% for i in range(40) %}{% set ns.s = ns.s|replace('a', 'aaaa') %}{% endfor %}",
        "{% for i in range(99999) %}{{ 'x' * 1000 }}{% endfor %}",
        "{{ lipsum(n=10**9) }}",
        "{% set ns = namespace(l=[]) %}{% for i in range(99999) %}{% set ns.l = ns.l + ns.l + [i] %}{% endfor %}",
        "{{ ('x' * 10**7) | wordwrap(1) | length }}{% for i in range(10**6) %}{{ 'x' | urlize }}{% endfor %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    ],
)
def test_bombs_end_as_an_error(renderer: TemplateRenderer, source: str) -> None:
    assert refused(renderer, source)


def test_it_can_open_no_file_even_with_a_hole_in_the_sandbox() -> None:
    """Runs the process's own limits, then tries what an escaped template would."""
    code = (
        "import os, sys\n"
        "from app.backends.llama.templates import template\n"
        "template._give_up_rights()\n"
        "try:\n"
        "    open('/etc/passwd')\n"
        "except OSError:\n"
        "    os._exit(0)\n"
    )
    if sys.platform != "linux":
        pytest.skip("other systems have other limits")
    done = subprocess.run([sys.executable, "-c", code], cwd=RESOURCES.parent, check=False)
    assert done.returncode == 0


def test_a_process_that_ended_is_started_again(renderer: TemplateRenderer) -> None:
    renderer.close()
    assert render(renderer, "{{ 1 + 1 }}") == "2"


def test_a_process_that_cannot_start_is_an_error() -> None:
    renderer = TemplateRenderer([sys.executable, "-c", "pass"])
    with pytest.raises(AppError) as caught:
        render(renderer, "x")
    assert caught.value.code == "template_failed"
    renderer.close()


@pytest.mark.parametrize(
    "source", ["harmless", "{% for i in range(90000) %}{% for j in range(90000) %}{% endfor %}{% endfor %}"]
)
def test_the_process_ends_with_its_input_even_in_the_middle_of_a_bomb(source: str) -> None:
    process = subprocess.Popen(
        own_command("template"), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=RESOURCES.parent
    )
    assert process.stdin is not None
    process.stdin.write(encode(Render(source=source, messages=TURNS)))
    process.stdin.close()
    assert process.wait() == 0
