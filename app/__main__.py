"""The one entry of all processes: `python -m app` is the `alcove` command, the backend, a worker or a probe."""

import sys


def main() -> None:
    """Run the process the first argument names (anything else is for the command line), importing only what it needs."""
    role = sys.argv[1] if len(sys.argv) > 1 else ""
    if role == "backend":
        from app.server.main import main as run  # noqa: PLC0415
    elif role == "worker":
        from app.backends.llama.worker import main as run  # noqa: PLC0415
    elif role == "probe":
        from app.backends.llama.probe import main as run  # noqa: PLC0415
    else:
        from app.cli.main import main as run  # noqa: PLC0415
    if role in ("backend", "worker", "probe"):
        del sys.argv[1]
    run()


if __name__ == "__main__":
    main()
