"""Log-probabilities of tokens, by the logits as the model gave them."""

from app.backends.llama.sampling.logits import Logits, descending, leaders, log_total
from app.backends.llama.vocabulary import Vocabulary
from app.protocol import TokenLogprob


def token_logprob(logits: Logits, token: int, count: int, vocabulary: Vocabulary) -> TokenLogprob:
    """The natural logarithm of the token's probability, and the `count` likeliest tokens, the likeliest first."""
    total = log_total(logits)

    def entry(token: int, top: tuple[TokenLogprob, ...] = ()) -> TokenLogprob:
        raw = vocabulary.bytes_of(token)
        return TokenLogprob(token=token, text=_text(raw), raw=raw, logprob=float(logits[token]) - total, top=top)

    likeliest = descending(logits, leaders(logits, count))[:count] if count else ()
    return entry(token, tuple(entry(int(other)) for other in likeliest))


def _text(raw: bytes) -> str:
    """Empty for what is no whole text."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return ""
