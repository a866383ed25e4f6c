"""What keeps the package readable: small files, short functions, no import cycles, plain words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "cosmos_board"
MODULES = sorted(PACKAGE.rglob("*.py"))
FOLDERS = sorted({path.parent for path in MODULES})
MOST_MODULE_LINES, MOST_FUNCTION_LINES, MOST_ARGUMENTS, MOST_MODULES = 350, 60, 7, 16
METAPHORS = re.compile("depot|shelf|sitting|crew|tally|pencil|duel|lettering|vouch", re.IGNORECASE)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    lengths = {_name(path): len(path.read_text("utf-8").splitlines()) for path in MODULES}

    assert {name: lines for name, lines in lengths.items() if lines > MOST_MODULE_LINES} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    lengths = {
        f"{_name(path)}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in MODULES
        for node in _iter_functions(path)
    }

    assert {name: lines for name, lines in lengths.items() if lines > MOST_FUNCTION_LINES} == {}


def test_no_constructor_takes_more_than_seven_arguments() -> None:
    """Dataclasses without behaviour are records: their columns are the file's or the table's."""
    counts = {
        f"{_name(path)}:{owner.name}": len(_list_parameters(node)) - 1
        for path in MODULES
        for owner in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(owner, ast.ClassDef)
        for node in owner.body
        if isinstance(node, ast.FunctionDef) and node.name == "__init__"
    }

    assert {name: count for name, count in counts.items() if count > MOST_ARGUMENTS} == {}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.relative_to(ROOT).as_posix())
def test_a_folder_has_a_middle_level_before_it_is_crowded(folder: Path) -> None:
    modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]

    assert len(modules) <= MOST_MODULES


def test_no_modules_and_no_packages_import_each_other_in_a_circle() -> None:
    """Folders are compared too: what two of their modules import counts for both folders."""
    graph = grimp.build_graph("cosmos_board", exclude_type_checking_imports=False, cache_dir=None)
    circles = []
    for folder in FOLDERS:
        package = ".".join(folder.relative_to(ROOT).parts)
        imports: dict[str, set[str]] = {}
        for importer in graph.find_descendants(package):
            for imported in graph.find_modules_directly_imported_by(importer):
                ends = [_find_child(package, module) for module in (importer, imported)]
                if ends[0] and ends[1] and ends[0] != ends[1]:
                    imports.setdefault(ends[0], set()).add(ends[1])
        try:
            TopologicalSorter(imports).prepare()
        except CycleError as error:
            circles.append(error.args[1])

    assert circles == []


def test_names_and_sentences_are_free_of_metaphors() -> None:
    texts = [path for path in PACKAGE.rglob("*") if path.suffix in {".py", ".toml", ".po", ".sql"}]
    lines = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in texts
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if METAPHORS.search(line)
    ]

    assert lines == []


def _iter_functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _list_parameters(node: Function) -> list[ast.arg]:
    return [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]


def _find_child(package: str, module: str) -> str:
    """Return the child of a package that a module lies in, or ""."""
    inside = module.removeprefix(f"{package}.")
    return "" if inside == module else inside.partition(".")[0]


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()
