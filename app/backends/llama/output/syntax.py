"""How the families of models write calls of tools and thinking: tables, without any behaviour."""

from dataclasses import dataclass
from enum import Enum, auto


class CallKind(Enum):
    OBJECTS = auto()
    """A JSON object with the name and the arguments, or a list of such objects."""
    NAMED = auto()
    """The name, then the arguments as a JSON object."""
    TAGGED = auto()
    """The name, then each argument between tags."""
    PYTHONIC = auto()
    """A list of calls in Python: `[f(a=1), g()]`."""
    BRACES = auto()
    """`name{key:value}` with strings between quotes of the family's own."""


class Layout(Enum):
    """How the parts of an answer follow each other."""

    PLAIN = auto()
    """Thinking between tags, then text, with calls between texts of their own."""
    CHANNELS = auto()
    """Harmony: each part is a message that names its channel and whom it is for."""
    RECIPIENTS = auto()
    """Functionary: each part begins with whom it is for; `all` is the person."""


@dataclass(frozen=True)
class CallSyntax:
    """How calls are written. Texts that a family does not have are empty.

    `section` surrounds all calls, `opens` and `closes` each one.
    """

    kind: CallKind
    section: tuple[str, str] = ("", "")
    section_each: bool = False
    """The section holds one call; more come in sections of their own."""
    opens: str = ""
    closes: str = ""
    name_ends: str = ""
    """Between the name and what follows; white space before it is allowed."""
    name_begins: str = ""
    """Before the name, and not part of it."""
    keys: tuple[str, str] = ("name", "arguments")
    """Of OBJECTS: the keys of name and arguments that a model is made to use; all usual ones are read."""
    as_list: bool = False
    """Of OBJECTS: the model writes a list even for one call."""
    fence: tuple[str, str] = ("", "")
    """Of NAMED: around the arguments."""
    call_id: str = ""
    """Of NAMED: between the name and the call's id, which comes before `name_ends`."""
    id_ends: str = ""
    """Of NAMED: between the call's id and the name, where the id comes first."""
    id_is_name: bool = False
    """Of NAMED: the id is the name as written, with its prefix and, after a colon, a number."""
    rest: tuple[str, str] = ("", "")
    """Of TAGGED: what a model is made to write after the name, and the text that ends whatever it writes there."""
    key: tuple[str, str] = ("", "")
    """Of TAGGED: around an argument's name."""
    kinds: tuple[str, str, str] = ("", "", "")
    """Of TAGGED: between an argument's name and a word for its kind; the word for text; the word for all others, where
    it is not the JSON type."""
    value: tuple[str, str] = ("", "")
    """Of TAGGED: around an argument's value."""
    padding: str = ""
    """Of TAGGED: what a model is made to write at both ends of a value."""
    quote: str = '"'
    """Of BRACES: at both ends of a string."""
    bare: bool = False
    """Calls may come without the texts around them; then they must begin the answer and name a tool there is."""

    @property
    def openers(self) -> tuple[str, ...]:
        """The texts that announce a call."""
        return tuple(text for text in (self.section[0], self.opens) if text)

    @property
    def texts(self) -> tuple[str, ...]:
        """Every text of it that may be a control token."""
        names = (self.name_ends, self.name_begins, self.call_id, self.id_ends, self.rest[1])
        texts = (*self.section, self.opens, self.closes, *names)
        more = (*self.key, *self.value, self.quote if self.kind is CallKind.BRACES else "")
        return tuple(text for text in (*texts, *more) if text)


@dataclass(frozen=True)
class FamilySyntax:
    """One family: its calls, the tags of its thinking, and texts around the answer that are not shown."""

    name: str
    calls: CallSyntax
    thinking: tuple[str, str] = ("<think>", "</think>")
    layout: Layout = Layout.PLAIN
    wrappers: tuple[str, ...] = ()


_OBJECTS, _NAMED, _TAGGED = CallKind.OBJECTS, CallKind.NAMED, CallKind.TAGGED
_DEEPSEEK_SECTION = ("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>")
_DEEPSEEK_OPENS, _DEEPSEEK_CLOSES = "<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>"


