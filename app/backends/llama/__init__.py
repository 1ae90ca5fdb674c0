"""The local engine: llama.cpp in a worker process, and what the backend process needs to run one."""
