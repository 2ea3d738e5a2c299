"""The project's own files, each read and parsed once for all the rules of the house."""

import ast
import functools
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("api", "domain", "iso20022", "kessai", "sandbox", "workers", "zengin")
OURS = (*ROOMS, "bench", "tests")
TEXT = {".py", ".sql", ".md", ".toml", ".graphql", ".yaml", ".yml", ".json", ".in", ".txt", ".sh", ".html", ".css", ".js", ""}


@functools.cache
def files() -> tuple[PurePosixPath, ...]:
    """Every file that is or would be committed; without git (an unpacked archive) every file that is not generated."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode == 0:
        names = [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    else:
        generated = {
            ".venv",
            "node_modules",
            "var",
            "build",
            "dist",
            "__pycache__",
            ".mypy_cache",
            ".ruff_cache",
            ".pytest_cache",
            ".hypothesis",
        }
        found = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
        names = [path.as_posix() for path in found if not generated & set(path.parts)]
    return tuple(sorted({PurePosixPath(name) for name in names}))


def python_files(*rooms: str) -> list[PurePosixPath]:
    """The Python files of these top folders; of the whole project when none is named."""
    return [path for path in files() if path.suffix == ".py" and (not rooms or path.parts[0] in rooms)]


def text_files() -> list[PurePosixPath]:
    """What people read: no images, no bank files in Shift_JIS."""
    return [path for path in files() if path.suffix in TEXT]


@functools.cache
def text(path: PurePosixPath) -> str:
    """The file's text; one that is not UTF-8 is empty here (bank samples)."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


@functools.cache
def tree(path: PurePosixPath) -> ast.Module:
    """The file's syntax tree."""
    return ast.parse(text(path), filename=str(path))


def imports(path: PurePosixPath) -> Iterator[tuple[int, str]]:
    """(line, module) of everything the file imports, anywhere in it; `from a import b` gives both `a` and `a.b`."""
    for node in ast.walk(tree(path)):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = ".".join(path.parts[:-level]) if level else ""
                full = ".".join(filter(None, [base, module]))
                yield node.lineno, full
                yield from ((node.lineno, f"{full}.{alias.name}") for alias in names)
            case _:
                pass


def belongs(module: str, room: str) -> bool:
    """Whether a dotted name is that module or lies in it."""
    return module == room or module.startswith(room + ".")
