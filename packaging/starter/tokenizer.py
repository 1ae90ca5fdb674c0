"""Trains the starter's byte-level BPE on the corpus: about 8k pieces, splitting rules of Qwen2, English and Chinese."""

import random
import sys
from pathlib import Path

from corpus import LANGUAGES, load_intents, load_templates
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from vary import SAME

PIECES = 8192
CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
TAGS = (
    "<think>",
    "</think>",
    "<tool_call>",
    "</tool_call>",
    "<tools>",
    "</tools>",
    "<tool_response>",
    "</tool_response>",
)
# llama.cpp knows these rules as pre-tokenizer "qwen2".
QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def train(seed: int = 7) -> Tokenizer:
    """A tokenizer whose control tokens and tags hold the highest ids."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN2), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=PIECES - len(CONTROL) - len(TAGS),
        min_frequency=2,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_texts(random.Random(seed)), trainer)
    tokenizer.add_special_tokens([AddedToken(text, normalized=False, special=True) for text in CONTROL + TAGS])
    return tokenizer


def _texts(rng: random.Random) -> list[str]:
    """All the model will read, answers several times; Chinese in one or two characters: no piece is a sentence."""
    texts = []
    templates = load_templates()
    for intent in load_intents().values():
        for language in LANGUAGES:
            pieces = [intent.answer[language]] * 4 + [intent.topic[language]] + intent.training(language)
            if language == "zh":
                pieces = [_cut(piece, rng) for piece in pieces for _ in range(2)]
            texts += pieces
    texts += templates["en"] + [_cut(text, rng) for text in templates["zh"]]
    texts += [f" {word}" for groups in SAME.values() for group in groups for word in group] * 3
    return texts


def _cut(text: str, rng: random.Random) -> str:
    cut = ""
    for position, character in enumerate(text):
        cut += character
        if "\u4e00" <= character <= "\u9fff" and (rng.random() < 0.55 or position % 2):
            cut += "\n"
    return cut


if __name__ == "__main__":
    target = Path(sys.argv[1])
    tokenizer = train()
    tokenizer.save(str(target))
    print(f"{tokenizer.get_vocab_size()} pieces in {target}")
