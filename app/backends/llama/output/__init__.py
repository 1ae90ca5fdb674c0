"""What comes out: from the bytes of tokens to text, thinking and tool calls."""
