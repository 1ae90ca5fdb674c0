"""What is this machine, what does a GGUF file say about itself, and what does loading it need."""
