"""What one answer cost, line by line, in words: shown when the figures under it are pointed at."""

from PySide6.QtCore import QObject

from app.format import Language, count, rate, seconds
from app.protocol import FinishReason, GenerationStats

NOTICED_S = 0.05
"""Less waiting than this is none."""


class FigureWords(QObject):
    """Speaks the window's language; numbers are formatted for `language`."""

    def lines(self, stats: GenerationStats, language: Language) -> list[str]:
        """What there is to say about these figures, in the order in which it happened."""
        if not stats.context_length:
            return []  # only what the window itself has timed
        said = [
            self._queue(stats, language),
            self._prompt(stats),
            self._prefill(stats, language),
            self.tr("First token after {time}").format(time=seconds(stats.ttft_s, language)),
            self._thinking(stats, language),
            self._answer(stats, language),
            self._drafts(stats),
            self._context(stats),
            self._end(stats),
        ]
        return [line for line in said if line]

    def _queue(self, stats: GenerationStats, language: Language) -> str:
        if stats.queue_s < NOTICED_S:
            return ""
        return self.tr("Waited {time} for its turn").format(time=seconds(stats.queue_s, language))

    def _prompt(self, stats: GenerationStats) -> str:
        if not stats.cached_tokens:
            return self.tr("Prompt: {count} tokens").format(count=count(stats.prompt_tokens))
        words = self.tr("Prompt: {count} tokens, {cached} of them known from before")
        return words.format(count=count(stats.prompt_tokens), cached=count(stats.cached_tokens))

    def _prefill(self, stats: GenerationStats, language: Language) -> str:
        if (speed := stats.prefill_per_second) is None:
            return ""
        words = self.tr("Read in {time} ({speed})")
        return words.format(time=seconds(stats.prefill_s, language), speed=rate(speed, language))

    def _thinking(self, stats: GenerationStats, language: Language) -> str:
        if stats.thinking_s is None:
            return ""
        return self.tr("Thought for {time}").format(time=seconds(stats.thinking_s, language))

    def _answer(self, stats: GenerationStats, language: Language) -> str:
        tokens = count(stats.answer_tokens)
        if (speed := stats.tokens_per_second) is None:
            return self.tr("Answer: {count} tokens").format(count=tokens)
        words = self.tr("Answer: {count} tokens in {time} ({speed})")
        return words.format(count=tokens, time=seconds(stats.decode_s, language), speed=rate(speed, language))

    def _drafts(self, stats: GenerationStats) -> str:
        if not stats.drafted_tokens:
            return ""
        words = self.tr("Drafted ahead: {drafted} tokens, {accepted} taken ({percent} %)")
        return words.format(
            drafted=count(stats.drafted_tokens),
            accepted=count(stats.accepted_tokens),
            percent=round(100 * stats.accepted_tokens / stats.drafted_tokens),
        )

    def _context(self, stats: GenerationStats) -> str:
        words = self.tr("Context: {used} of {length} tokens")
        return words.format(used=count(stats.context_used), length=count(stats.context_length))

    def _end(self, stats: GenerationStats) -> str:
        if stats.format_cut:
            return self.tr("Ended: closed early at a limit")
        return {
            FinishReason.STOP: self.tr("Ended: the model was done"),
            FinishReason.LENGTH: self.tr("Ended: the limit of answer tokens"),
            FinishReason.CONTEXT_FULL: self.tr("Ended: the context was full"),
            FinishReason.CANCELLED: self.tr("Ended: it was stopped"),
            FinishReason.REPETITION: self.tr("Ended: it went round in circles"),
            FinishReason.TOOL_CALLS: self.tr("Ended: it called a tool"),
        }[stats.finish_reason]
