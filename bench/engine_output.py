"""Figures of what comes out: speculation from a given text, and output in a given shape."""

import json

from app.protocol import FormatKind, Generate, LoadParams, OutputFormat, Sampling
from bench.workers import Answer, Bench, answer, middle, question, words, worker, write_for

CONTEXT = 8192
PROMPT = 16
ANSWER = 180
"""Tokens of a speculated answer: with its prompt within 256 cells. From 512 on llama.cpp divides the attention of a
step of one token among its threads, which rounds otherwise than a step of several; random weights feel every rounding.
"""
MANY = 4000
OTHER = "abc"
"""Stands for a wrong token: is one itself."""
CHANGED_EVERY = 20
"""One token of so many is changed in the text that is drafted from: 5 %."""
DECOY_LENGTH = 6
"""Tokens of the answer before each wrong one in a text whose drafts are always wrong."""
FREE = Sampling(temperature=1.0, top_k=0, top_p=1.0, min_p=0.0, repeat_penalty=1.0, seed=1, ignore_end=True)
SCHEMA = {
    "type": "object",
    "properties": {
        "people": {
            "type": "array",
            "minItems": 1000,
            "items": {
                "type": "object",
                "properties": {
                    "name": {"type": "string", "maxLength": 24},
                    "age": {"type": "integer", "minimum": 0, "maximum": 150},
                    "likes": {"type": "array", "items": {"type": "string", "maxLength": 12}, "maxItems": 4},
                    "kind": {"enum": ["reader", "writer", "both"]},
                },
                "required": ["name", "age", "likes", "kind"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["people"],
    "additionalProperties": False,
}


async def speculation(bench: Bench) -> dict[str, object]:
    """Speed with drafts from a text that is 95 % right (wanted: 1.8 of plain) and from one that is always wrong
    (0.97); `identical`: the text is the same with and without."""
    found: dict[str, list[Answer]] = {"plain": [], "right": [], "wrong": []}
    async with worker(bench.model, LoadParams(context_length=CONTEXT, slots=1)) as backend:
        for number in range(bench.rounds):
            prompt = words(PROMPT, number)
            await answer(backend, question(prompt, 1))  # so that all find the prompt cached alike
            plain = await answer(backend, question(prompt, ANSWER, speculate=False))
            said = plain.text.split()
            found["plain"].append(plain)
            for name, text in (("right", _mostly_right(said)), ("wrong", _always_wrong(said))):
                found[name].append(await answer(backend, question(prompt, ANSWER, prediction=text)))
    pairs = {name: list(zip(found[name], found["plain"], strict=True)) for name in ("right", "wrong")}
    return {
        "plain_rate": middle((one.rate for one in found["plain"]), 2),
        "right_of_plain": middle(one.rate / plain.rate for one, plain in pairs["right"]),
        "wrong_of_plain": middle(one.rate / plain.rate for one, plain in pairs["wrong"]),
        "right_acceptance": middle(_acceptance(one) for one in found["right"]),
        "wrong_acceptance": middle(_acceptance(one) for one in found["wrong"]),
        "wrong_drafted": middle((one.figures.drafted_tokens for one in found["wrong"]), 0),
        "identical": all(one.text == plain.text for both in pairs.values() for one, plain in both),
    }


async def constrained(bench: Bench) -> dict[str, object]:
    """JSON-Schema output beside free output, one stream, random weights: nearly every free sample is refused
    (wanted: 0.95)."""
    shape = OutputFormat(kind=FormatKind.JSON_SCHEMA, source=json.dumps(SCHEMA))
    free, shaped = [], []
    async with worker(bench.model, LoadParams(context_length=CONTEXT)) as backend:
        await answer(backend, _sampled(0, 16, shape))
        for number in range(bench.rounds):
            free.append((await write_for(backend, bench.seconds, _sampled(number, MANY))).rate)
            shaped.append((await write_for(backend, bench.seconds, _sampled(number, MANY, shape))).rate)
    ratios = (one / other for one, other in zip(shaped, free, strict=True))
    return {"free_rate": middle(free, 2), "constrained_rate": middle(shaped, 2), "of_free": middle(ratios)}


def _sampled(number: int, tokens: int, shape: OutputFormat | None = None) -> Generate:
    return question(words(PROMPT, number), tokens, FREE, format=shape or OutputFormat(), speculate=False)


def _mostly_right(said: list[str]) -> str:
    """The words with one of every `CHANGED_EVERY` replaced."""
    changed = [OTHER if index % CHANGED_EVERY == CHANGED_EVERY // 2 else word for index, word in enumerate(said)]
    return "".join(f" {word}" for word in changed)


def _always_wrong(said: list[str]) -> str:
    """Every short run of the words, each followed by a word that does not follow it."""
    runs = [said[first : first + DECOY_LENGTH] for first in range(len(said) - DECOY_LENGTH)]
    return "".join(f" {word}" for run in runs for word in (*run, OTHER))


def _acceptance(one: Answer) -> float:
    return one.figures.accepted_tokens / max(1, one.figures.drafted_tokens)
