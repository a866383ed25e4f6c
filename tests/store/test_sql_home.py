"""SQL has one home: no module outside `store` holds any, and every question lies in `queries`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import cosmos_board

ROOT = Path(cosmos_board.__file__).parent
STORE = ROOT / "store"
QUERIES = STORE / "queries"

QUESTION = re.compile(r"^\s*(SELECT|WITH|FROM)\s", re.ASCII)
STATEMENT = re.compile(
    r"\b(SELECT\b.*\bFROM\b|INSERT (OR REPLACE )?INTO|DELETE FROM|UPDATE \w+ SET|JOIN \S+.* USING"
    r"|CREATE (OR REPLACE )?(TEMP )?(TABLE|VIEW)|GROUP BY|read_parquet\()",
    re.DOTALL,
)


def iter_texts(source: str) -> Iterator[tuple[int, str]]:
    """Yield every string of a module that is no docstring, with its line.

    What an f-string puts in reads `?`.
    """
    tree = ast.parse(source)
    silent = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            silent |= {id(part) for part in node.values}
            parts = [p.value if isinstance(p, ast.Constant) else "?" for p in node.values]
            yield node.lineno, "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and id(node) not in silent:
            yield node.lineno, str(node.value)


def find_sql(source: str, rule: re.Pattern[str]) -> list[str]:
    """Return the strings of a module that the rule finds, with their lines."""
    return [f"{line}: {text[:60]!r}" for line, text in iter_texts(source) if rule.search(text)]


def find_calls(source: str) -> list[int]:
    """Return the lines where something is executed as SQL."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"execute", "executemany", "sql"}
    ]


MODULES = sorted(ROOT.rglob("*.py"))


def test_no_module_outside_the_store_holds_sql_or_runs_it() -> None:
    sources = {path: path.read_text("utf-8") for path in MODULES if STORE not in path.parents}
    found = {
        str(path.relative_to(ROOT)): sql
        for path, source in sources.items()
        if (sql := [*find_sql(source, STATEMENT), *find_calls(source)])
    }

    assert len(sources) > 300
    assert found == {}


def test_every_question_lies_in_queries() -> None:
    """Modules that write may insert and delete; what comes back is asked in `queries` alone."""
    found = {
        path.name: sql
        for path in STORE.glob("*.py")
        if (sql := find_sql(path.read_text("utf-8"), QUESTION))
    }

    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        'def f(c):\n    return c.execute("SELECT 1 FROM scores").fetchall()',
        'RULE = f"""WITH a AS (\n SELECT * FROM {table}) SELECT max(x)\n FROM a"""',
        'rows = "scores s JOIN runs r USING (run_id)"',
        'c.execute("INSERT INTO runs VALUES (?)", [1])',
        'c.sql("FROM scores")',
    ],
)
def test_sql_is_found(source: str) -> None:
    assert find_sql(source, STATEMENT) or find_calls(source)


def test_words_are_no_sql() -> None:
    source = '"""SELECT x FROM y."""\nx = "Select a model from the list"\nSELECTIONS = ("a",)'

    assert not find_sql(source, STATEMENT)
    assert not find_sql(source, QUESTION)
