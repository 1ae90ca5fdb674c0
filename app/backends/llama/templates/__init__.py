"""Chat templates: from a conversation to the tokens the model reads."""
