"""Every sentence that the generator may say, read out of its source."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import cosmos_board.site
from cosmos_board.site.language.messages import CLAIM_TEXTS, MESSAGES, SINGULAR
from cosmos_board.site.language.words import NOUNS

SOURCE = Path(cosmos_board.site.__file__).parent


def find_sentences() -> set[str]:
    """Return the literal sentences of all `words(…)`, `words.plural(…)` and `t("…")`."""
    found = {form for forms in NOUNS.values() for form in forms}
    found |= {*MESSAGES.values(), *SINGULAR.values()}
    for text in CLAIM_TEXTS.values():
        found |= {text.statement, text.effect, text.needs, text.paper} - {""}
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            if _is_words(node.func):
                found.update(_literals(node.args[0]))
            elif isinstance(node.func, ast.Attribute) and node.func.attr == "plural":
                for sentence in node.args[1:3]:
                    found.update(_literals(sentence))
    for path in sorted(SOURCE.rglob("*.html")):
        found.update(re.findall(r't\("([^"]+)"', path.read_text("utf-8")))
    return found


def _is_words(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name == "words"


def _literals(node: ast.expr) -> set[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    if isinstance(node, ast.IfExp):
        return _literals(node.body) | _literals(node.orelse)
    return set()
