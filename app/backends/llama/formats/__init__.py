"""Output in the shape that was asked for: JSON, expressions, grammars."""
