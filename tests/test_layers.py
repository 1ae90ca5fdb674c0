"""Who may import whom (docs/architecture.md), checked on the syntax trees."""

import ast
from pathlib import Path

import pytest

APP = Path(__file__).resolve().parent.parent / "app"
BASE = {"protocol", "errors", "words", "format", "settings", "paths", "files", "sse", "launch", "logs"}
ROOMS = {
    "ui": set(),
    "server": {"backends", "models", "store", "hardware"},
    "models": {"hardware"},
    "backends": {"hardware"},
    "store": set(),
    "hardware": set(),
    "cli": {"ui"},
}
BASE_ORDER = {
    "protocol": set(),
    "format": set(),
    "sse": set(),
    "paths": set(),
    "words": {"format", "paths", "protocol"},
    "errors": {"protocol", "words"},
    "files": {"errors"},
    "settings": {"errors", "files", "protocol"},
    "logs": {"paths", "files", "errors"},
    "launch": {"errors", "files", "paths", "protocol", "logs"},
}
MODULES = sorted(APP.rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Dotted names of everything the module imports, at any depth of the tree."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room_of(path: Path) -> str:
    return path.relative_to(APP).parts[0].removesuffix(".py")


def own(names: set[str]) -> set[str]:
    """The rooms and base modules among the imported names."""
    return {name.split(".")[1] for name in names if name.startswith("app.") and name.count(".") >= 1}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(APP)))
def test_imports_go_down_only(path: Path) -> None:
    room = room_of(path)
    if room in ROOMS:
        allowed = BASE | ROOMS[room] | {room, "__version__"}
    elif room in BASE_ORDER:
        allowed = BASE_ORDER[room] | {room, "__version__"}
    else:
        return
    assert own(imports(path)) <= allowed


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(APP)))
def test_heavy_libraries_stay_in_their_rooms(path: Path) -> None:
    tops = {name.split(".")[0] for name in imports(path)}
    inside = path.relative_to(APP).parts
    if inside[0] != "ui":
        assert "PySide6" not in tops
    if inside[:2] != ("backends", "llama"):
        assert "llama_cpp" not in tops


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(APP)))
def test_every_module_opens_with_its_sentence(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if text.strip():
        docstring = ast.get_docstring(ast.parse(text))
        assert docstring, "a module says in one sentence what it is for"


def test_rooms_have_no_import_cycles() -> None:
    edges = {str(path.relative_to(APP)): imports(path) for path in MODULES}
    graph: dict[str, set[str]] = {}
    for name, names in edges.items():
        module = "app." + name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        graph[module] = {found for found in names if found.startswith("app.")} | {
            found.rpartition(".")[0] for found in names if found.startswith("app.") and found.count(".") > 1
        }
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join((*trail, module))
        if module not in done:
            for below in graph[module]:
                if below in graph and below != module and not module.startswith(f"{below}."):
                    visit(below, (*trail, module))
            done.add(module)

    for module in graph:
        visit(module, ())
