"""resources/starter.gguf is what it is said to be, reads text as its tokenizer does, and understands its intents."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment

from app.hardware.gguf import read_header
from app.paths import STARTER_MODEL

ROOT = Path(__file__).resolve().parents[2]
JUDGE = ROOT / "packaging" / "starter" / "judge.py"
TOKENISE = """
import json, sys
from app.backends.llama.binding import llama
from app.backends.llama.vocabulary import Vocabulary

llama.llama_backend_init()
params = llama.llama_model_default_params()
params.vocab_only = True
vocabulary = Vocabulary(llama.llama_model_load_from_file(sys.argv[1].encode(), params))
texts = json.loads(sys.stdin.buffer.read())
json.dump([vocabulary.tokenize(text, parse_special=False) for text in texts], sys.stdout)
"""


def test_it_is_a_small_llama_at_q8_0() -> None:
    header = read_header(STARTER_MODEL)
    assert STARTER_MODEL.stat().st_size <= 12_000_000
    assert header.architecture == "llama"
    assert header.quantization == "Q8_0"
    assert 3_000_000 <= header.parameters <= 8_000_000
    assert header.context_length is not None
    assert header.context_length >= 1024
    assert header.chat_template
    assert "<|im_start|>" in header.chat_template


def test_llama_cpp_reads_a_thousand_strings_as_the_tokenizer_does() -> None:
    rows = json.loads((Path(__file__).parent / "tokens.json").read_text(encoding="utf-8"))
    assert len(rows) == 1000
    done = subprocess.run(
        [sys.executable, "-c", TOKENISE, str(STARTER_MODEL)],
        input=json.dumps([row["text"] for row in rows]).encode(),
        capture_output=True,
        check=True,
        cwd=ROOT,
    )
    read = json.loads(done.stdout)
    different = [row["text"] for row, ids in zip(rows, read, strict=True) if row["ids"] != ids]
    assert different == []


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("arguments", [[], ["--late", "0.9"]], ids=["fresh", "late"])
def test_it_understands_phrasings_it_has_never_seen(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, str(JUDGE), *arguments], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.stdout, done.stderr
    assert json.loads(done.stdout)["passed"], done.stdout


NOTHING = {"type": "object", "properties": {}}
TOOLS = [
    {"name": "get_time", "description": "The current date and time", "parameters": NOTHING},
    {"name": "web_search", "description": "Search the web", "parameters": NOTHING},
]
KNOWN = {
    "get_hardware": "The machine's CPU, memory and GPU",
    "get_time": "The current date and time",
    "list_models": "Models in the library",
}
SPEAK = """
import json, sys
from pathlib import Path
from app.protocol import DeltaKind, LoadParams
from tests.backends.llama.running import Running

running = Running(Path(sys.argv[1]), LoadParams())
said = []
for text in json.loads(sys.stdin.buffer.read()):
    number = running.ask(prompt=text, turns=())
    running.run()
    said.append([[kind.value, running.text(number, kind)] for kind in DeltaKind])
sys.stdout.buffer.write(json.dumps(said).encode())
"""


def spoken(*prompts: str) -> list[dict[str, str]]:
    """What the starter says after each prompt, by kind of text."""
    done = subprocess.run(
        [sys.executable, "-c", SPEAK, str(STARTER_MODEL)],
        input=json.dumps(prompts).encode(),
        capture_output=True,
        check=True,
        cwd=ROOT,
    )
    answers = []
    for parts in json.loads(done.stdout):
        answer = {"text": "", "thinking": ""}
        for kind, text in parts:
            answer[kind] += text
        answers.append(answer)
    return answers


def rendered(messages: list[dict[str, str]], **more: object) -> str:
    header = read_header(STARTER_MODEL)
    template = ImmutableSandboxedEnvironment().from_string(header.chat_template or "")
    return template.render(messages=messages, add_generation_prompt=True, **more)


def test_it_thinks_first_where_it_is_asked_to() -> None:
    question = [{"role": "user", "content": "How do I change the theme?"}]
    plain, thinking = spoken(rendered(question), rendered(question, enable_thinking=True))
    assert plain["thinking"] == ""
    assert "theme" in thinking["thinking"]
    assert thinking["text"].strip() == plain["text"].strip()


def test_it_reads_the_result_of_a_tool() -> None:
    messages = [
        {"role": "user", "content": "What time is it?"},
        {"role": "assistant", "content": '<tool_call>\n{"name": "get_time", "arguments": {}}\n</tool_call>'},
        {"role": "tool", "content": '{"time": "2027-03-14 15:09"}'},
    ]
    (answer,) = spoken(rendered(messages, tools=TOOLS))
    assert answer["text"] == "It is 2027-03-14 15:09."


@pytest.mark.parametrize(
    ("question", "tool"),
    [
        ("What time is it?", "get_time"),
        ("现在几点了？", "get_time"),
        ("What GPU do I have?", "get_hardware"),
        ("我的电脑有多少内存？", "get_hardware"),
        ("Which models are here?", "list_models"),
    ],
)
def test_it_calls_the_tool_that_knows(question: str, tool: str) -> None:
    tools = [{"name": name, "description": text, "parameters": NOTHING} for name, text in KNOWN.items()]
    (answer,) = spoken(rendered([{"role": "user", "content": question}], tools=tools))
    assert answer["text"] == f'<tool_call>\n{{"name": "{tool}", "arguments": {{}}}}\n</tool_call>'


def test_it_answers_itself_where_no_tool_is_needed() -> None:
    question = [{"role": "user", "content": "What is a quantization?"}]
    plain, offered = spoken(rendered(question), rendered(question, tools=TOOLS))
    assert offered["text"] == plain["text"]
    assert "bits" in offered["text"]


def test_without_the_tool_it_says_that_it_has_no_clock() -> None:
    (answer,) = spoken(rendered([{"role": "user", "content": "What time is it?"}]))
    assert "<tool_call>" not in answer["text"]
    assert "clock" in answer["text"]
