"""Pictures: looked at before they are decoded, turned into embeddings, and put into the KV cache."""
