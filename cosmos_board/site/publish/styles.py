"""The theme's style sheets without the rules that no page of this site can meet.

A theme styles far more than one site shows, and a style sheet is what a first page waits for.
A selector goes only if it surely matches nothing: it asks for a class, id or attribute value that
neither a page nor a script mentions. What stands inside `:not()` and its like never decides.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

_PIECE = re.compile(r"\"[^\"]*\"|'[^']*'|/\*.*?\*/|[^\"'{}();/]+|.", re.DOTALL)
_NAMED = re.compile(r"[.#]((?:[\w-]|\\.)+)")
_VALUE = re.compile(r"\[[\w-]+[~|^$*]?=[\"']?([^\"'\]]*)[\"']?\]")
_USED = re.compile(r"var\(\s*(--[\w-]+)")
_GROUPS = ("@media", "@supports", "@layer", "@container")
_ATTRIBUTES = tuple(
    re.compile(f' {name}="([^"]*)"')
    for name in ("class", "id", r"data-md-[\w-]+", "dir", "type", "lang")
)
_WORD = re.compile(r"[\w-]+")


def names_in_page(html: str) -> set[str]:
    """Return every class, id and value of the theme's attributes that a page has.

    Example:
        >>> sorted(names_in_page('<p class="a b" id="c">'))
        ['a', 'b', 'c']
    """
    texts = {text for attribute in _ATTRIBUTES for text in attribute.findall(html)}
    return {name for text in texts for name in text.split()}


def names_in_script(script: str, pages: Collection[str]) -> set[str]:
    """Return every word of a script that could be a class, and its parts of classes.

    The theme's script knows parts that no page here has, such as annotations: what it names of a
    block (`md-block__part--kind`) counts only where `pages` have that block.

    Example:
        >>> sorted(names_in_script("'md-a__b' 'md-c__d' active", {"md-a"}))
        ['active', 'md-a__b']
    """
    words = set(_WORD.findall(script))
    return {word for word in words if not word.startswith("md-") or _block(word) in pages}


def _block(name: str) -> str:
    return re.split("__|--", name)[0]


def keep_used(css: str, names: Collection[str]) -> str:
    """Return `css` without what none of `names` can match, and without variables nobody reads.

    A name that ends in a hyphen or underscore stands for all that start with it, as scripts put
    classes together.

    Example:
        >>> keep_used("a{x:1}.b,.c{y:2}@media print{.d{z:3}}", {"b"})
        'a{x:1}.b{y:2}'
    """
    known = set(names)
    starts = tuple(name for name in known if name.endswith(("-", "_")) and len(name) > 3)
    kept = "".join(_keep(css, known, starts))
    for _ in range(2):  # a variable may be read by one that nobody reads
        kept = _without_variables(kept, set(_USED.findall(kept)) | known)
    return kept


def _keep(css: str, known: set[str], starts: tuple[str, ...]) -> Iterator[str]:
    for head, body in _blocks(css):
        if body is None:
            yield head
        elif head.startswith(_GROUPS):
            inner = "".join(_keep(body, known, starts))
            if inner:
                yield f"{head}{{{inner}}}"
        elif head.startswith("@"):
            yield f"{head}{{{body}}}"
        else:
            selectors = [one for one in _split(head, ",") if _may_match(one, known, starts)]
            if selectors:
                yield f"{','.join(selectors)}{{{body}}}"


def _may_match(selector: str, known: set[str], starts: tuple[str, ...]) -> bool:
    plain = _without_arguments(selector)
    asked = [name.replace("\\", "") for name in _NAMED.findall(_VALUE.sub("", plain))]
    asked += [value for value in _VALUE.findall(plain) if re.fullmatch(r"[\w-]+", value)]
    return all(name in known or name.startswith(starts) for name in asked)


def _without_arguments(selector: str) -> str:
    """Return `selector` without what stands in parentheses."""
    depth, out = 0, []
    for char in selector:
        depth += (char == "(") - (char == ")")
        if depth == 0 and char != ")":
            out.append(char)
    return "".join(out)


def _without_variables(css: str, read: Collection[str]) -> str:
    out = []
    for head, body in _blocks(css):
        if body is None:
            out.append(head)
        elif head.startswith(_GROUPS):
            out.append(f"{head}{{{_without_variables(body, read)}}}")
        elif head.startswith("@"):
            out.append(f"{head}{{{body}}}")
        else:
            lines = [line for line in _split(body, ";") if line.strip()]
            lines = [
                line
                for line in lines
                if not line.lstrip().startswith("--") or line.split(":", 1)[0].strip() in read
            ]
            if lines:
                out.append(f"{head}{{{';'.join(lines)}}}")
    return "".join(out)


def _blocks(css: str) -> Iterator[tuple[str, str | None]]:
    """Yield head and body of each block, and statements without a body."""
    depth, head, body = 0, "", ""
    for piece in _PIECE.findall(css):
        if piece.startswith("/*"):
            continue
        if piece == "{":
            depth += 1
            body += piece if depth > 1 else ""
        elif piece == "}":
            depth -= 1
            if depth == 0:
                yield head.strip(), body
                head = body = ""
            else:
                body += piece
        elif depth:
            body += piece
        else:
            head += piece
            if piece == ";" and head.count("(") == head.count(")"):
                yield head.strip(), None
                head = ""


def _split(text: str, separator: str) -> list[str]:
    """Return the parts of `text` between separators outside of strings and parentheses."""
    parts, depth = [""], 0
    for piece in _PIECE.findall(text):
        for char in [piece] if piece[:1] in "\"'" else piece:
            depth += (char == "(") - (char == ")")
            if char == separator and depth == 0:
                parts.append("")
            else:
                parts[-1] += char
    return [part for part in (one.strip() for one in parts) if part]
