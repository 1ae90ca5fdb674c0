"""Reads the calls of tools in an answer, in whichever way the model's family writes them.

What turns out to be no call is given as the text it is. A call is given as soon as its name is certain and its
arguments begin; should these break after that, the rest is given as it is written: arguments are the model's own text.
"""

from collections.abc import Callable, Mapping, Sequence

from app.backends.llama.output.arriving import WORD_LIMIT, ArrivingText, Markers, Step
from app.backends.llama.output.object_call import ObjectCall
from app.backends.llama.output.parts import Parts
from app.backends.llama.output.scanners import BracketScanner, JsonScanner, ScanState
from app.backends.llama.output.syntax import CallKind, CallSyntax
from app.backends.llama.output.values import (
    WrittenCall,
    brace_arguments,
    properties_of,
    python_calls,
    to_json,
    typed_value,
)
from app.protocol import ToolSpec

_FENCE_OPENS = ("```json", "```")


class CallReader:
    """Reads what follows the text that announces calls."""

    def __init__(
        self,
        text: ArrivingText,
        parts: Parts,
        syntax: CallSyntax,
        tools: Sequence[ToolSpec],
        show: Callable[[str], None] | None = None,
    ) -> None:
        self.section_ended = False
        """All calls of the answer have been read."""
        self._text = text
        self._parts = parts
        self._syntax = syntax
        self._show = show or parts.text
        self._tools: Mapping[str, ToolSpec] = {tool.name: tool for tool in tools}
        self._bodies: dict[CallKind, Callable[[], Step[bool]]] = {
            CallKind.OBJECTS: self._read_objects,
            CallKind.NAMED: self.read_named,
            CallKind.TAGGED: self._read_tagged,
            CallKind.PYTHONIC: self._read_pythonic,
            CallKind.BRACES: self._read_braces,
        }

    def read(self, opener: str, before: str = "") -> Step[bool]:
        """Read what follows `opener`, which is empty where calls are the whole answer; returns whether it was a call.

        What is none is shown, after `opener` and the white space `before` it.
        """
        began = self._parts.calls
        self._text.record(before + opener)
        yield from self._read_section(in_section=opener == self._syntax.section[0], bare=not opener)
        self._show(self._text.stop_recording())
        return self._parts.calls > began

    def _read_section(self, *, in_section: bool, bare: bool) -> Step[None]:
        began, opens = self._parts.calls, self._syntax.opens
        while True:
            if in_section and opens:
                yield from self._text.space()
                if not (yield from self._text.literal(opens)):
                    break
            if bare and not (yield from self._names_a_tool()):
                return
            if not (yield from self._bodies[self._syntax.kind]()):
                return
            yield from self._close(self._syntax.closes)
            if not (in_section and opens):
                break
        if self._parts.calls > began:
            yield from self._close(self._syntax.section[1])
            self.section_ended = in_section and not self._syntax.section_each

    def _names_a_tool(self) -> Step[bool]:
        """Whether a bare answer can be a call; objects look for themselves."""
        if self._syntax.kind is not CallKind.PYTHONIC:
            return True
        if not (yield from self._text.literal("[")):
            return False
        return (yield from self._text.word()) in self._tools and (yield from self._text.literal("("))

    def _close(self, closes: str) -> Step[None]:
        """Take white space and the text that closes; what was read up to here is accounted for."""
        self._settle()
        yield from self._text.space()
        if closes:
            yield from self._text.literal(closes)
        self._settle()

    def _settle(self) -> None:
        self._text.record()

    # ------------------------------------------------------------ objects

    def _read_objects(self) -> Step[bool]:
        text = self._text
        yield from text.space()
        is_list = yield from text.literal("[")
        alone = not is_list and bool(self._syntax.opens)
        read = False
        while True:
            yield from text.space()
            if not (yield from text.literal("{")):
                break
            known = self._tools if self._syntax.bare else None
            if not (yield from ObjectCall(text, self._parts, known, self._show).read(self._rest_of_arguments)):
                return False
            read = True
            self._settle()
            if alone:
                return True
            yield from text.space()
            if not ((yield from text.literal(",")) or (yield from text.literal(";"))) and is_list:
                break
        if is_list and read:
            yield from text.literal("]")
        return read

    # ------------------------------------------------------------ a name, then JSON

    def read_named(self) -> Step[bool]:
        """A name, what ends it, and arguments."""
        text, syntax = self._text, self._syntax
        yield from text.space()
        if (yield from text.next()) in ("{", "["):
            return (yield from self._read_objects())
        first_id = ""
        if syntax.id_ends:
            first_id = (yield from text.near(syntax.id_ends, WORD_LIMIT)) or ""
        prefixed = bool(syntax.name_begins) and (yield from text.literal(syntax.name_begins))
        word = yield from text.word()
        call_id = first_id
        if syntax.call_id and (yield from text.literal(syntax.call_id)):
            call_id = yield from text.word()
        name = word
        if syntax.id_is_name:
            name, call_id = word.split(":")[0], (syntax.name_begins if prefixed else "") + word
        if not name or not (yield from self._take_name_end()):
            return False
        return (yield from self.read_arguments(name, call_id))

    def _take_name_end(self) -> Step[bool]:
        if not self._syntax.name_ends:
            return True
        if (yield from self._text.literal(self._syntax.name_ends)):
            return True
        yield from self._text.space()
        return (yield from self._text.literal(self._syntax.name_ends))

    def read_arguments(self, name: str, call_id: str = "") -> Step[bool]:
        """The JSON object of a call whose name is known, with or without a code fence around it."""
        text = self._text
        yield from text.space()
        fenced = False
        for fence in _FENCE_OPENS:
            fenced = fenced or (yield from text.literal(fence))
        yield from text.space()
        if (yield from text.next()) != "{":
            return False
        self._parts.begin_call(name, call_id)
        self._settle()
        if (yield from text.scan(JsonScanner(), self._parts.arguments)) is ScanState.FAILED:
            yield from self._rest_of_arguments()
        self._settle()
        yield from text.space()
        if fenced:
            yield from text.literal("```")
        return True

    def _rest_of_arguments(self) -> Step[None]:
        """Arguments that are no JSON go on as they are up to what closes the call."""
        ends = Markers([self._syntax.closes or self._syntax.section[1]])
        yield from self._text.stream(ends, self._parts.arguments)

    # ------------------------------------------------------------ a name, then tags

    def _read_tagged(self) -> Step[bool]:
        text, syntax = self._text, self._syntax
        yield from text.space()
        if (yield from text.next()) in ("{", "["):
            return (yield from self._read_objects())
        name = yield from text.word()
        if not name or not (yield from self._take_name_end()):
            return False
        if syntax.rest[1] and (yield from text.near(syntax.rest[1], WORD_LIMIT)) is None:
            return False
        arguments: dict[str, object] = {}
        schemas = properties_of(self._tools.get(name))
        while True:
            yield from text.space()
            if not (yield from text.literal(syntax.key[0])):
                break
            pair = yield from self._read_pair()
            if pair is None:
                return False
            key, kind, value = pair
            arguments[key] = typed_value(value, schemas.get(key, {}) if kind is None else {"type": kind})
        if not (yield from text.literal(syntax.closes)) and (yield from text.next()):
            return False
        self._give(WrittenCall(name, to_json(arguments)))
        return True

    def _read_pair(self) -> Step[tuple[str, str | None, str] | None]:
        """An argument's name, its JSON type where one is said, and its value, after what announces it."""
        text, syntax = self._text, self._syntax
        key = yield from text.near(syntax.key[1], limit=128)
        if key is None:
            return None
        if syntax.value[0]:
            yield from text.space()
            if not (yield from text.literal(syntax.value[0])):
                return None
        value = yield from text.until(syntax.value[1])
        if value is None:
            return None
        between, of_text, _ = syntax.kinds
        name, said, kind = key.partition(between) if between else (key, "", "")
        known = ("string" if kind == of_text else "any") if said else None
        return name.strip(), known, value if said else value.removeprefix("\n").removesuffix("\n")

    # ------------------------------------------------------------ Python and braces

    def _read_pythonic(self) -> Step[bool]:
        text, pieces = self._text, list[str]()
        yield from text.space()
        ends = Markers([self._syntax.section[1]])
        bare = text.recorded().lstrip()
        if bare.startswith("["):  # a bare answer, read up to its first bracket
            pieces.append(bare)
            scanner = BracketScanner()
            scanner.feed(bare, 0)
            yield from text.scan(scanner, pieces.append)
        elif (yield from text.next()) == "[":
            yield from text.scan(BracketScanner(), pieces.append)
        elif ends.texts:
            yield from text.stream(ends, pieces.append)
        try:
            calls = python_calls("".join(pieces), self._tools)
        except ValueError:
            return False
        for call in calls:
            self._give(call)
        return bool(calls)

    def _read_braces(self) -> Step[bool]:
        text, syntax = self._text, self._syntax
        yield from text.space()
        yield from text.literal(syntax.name_begins)
        name = yield from text.word()
        if not name or (yield from text.next()) != "{":
            return False
        body = yield from text.until(syntax.closes)
        if body is None:
            return False
        try:
            self._give(WrittenCall(name, brace_arguments(body.strip(), syntax.quote)))
        except ValueError:
            return False
        return True

    def _give(self, call: WrittenCall) -> None:
        self._parts.begin_call(call.name)
        self._parts.arguments(call.arguments)