def _dsml(name: str, section: str) -> FamilySyntax:
    """DeepSeek's markup language: the section's name has changed from V3.2 to V4."""
    return FamilySyntax(
        name,
        CallSyntax(
            _TAGGED,
            section=(f"<｜DSML｜{section}>", f"</｜DSML｜{section}>"),
            opens='<｜DSML｜invoke name="',
            name_ends='">',
            closes="</｜DSML｜invoke>",
            key=('<｜DSML｜parameter name="', '">'),
            kinds=('" string="', "true", "false"),
            value=("", "</｜DSML｜parameter>"),
        ),
    )


HERMES = FamilySyntax("hermes", CallSyntax(_OBJECTS, opens="<tool_call>", closes="</tool_call>"))

FAMILIES = (
    FamilySyntax(
        "harmony",
        CallSyntax(_NAMED, name_begins="functions.", closes="<|call|>"),
        thinking=("<|channel|>analysis<|message|>", "<|end|>"),
        layout=Layout.CHANNELS,
    ),
    FamilySyntax(
        "qwen_xml",
        CallSyntax(
            _TAGGED,
            section=("<tool_call>", "</tool_call>"),
            section_each=True,
            opens="<function=",
            name_ends=">",
            closes="</function>",
            key=("<parameter=", ">"),
            value=("", "</parameter>"),
            padding="\n",
        ),
    ),
    FamilySyntax(
        "seed",
        CallSyntax(
            _TAGGED,
            section=("<seed:tool_call>", "</seed:tool_call>"),
            section_each=True,
            opens="<function=",
            name_ends=">",
            closes="</function>",
            key=("<parameter=", ">"),
            value=("", "</parameter>"),
        ),
        thinking=("<seed:think>", "</seed:think>"),
    ),
    FamilySyntax(
        "minimax",
        CallSyntax(
            _TAGGED,
            section=("<minimax:tool_call>", "</minimax:tool_call>"),
            opens='<invoke name="',
            name_ends='">',
            closes="</invoke>",
            key=('<parameter name="', '">'),
            value=("", "</parameter>"),
        ),
    ),
    _dsml("deepseek_v32", "function_calls"),
    _dsml("deepseek_v4", "tool_calls"),
    FamilySyntax(
        "kimi_k3",
        CallSyntax(
            _TAGGED,
            section=("<|open|>tools<|sep|>", "<|close|>tools<|sep|>"),
            opens='<|open|>call tool="',
            name_ends='"',
            rest=(' index="1"', "<|sep|>"),
            closes="<|close|>call<|sep|>",
            key=('<|open|>argument key="', '"<|sep|>'),
            kinds=('" type="', "string", ""),
            value=("", "<|close|>argument<|sep|>"),
        ),
        thinking=("<|open|>think<|sep|>", "<|close|>think<|sep|>"),
        wrappers=(
            "<|open|>response<|sep|>",
            "<|close|>response<|sep|>",
            "<|close|>message<|sep|>",
            "<|end_of_msg|>",
        ),
    ),
    FamilySyntax(
        "solar",
        CallSyntax(
            _NAMED,
            section=("<|tool_calls|>", ""),
            opens="<|tool_call:begin|>",
            id_ends="<|tool_call:name|>",
            name_ends="<|tool_call:args|>",
            closes="<|tool_call:end|>",
        ),
        thinking=("<|think|>", "<|end|>"),
        wrappers=("<|begin|>assistant", "<|content|>", "<|end|>"),
    ),
    FamilySyntax(
        "gigachat",
        CallSyntax(_OBJECTS, opens="function call<|role_sep|>"),
        wrappers=("<|message_sep|>",),
    ),
    FamilySyntax(
        "glm",
        CallSyntax(
            _TAGGED,
            opens="<tool_call>",
            closes="</tool_call>",
            key=("<arg_key>", "</arg_key>"),
            value=("<arg_value>", "</arg_value>"),
        ),
    ),
    HERMES,
    FamilySyntax(
        "gemma",
        CallSyntax(CallKind.BRACES, opens="<|tool_call>", closes="<tool_call|>", name_begins="call:", quote='<|"|>'),
        thinking=("<|channel>thought\n", "<channel|>"),
    ),
    FamilySyntax(
        "function_gemma",
        CallSyntax(
            CallKind.BRACES,
            opens="<start_function_call>",
            closes="<end_function_call>",
            name_begins="call:",
            quote="<escape>",
        ),
    ),
    FamilySyntax(
        "deepseek",
        CallSyntax(
            _NAMED,
            section=_DEEPSEEK_SECTION,
            opens=f"{_DEEPSEEK_OPENS}function<｜tool▁sep｜>",
            fence=("\n```json\n", "\n```"),
            closes=_DEEPSEEK_CLOSES,
        ),
    ),
    FamilySyntax(
        "deepseek_v31",
        CallSyntax(
            _NAMED,
            section=_DEEPSEEK_SECTION,
            opens=_DEEPSEEK_OPENS,
            name_ends="<｜tool▁sep｜>",
            closes=_DEEPSEEK_CLOSES,
        ),
    ),
    FamilySyntax(
        "kimi",
        CallSyntax(
            _NAMED,
            section=("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"),
            opens="<|tool_call_begin|>",
            name_ends="<|tool_call_argument_begin|>",
            name_begins="functions.",
            closes="<|tool_call_end|>",
            id_is_name=True,
        ),
        thinking=("◁think▷", "◁/think▷"),
    ),
    FamilySyntax("phi", CallSyntax(_OBJECTS, section=("<|tool_call|>", "<|/tool_call|>"), as_list=True)),
    FamilySyntax("granite", CallSyntax(_OBJECTS, section=("<|tool_call|>", ""), as_list=True)),
    FamilySyntax("nemotron", CallSyntax(_OBJECTS, section=("<TOOLCALL>", "</TOOLCALL>"), as_list=True)),
    FamilySyntax("tool_calls", CallSyntax(_OBJECTS, section=("<tool_calls>", "</tool_calls>"), as_list=True)),
    FamilySyntax("functools", CallSyntax(_OBJECTS, section=("functools", ""), as_list=True)),
    FamilySyntax(
        "command",
        CallSyntax(
            _OBJECTS,
            section=("<|START_ACTION|>", "<|END_ACTION|>"),
            keys=("tool_name", "parameters"),
            as_list=True,
        ),
        thinking=("<|START_THINKING|>", "<|END_THINKING|>"),
        wrappers=("<|START_RESPONSE|>", "<|END_RESPONSE|>", "<|START_TEXT|>", "<|END_TEXT|>"),
    ),
    FamilySyntax(
        "mistral_args",
        CallSyntax(_NAMED, opens="[TOOL_CALLS]", name_ends="[ARGS]", call_id="[CALL_ID]"),
        thinking=("[THINK]", "[/THINK]"),
    ),
    FamilySyntax(
        "mistral",
        CallSyntax(_OBJECTS, section=("[TOOL_CALLS]", ""), as_list=True),
        thinking=("[THINK]", "[/THINK]"),
    ),
    FamilySyntax("function_tag", CallSyntax(_NAMED, opens="<function=", name_ends=">", closes="</function>")),
    FamilySyntax("functionary", CallSyntax(_NAMED, opens=">>>", name_ends="\n"), layout=Layout.RECIPIENTS),
    FamilySyntax("llama4_pythonic", CallSyntax(CallKind.PYTHONIC, section=("<|python_start|>", "<|python_end|>"))),
    FamilySyntax("lfm", CallSyntax(CallKind.PYTHONIC, section=("<|tool_call_start|>", "<|tool_call_end|>"))),
    FamilySyntax("tool_code", CallSyntax(CallKind.PYTHONIC, section=("```tool_code", "```"))),
    FamilySyntax("llama", CallSyntax(_OBJECTS, section=("<|python_tag|>", ""), keys=("name", "parameters"), bare=True)),
    FamilySyntax("pythonic", CallSyntax(CallKind.PYTHONIC, bare=True)),
)
"""Those in use, in the order in which they are tried on a template's own call; see `templates/probe.py`."""

THINKING_TAGS = (
    ("<think>", "</think>"),
    ("[THINK]", "[/THINK]"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<seed:think>", "</seed:think>"),
    ("<reasoning>", "</reasoning>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<|channel>thought\n", "<channel|>"),
    ("◁think▷", "◁/think▷"),
    ("<|think|>", "<|/think|>"),
)
"""Tags known to surround thinking, for templates that name them without writing any."""
