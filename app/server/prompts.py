"""What the model is asked: the turns of a branch and the options of a conversation, as one request to the engine."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import fields, replace

from app.errors import AppError
from app.protocol import (
    ChatTurn,
    Generate,
    ImagePart,
    Message,
    Options,
    Priority,
    Role,
    Sampling,
    ToolSpec,
)

NOT_RUN = "The person did not allow this call."
"""What the model reads in the place of a result that was never made."""
_GREATEST = 2**63


@dataclass(frozen=True)
class Wish:
    """What a message asks for beyond its conversation's options."""

    sampling: Sampling = field(default_factory=Sampling)
    thinking: bool = False


@dataclass(frozen=True)
class Prompt:
    """Turns, and for each the message it was made of (None: of none)."""

    turns: tuple[ChatTurn, ...]
    sources: tuple[int | None, ...]

    def first_kept(self, dropped: Iterable[int]) -> int | None:
        """The first message that is still read when these turns (indexes) are left out; None where none were."""
        left_out = set(dropped)
        kept = (source for index, source in enumerate(self.sources) if source is not None and index not in left_out)
        return next(kept, None) if left_out else None


def prompt_of(
    system_prompt: str, branch: Sequence[Message], pictures: Mapping[str, bytes], with_last: bool = False
) -> Prompt:
    """The system prompt, then every message of the branch that says something; `pictures` are bytes by image id.

    Calls that were never answered are answered for: many templates refuse a conversation in which one is not.
    With `with_last` the last message is kept although it says nothing yet.
    """
    collected: list[tuple[ChatTurn, int | None]] = []
    if system_prompt:
        collected.append((ChatTurn(role=Role.SYSTEM, content=system_prompt), None))
    last_question = max((index for index, each in enumerate(branch) if each.role is Role.USER), default=0)
    for index, message in enumerate(branch):
        if not _says_something(message) and not (with_last and index == len(branch) - 1):
            continue
        collected.append((_turn(branch, index, pictures, with_thinking=index > last_question), message.id))
        if message.tool_calls:
            collected += [(turn, None) for turn in _missing_results(message, branch[index + 1 :])]
    return Prompt(tuple(turn for turn, _ in collected), tuple(source for _, source in collected))


def request_of(
    request_id: int, prompt: Prompt, options: Options, wish: Wish, tools: Sequence[ToolSpec], keep_as: str = ""
) -> Generate:
    """The request of a conversation. Raises AppError("bad_request") for numbers no engine could be sent."""
    sampling = merged(options.sampling, wish.sampling)
    check_numbers(sampling)
    check_numbers(options)
    return Generate(
        request_id=request_id,
        turns=prompt.turns,
        sampling=sampling,
        format=options.format,
        thinking=wish.thinking if options.thinking is None else options.thinking,
        thinking_budget=options.thinking_budget,
        tools=tuple(tools),
        context_policy=options.context_policy,
        stop_repetition=options.stop_repetition,
        priority=Priority.WINDOW,
        keep_as=keep_as,
    )


def merged(base: Sampling, over: Sampling) -> Sampling:
    """The base with the fields that `over` sets."""
    given = {field.name: getattr(over, field.name) for field in fields(Sampling)}
    plain = Sampling()
    return replace(base, **{name: value for name, value in given.items() if value != getattr(plain, name)})


def check_numbers(asked: Sampling | Options) -> None:
    """Raise AppError("bad_request") naming a whole number of more than 64 bits."""
    for name in asked.__struct_fields__:
        value = getattr(asked, name)
        if isinstance(value, int) and not -_GREATEST <= value < _GREATEST:
            raise AppError("bad_request", reason=f"{name} is out of range")
    if isinstance(asked, Sampling) and any(not 0 <= token < _GREATEST for token in asked.logit_bias):
        raise AppError("bad_request", reason="logit_bias names a token that cannot be")


def image_ids(branch: Iterable[Message]) -> set[str]:
    """The pictures of these messages."""
    return {image_id for message in branch for image_id in message.images}


def _says_something(message: Message) -> bool:
    return bool(message.text or message.tool_calls or message.images or message.role is Role.TOOL)


def _turn(branch: Sequence[Message], index: int, pictures: Mapping[str, bytes], with_thinking: bool) -> ChatTurn:
    """The message as a template sees it. Thoughts before the last question are over: templates would drop them."""
    message = branch[index]
    return ChatTurn(
        role=message.role,
        content=message.text,
        thinking=message.thinking if with_thinking else "",
        tool_calls=message.tool_calls,
        tool_call_id=message.tool_call_id,
        name=_tool_name(message, branch[:index]) if message.role is Role.TOOL else "",
        images=tuple(ImagePart(data=pictures[image_id]) for image_id in message.images),
    )


def _tool_name(result: Message, before: Sequence[Message]) -> str:
    """The tool whose result this is."""
    calls = (call for message in reversed(before) for call in message.tool_calls)
    return next((call.name for call in calls if call.id == result.tool_call_id), "")


def _missing_results(message: Message, after: Sequence[Message]) -> list[ChatTurn]:
    """A result for each call of this message that the tools' messages behind it do not answer."""
    answered = set()
    for follower in after:
        if follower.role is not Role.TOOL:
            break
        answered.add(follower.tool_call_id)
    return [
        ChatTurn(role=Role.TOOL, content=NOT_RUN, tool_call_id=call.id, name=call.name)
        for call in message.tool_calls
        if call.id not in answered
    ]
