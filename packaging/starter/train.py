"""Trains the starter on a CPU: fixed seed, fixed number of steps, about three quarters of an hour on one quiet core.

python train.py BUILD_FOLDER
"""

import argparse
import math
import os
import random
import sys
import time
from pathlib import Path

import tokenizer as pieces
import torch
from corpus import DECLINE, LANGUAGES, load_intents
from dialogue import Dialogues, Row
from model import Shape, Starter
from tokenizers import Tokenizer
from torch.nn import functional

SEED = 20260501
# Spinning threads fight with whatever else runs; memory given back after every step costs two thirds of the time.
ENVIRONMENT = {
    "OMP_WAIT_POLICY": "passive",
    "MALLOC_MMAP_THRESHOLD_": "4000000000",
    "MALLOC_TRIM_THRESHOLD_": "20000000000",
    "MALLOC_TOP_PAD_": "500000000",
}
DROPOUT = 0.1
# (share of the steps, row length, rows a step, share of answers given whole)
STAGES = ((0.70, 256, 16, 0.06), (0.12, 512, 8, 0.4), (0.10, 1024, 4, 0.4), (0.08, 2048, 2, 0.5))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=3000)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    random.seed(SEED)
    tokenizer, dropping = make_tokenizers(arguments.folder)
    model = Starter(Shape(vocabulary=tokenizer.get_vocab_size()), DROPOUT)
    print(
        f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters, {tokenizer.get_vocab_size()} pieces",
        flush=True,
    )
    run(model, Dialogues(tokenizer, dropping, SEED), arguments.steps, arguments.folder)
    save(model, arguments.folder)
    print("held-out phrasings understood:", understood(model, tokenizer), flush=True)


def make_tokenizers(folder: Path) -> tuple[Tokenizer, Tokenizer]:
    """The tokenizer, and the same one with BPE dropout for the training questions."""
    path = folder / "tokenizer.json"
    pieces.train().save(str(path))
    tokenizer, dropping = Tokenizer.from_file(str(path)), Tokenizer.from_file(str(path))
    dropping.model.dropout = 0.12
    return tokenizer, dropping


def run(model: Starter, dialogues: Dialogues, steps: int, folder: Path) -> None:
    matrices = [p for p in model.layers.parameters() if p.dim() == 2]
    others = [p for p in model.parameters() if not any(p is m for m in matrices)]
    muon = torch.optim.Muon(matrices, lr=0.01, weight_decay=0.05)
    adam = torch.optim.AdamW(others, lr=4e-3, betas=(0.9, 0.98), weight_decay=0.01)
    for position, layer in enumerate(model.layers):
        model.layers[position] = torch.compile(layer, dynamic=False)
    begun, seen, average = time.monotonic(), 0, 0.0
    for step in range(steps):
        scale = schedule(step / steps)
        for group in muon.param_groups:
            group["lr"] = 0.01 * scale
        for group in adam.param_groups:
            group["lr"] = 4e-3 * scale
        length, rows, whole = stage(step / steps)
        loss = loss_of(model, [dialogues.row(length, whole) for _ in range(rows)])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        muon.step()
        adam.step()
        muon.zero_grad(set_to_none=True)
        adam.zero_grad(set_to_none=True)
        seen += rows * length
        average = loss.item() if step == 0 else 0.95 * average + 0.05 * loss.item()
        if step % 50 == 49:
            spent = time.monotonic() - begun
            print(
                f"step {step + 1}/{steps} loss {average:.3f} {seen / spent:.0f} tok/s {spent / 60:.1f} min", flush=True
            )
        if step % 400 == 399:
            save(model, folder)
            print("held-out phrasings understood:", understood(model, dialogues.tokenizer, 500), flush=True)


def schedule(done: float) -> float:
    """Warm-up over 2 %, then flat, then down to 2 % of the rate over the last 45 % as a cosine."""
    if done < 0.02:
        return done / 0.02 + 1e-3
    if done < 0.55:
        return 1.0
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (done - 0.55) / 0.45))


def stage(done: float) -> tuple[int, int, float]:
    """Row length, rows a step and share of whole answers at this part (0 to 1) of the training."""
    passed = 0.0
    for share, *values in STAGES[:-1]:
        passed += share
        if done < passed:
            return values[0], values[1], values[2]
    return STAGES[-1][1:]


def loss_of(model: Starter, rows: list[Row]) -> torch.Tensor:
    """Mean cross entropy over the weighted tokens; logits are computed for those alone."""
    ids = torch.tensor([row.ids for row in rows])
    weights = torch.tensor([row.weights for row in rows])[:, 1:]
    with torch.autocast("cpu", torch.bfloat16):
        hidden = model.hidden(ids[:, :-1])
        logits = model.logits(hidden[weights > 0])
    return functional.cross_entropy(logits.float(), ids[:, 1:][weights > 0])


@torch.no_grad()
def understood(model: Starter, tokenizer: Tokenizer, most: int = 10_000) -> dict[str, float]:
    """Share of held-out phrasings that lead to the right answer's first six tokens."""
    model = uncompiled(model)
    intents = load_intents()
    start, end = tokenizer.token_to_id("<|im_start|>"), tokenizer.token_to_id("<|im_end|>")

    def role(name: str) -> list[int]:
        return [start, *tokenizer.encode(f"{name}\n").ids]

    newline = tokenizer.encode("\n").ids
    system = role("system") + tokenizer.encode("You are the starter model of Alcove.").ids + [end, *newline]
    result = {}
    for language in LANGUAGES:
        asked = [(key, text) for key, intent in intents.items() for text in intent.held_out(language)]
        asked = random.Random(1).sample(asked, min(most // 2, len(asked)))
        right = {True: 0, False: 0}
        total = {True: 0, False: 0}
        for key, text in asked:
            ids = system + role("user") + tokenizer.encode(text).ids + [end, *newline] + role("assistant")
            wanted = tokenizer.encode(intents[key].answer[language]).ids[:6]
            hidden = model.hidden(torch.tensor([ids + wanted]))[0, len(ids) - 1 : -1]
            total[key == DECLINE] += 1
            right[key == DECLINE] += model.logits(hidden).argmax(-1).tolist() == wanted
        result[language] = round(right[False] / max(1, total[False]), 3)
        result[f"{language} declined"] = round(right[True] / max(1, total[True]), 3)
    return result


def uncompiled(model: Starter) -> Starter:
    """A copy for judging, without dropout and for rows of any length."""
    copy = Starter(model.shape)
    copy.load_state_dict({name.replace("._orig_mod", ""): value for name, value in model.state_dict().items()})
    return copy.eval()


def save(model: Starter, folder: Path) -> None:
    weights = {name.replace("._orig_mod", ""): value for name, value in model.state_dict().items()}
    torch.save({"shape": model.shape.as_dict(), "weights": weights}, folder / "starter.pt")


if __name__ == "__main__":
    if not ENVIRONMENT.items() <= os.environ.items():
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **ENVIRONMENT})
    main()
