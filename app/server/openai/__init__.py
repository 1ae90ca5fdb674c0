"""The public port's OpenAI dialect."""
