"""Builds training rows: conversations about random intents, with thinking, tools and other system prompts now and then.

A row is a list of token ids and a list of weights; only what the assistant writes is learned (weight 1). Most answers
are cut after their first tokens: those decide which intent was understood, the rest is known by heart after a few
repetitions.
"""

import json
import random
from dataclasses import dataclass

from corpus import DECLINE, LANGUAGES, Intent, Language, load_intents, load_templates
from tokenizers import Tokenizer
from vary import vary

SYSTEM = "You are the starter model of Alcove."
OTHER_SYSTEMS = (
    "You are a helpful assistant.",
    "Answer briefly.",
    "You are a pirate.",
    "请用中文回答。",
    "你是一个有帮助的助手。",
    "Be kind and precise.",
    "You are an expert in local models.",
    "Talk like a teacher.",
    "请简短回答。",
    "You are Alcove's built-in model. Answer in Markdown.",
)
TOOLS = {
    "get_hardware": "The machine's CPU, memory and GPU",
    "get_time": "The current date and time",
    "list_models": "Models in the library",
    "get_weather": "Weather of a city",
    "web_search": "Search the web",
    "run_code": "Run Python code",
}
CALL = 'Call one with <tool_call>{"name": NAME, "arguments": {}}</tool_call>.'
TOOL_OF = {"my_hardware": "get_hardware", "what_time_is_it": "get_time", "which_models_here": "list_models"}
THOUGHT = {
    "en": "The question is about {topic}. I know this, so I answer in English.",
    "zh": "这个问题是关于{topic}的。我知道答案，用中文回答。",
}
GPUS = (
    "NVIDIA RTX 4060",
    "NVIDIA RTX 3090",
    "AMD Radeon RX 7800 XT",
    "Intel Arc A770",
    "Apple M3",
    "none",
    "NVIDIA GTX 1650",
)
NAMES = (
    "starter",
    "qwen3-8b-q4_k_m",
    "gemma-3-4b-it-q4_0",
    "llama-3.2-3b-q5_k_m",
    "mistral-7b-q4_k_m",
    "phi-4-q4_k_m",
    "glm-4-9b-q6_k",
)


@dataclass
class Row:
    ids: list[int]
    weights: list[float]

    def add(self, ids: list[int], weight: float) -> None:
        self.ids += ids
        self.weights += [weight] * len(ids)


