"""The grammar of an enforced call: llguidance compiles it, and whatever it lets through is read back as a call."""

import json
import random
import re
from collections.abc import Sequence

import llguidance
import pytest

from app.backends.llama.output.families import Family, texts_of
from app.backends.llama.output.parser import OutputParser
from app.protocol import FormatKind, ToolSpec
from tests.backends.llama.output.answers import NOW, SYNTAX, TOOLS, gather, parts_of

BOOK = ToolSpec(
    name="book",
    parameters={
        "type": "object",
        "properties": {
            "kind": {"type": "string", "enum": ["train", "bus"]},
            "people": {"type": "integer", "minimum": 1, "maximum": 9},
            "return": {"type": "boolean"},
            "via": {"type": "array", "items": {"enum": ["A", "B"]}, "maxItems": 2},
        },
        "required": ["kind", "people"],
        "additionalProperties": False,
    },
)
NAMES = sorted(SYNTAX)


class Letters:
    """A vocabulary of bytes and the control tokens given, as llguidance asks for one."""

    bos_token_id = None

    def __init__(self, control: Sequence[str]) -> None:
        self.tokens = [bytes([byte]) for byte in range(256)] + [text.encode() for text in control] + [b"<eos>"]
        self.eos_token_id = len(self.tokens) - 1
        self.special_token_ids = list(range(256, len(self.tokens)))

    def __call__(self, data: bytes | str) -> list[int]:
        return list(data.encode() if isinstance(data, str) else data)


def written(family: Family, tools: Sequence[ToolSpec], seed: int, control: Sequence[str] = (), **choice: object) -> str:
    """An answer that a model of random weights would be made to write."""
    letters = Letters(control)
    wrapped = llguidance.TokenizerWrapper(letters)
    tokenizer = llguidance.LLTokenizer(wrapped, n_vocab=len(letters.tokens))
    source = family.call_format(tools, **choice)  # type: ignore[arg-type]
    assert source.kind is FormatKind.LARK
    matcher = llguidance.LLMatcher(tokenizer, llguidance.LLMatcher.grammar_from_lark(source.source), log_level=0)
    assert not matcher.is_error(), matcher.get_error()
    return b"".join(_walk(matcher, letters, random.Random(seed))).decode("utf-8", "replace")


def _walk(matcher: llguidance.LLMatcher, letters: Letters, dice: random.Random) -> list[bytes]:
    out: list[bytes] = []
    while not matcher.is_stopped() and len(out) < 4000:
        mask = matcher.compute_bitmask()
        allowed = [token for token in range(len(letters.tokens)) if mask[token // 8] >> token % 8 & 1]
        ends = [token for token in allowed if token == letters.eos_token_id or chr(token % 256) in '"}])</\n']
        token = letters.eos_token_id if letters.eos_token_id in allowed else dice.choice(ends or allowed)
        if token == letters.eos_token_id:
            break
        assert matcher.consume_token(token)
        out.append(letters.tokens[token])
    assert matcher.is_accepting(), "the answer does not end"
    return out


@pytest.mark.parametrize("name", NAMES)
def test_whatever_is_let_through_is_a_call(name: str) -> None:
    family = Family(SYNTAX[name], SYNTAX[name].thinking)
    for seed in range(6):
        text = written(family, [BOOK], seed)
        thinking, shown, calls = gather(parts_of(OutputParser(family, tools=[BOOK]), list(text)))
        assert (thinking, shown) == ("", ""), text
        assert calls, text
        for called, arguments in calls:
            assert called == "book"
            assert arguments["kind"] in ("train", "bus"), text
            assert 1 <= arguments["people"] <= 9, text


@pytest.mark.parametrize("name", NAMES)
def test_a_named_tool_is_the_only_one(name: str) -> None:
    family = Family(SYNTAX[name], SYNTAX[name].thinking)
    text = written(family, TOOLS, 1, name="get_time", parallel=False)
    assert gather(parts_of(OutputParser(family, tools=TOOLS), [text])) == ("", "", [NOW]), text


@pytest.mark.parametrize("name", NAMES)
def test_control_tokens_are_written_as_such(name: str) -> None:
    syntax = SYNTAX[name]
    texts = texts_of(syntax, syntax.thinking)
    control = sorted(text for text in texts if re.fullmatch(r"<[|｜][^<>]*>|\[[A-Z_]+\]", text))
    ids = {text: 256 + index for index, text in enumerate(control)}
    family = Family(syntax, syntax.thinking, ids)
    for text in control:
        if text in "".join(syntax.calls.openers):
            assert f"<[{ids[text]}]>" in family.call_format(TOOLS).source or syntax.calls.bare
    answer = written(family, TOOLS, 2, control, name="get_time", parallel=False)
    assert gather(parts_of(OutputParser(family, tools=TOOLS), [answer])) == ("", "", [NOW]), answer


def test_strings_are_free_and_optional_arguments_are() -> None:
    source = Family(SYNTAX["qwen_xml"]).call_format(TOOLS).source
    assert "<parameter=days>" in source
    assert ")?" in source


def test_schemas_reach_the_grammar_whole() -> None:
    tool = ToolSpec(
        name="f", parameters={"$defs": {"x": {"type": "integer"}}, "properties": {"a": {"$ref": "#/$defs/x"}}}
    )
    source = Family().call_format([tool]).source
    schema = json.loads(source.split("%json ")[1].splitlines()[0])
    assert schema["type"] == "object"
    assert schema["$defs"] == {"x": {"type": "integer"}}


def test_an_unknown_tool_is_refused() -> None:
    with pytest.raises(ValueError, match="nobody"):
        Family().call_format(TOOLS, "nobody")
    with pytest.raises(ValueError, match="no tools"):
        Family().call_format(())
