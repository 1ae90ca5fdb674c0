"""Judges the starter through Alcove's own engine, with phrasings made from intents.tsv; prints one JSON object.

    .venv/bin/python packaging/starter/judge.py [MODEL] [--late SHARE] [--most N] [--faults]

An answer is right when it lies within 20 % edit distance of the wanted intent's answer in the language asked. With
`--late 0.9` every question comes at the end of a conversation that fills 90 % of the context. Exit status 1 when a
bound of the starter's promise is missed.
"""

import argparse
import asyncio
import csv
import json
import random
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent)]

from corpus import DECLINE, LANGUAGES, Intent, Language, load_intents  # noqa: E402

from app.backends.base import Backend  # noqa: E402
from app.backends.llama.process import llama_backend  # noqa: E402
from app.protocol import ChatTurn, Delta, Finished, FinishReason, Generate, GenerationStats, LoadParams, Role, Sampling  # noqa: E402  # noqa: E402

RIGHT, DECLINED, LONGEST = 0.85, 0.90, 400


@dataclass(frozen=True)
class Question:
    intent: str
    language: Language
    text: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path, default=HERE.parent.parent / "resources" / "starter.gguf")
    parser.add_argument("--late", type=float, default=0.0, help="share of the context filled before the question")
    parser.add_argument("--most", type=int, default=10_000, help="only so many questions, chosen at random")
    parser.add_argument("--faults", action="store_true", help="name every misunderstood question on stderr")
    arguments = parser.parse_args()
    questions = load_questions(arguments.most)
    result = asyncio.run(judge(arguments.model, questions, arguments.late, arguments.faults))
    print(json.dumps(result))
    return 0 if result["passed"] else 1


def load_questions(most: int) -> list[Question]:
    with (HERE / "judge.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    questions = [Question(row["intent"], "en" if row["language"] == "en" else "zh", row["text"]) for row in rows]
    return questions if len(questions) <= most else random.Random(5).sample(questions, most)


async def judge(model: Path, questions: Sequence[Question], late: float, faults: bool) -> dict[str, object]:
    """Shares of right answers by language, of foreign questions declined, and the longest answer."""
    intents = load_intents()
    backend = llama_backend()()
    loaded = await backend.load(str(model), LoadParams(), lambda _: None)
    ask = Asker(backend)
    history = await ask.history(intents, int(late * loaded.context_length)) if late else ()
    before = (await ask(history, "?", most=1))[1].prompt_tokens
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    longest = unfinished = 0
    for question in questions:
        answer, stats = await ask(history, question.text)
        kind = "foreign" if question.intent == DECLINE else question.language
        understood = close(answer, intents[question.intent].answer[question.language])
        total[kind] += 1
        right[kind] += understood
        longest = max(longest, stats.answer_tokens)
        unfinished += stats.finish_reason is not FinishReason.STOP
        if faults and not understood:
            print(f"{question.intent}\t{question.text}\t{answer[:60]!r}", file=sys.stderr)
    await backend.unload()
    shares = {kind: round(right[kind] / total[kind], 3) for kind in sorted(total)}
    passed = (
        all(shares.get(language, 1.0) >= RIGHT for language in LANGUAGES) and shares.get("foreign", 1.0) >= DECLINED
    )
    return {
        "questions": len(questions),
        "tokens_before": before,
        **shares,
        "longest_answer_tokens": longest,
        "unfinished": unfinished,
        "passed": passed and longest <= LONGEST and not unfinished,
    }


class Asker:
    """Asks the engine at temperature 0."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.numbers = count(1)

    async def __call__(
        self, history: tuple[ChatTurn, ...], text: str, most: int = LONGEST + 1
    ) -> tuple[str, GenerationStats]:
        """The answer and what it cost; longer than `most` tokens it is cut."""
        turns = (*history, ChatTurn(role=Role.USER, content=text))
        request = Generate(
            request_id=next(self.numbers), turns=turns, sampling=Sampling(temperature=0.0, max_tokens=most)
        )
        answer, stats = "", None
        async for part in self.backend.generate(request):
            if isinstance(part, Delta):
                answer += part.text
            elif isinstance(part, Finished):
                stats = part.stats
        assert stats is not None
        return answer, stats

    async def history(self, intents: dict[str, Intent], tokens: int) -> tuple[ChatTurn, ...]:
        """A conversation about random intents that takes as many tokens as fit into `tokens`."""
        rng = random.Random(11)
        turns: tuple[ChatTurn, ...] = ()
        misses = 0
        while misses < 40:
            intent, language = intents[rng.choice(sorted(intents))], rng.choice(LANGUAGES)
            asked = ChatTurn(role=Role.USER, content=rng.choice(intent.training(language)))
            longer = (*turns, asked, ChatTurn(role=Role.ASSISTANT, content=intent.answer[language]))
            _, stats = await self(longer, "?", most=1)
            if stats.prompt_tokens <= tokens:
                turns = longer
            else:
                misses += 1
        return turns


def close(answer: str, wanted: str) -> bool:
    """Whether the edit distance is at most a fifth of the longer text."""
    a, b = answer.strip(), wanted.strip()
    most = max(len(a), len(b)) // 5
    return abs(len(a) - len(b)) <= most and distance(a, b, most) <= most


def distance(a: str, b: str, most: int) -> int:
    """Levenshtein distance, given up as soon as it must exceed `most`."""
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        above, row[0] = row[0], i
        for j, right in enumerate(b, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (left != right))
        if min(row) > most:
            return most + 1
    return row[-1]


if __name__ == "__main__":
    sys.exit(main())