class Dialogues:
    """An endless source of rows, the same for the same seed."""

    def __init__(self, tokenizer: Tokenizer, dropout: Tokenizer, seed: int) -> None:
        self.rng = random.Random(seed)
        self.tokenizer = tokenizer
        self.dropout = dropout
        self.start, self.end = (tokenizer.token_to_id(text) for text in ("<|im_start|>", "<|im_end|>"))
        self.intents = load_intents()
        self.ids = [key for key in self.intents if key != DECLINE]
        templates = load_templates()
        self.foreign: dict[Language, list[list[str]]] = {
            language: [self.intents[DECLINE].training(language), templates[language]] for language in LANGUAGES
        }
        self._bags: dict[tuple[str, Language], list[str]] = {}
        self._cache: dict[str, list[int]] = {}

    def row(self, length: int, whole: float) -> Row:
        """One conversation of `length + 1` tokens; `whole` is the share of answers given in full."""
        row = Row([], [])
        mode = self.rng.choices(("plain", "think", "tools", "other"), (0.57, 0.14, 0.22, 0.07))[0]
        offered = self._offer() if mode == "tools" else []
        row.add(self._system(mode, offered), 0.0)
        while len(row.ids) <= length:
            self._turn(row, whole, mode == "think", offered)
        return Row(row.ids[: length + 1], row.weights[: length + 1])

    def _system(self, mode: str, offered: list[str]) -> list[int]:
        text = self.rng.choice(OTHER_SYSTEMS) if mode == "other" else SYSTEM
        if offered:
            lines = "\n".join(
                json.dumps(
                    {"name": name, "description": TOOLS[name], "parameters": {"type": "object", "properties": {}}}
                )
                for name in offered
            )
            text += f"\n\nTools:\n<tools>\n{lines}\n</tools>\n{CALL}"
        return self._head("system") + self._encode(text) + self._tail()

    def _turn(self, row: Row, whole: float, thinking: bool, offered: list[str]) -> None:
        language = self.rng.choice(LANGUAGES)
        intent = self._pick(offered)
        question = self._question(intent, language)
        encode = self._encode_dropped if self.rng.random() < 0.5 else self._encode_fresh
        row.add(self._head("user") + encode(question) + self._tail() + self._head("assistant"), 0.0)
        tool = TOOL_OF.get(intent.id)
        if tool and tool in offered:
            self._call(row, tool, language)
            return
        if thinking:
            row.add(self._encode("<think>\n"), 0.0)
            thought = THOUGHT[language].format(topic=intent.topic[language])
            row.add(self._encode(thought + "\n</think>\n\n"), 1.0)
        answer = [*self._encode(intent.answer[language]), self.end]
        if self.rng.random() >= whole:
            row.add(answer[: self.rng.randint(5, 10)], 1.0)
            row.add([self.end], 0.0)
        else:
            row.add(answer, 1.0)
        row.add(self._encode("\n"), 0.0)

    def _offer(self) -> list[str]:
        """One to four tools, seven times in ten with one among them that some question calls."""
        offered = self.rng.sample(list(TOOLS), self.rng.randint(0, 3))
        others = list(TOOL_OF.values()) if self.rng.random() < 0.7 else list(TOOLS)
        offered = list(dict.fromkeys([self.rng.choice(others), *offered]))
        self.rng.shuffle(offered)
        return offered

    def _pick(self, offered: list[str]) -> Intent:
        if offered and self.rng.random() < 0.5:
            return self.intents[self.rng.choice(list(TOOL_OF))]
        if self.rng.random() < 0.2:
            return self.intents[DECLINE]
        return self.intents[self.rng.choice(self.ids)]

    def _question(self, intent: Intent, language: Language) -> str:
        if intent.id == DECLINE:
            return vary(self.rng.choice(self.rng.choices(self.foreign[language], (0.55, 0.45))[0]), language, self.rng)
        bag = self._bags.setdefault((intent.id, language), [])
        if not bag:
            bag += intent.training(language)
            self.rng.shuffle(bag)
        return vary(bag.pop(), language, self.rng)

    def _call(self, row: Row, tool: str, language: Language) -> None:
        content, answer = self._tool_result(tool, language)
        row.add([*self._encode(f'<tool_call>\n{{"name": "{tool}", "arguments": {{}}}}\n</tool_call>'), self.end], 1.0)
        row.add(self._encode("\n"), 0.0)
        row.add(
            self._head("user")
            + self._encode_fresh(f"<tool_response>\n{content}\n</tool_response>")
            + self._tail()
            + self._head("assistant"),
            0.0,
        )
        row.add([*self._encode_fresh(answer), self.end], 1.0)
        row.add(self._encode("\n"), 0.0)

    def _tool_result(self, tool: str, language: Language) -> tuple[str, str]:
        rng = self.rng
        if tool == "get_time":
            day = f"{rng.randint(2024, 2031)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
            moment = f"{day} {rng.randint(0, 23):02}:{rng.randint(0, 59):02}"
            return json.dumps({"time": moment}), f"It is {moment}." if language == "en" else f"现在是 {moment}。"
        if tool == "list_models":
            names = rng.sample(NAMES, rng.randint(1, 4))
            return json.dumps({"models": names}), (
                "These models are here: " if language == "en" else "这里有这些模型："
            ) + ", ".join(names)
        gpu, vram, ram = rng.choice(GPUS), rng.choice((4, 6, 8, 12, 16, 24)), rng.choice((8, 16, 32, 64))
        content = json.dumps({"gpu": gpu, "vram_gib": vram, "ram_gib": ram})
        if language == "en":
            return content, f"This computer has {ram} GiB of memory. GPU: {gpu}, {vram} GiB."
        return content, f"这台电脑有 {ram} GiB 内存。显卡：{gpu}，{vram} GiB。"

    def _head(self, role: str) -> list[int]:
        return [self.start, *self._encode(f"{role}\n")]

    def _tail(self) -> list[int]:
        return [self.end, *self._encode("\n")]

    def _encode(self, text: str) -> list[int]:
        if text not in self._cache:
            self._cache[text] = self.tokenizer.encode(text).ids
        return self._cache[text]

    def _encode_fresh(self, text: str) -> list[int]:
        return self.tokenizer.encode(text).ids

    def _encode_dropped(self, text: str) -> list[int]:
        """BPE with dropout: the same text in other pieces, so that rare words and typos are not strangers."""
        return self.dropout.encode(text).ids
