"""The one entry of all processes: `python -m app` is the `alcove` command, the backend, a worker or a probe."""

import sys


def main() -> None:
    """Run the process named by the first argument, else the command line, importing only what that needs."""
    role = sys.argv[1] if len(sys.argv) > 1 else ""
    if role == "backend":
        from app.server.main import main as run
    elif role == "worker":
        from app.backends.llama.worker import main as run
    elif role == "template":
        from app.backends.llama.templates.template import main as run
    elif role == "probe":
        from app.backends.llama.probe import main as run
    elif not role:
        from app.cli.window import main as run
    else:
        from app.cli.main import main as run
    if role in ("backend", "worker", "template", "probe"):
        del sys.argv[1]
    run()


if __name__ == "__main__":
    main()
