"""YAML as plain data: no anchors, tags, dates, octal numbers or duplicate keys, and a size limit.

Everything that makes a YAML document larger than its bytes, or something else than text, numbers,
lists and mappings, is refused before anything is built.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

LARGEST_BYTES = 64 << 10
_DEEPEST = 8
_MOST_NODES = 10_000
_DEEPEST_FLOW = 40
_PLAIN = (
    ("bool", r"^(?:true|false)$", "tf"),
    ("null", r"^(?:null|~|)$", ["n", "~", ""]),
    ("int", r"^-?(?:0|[1-9][0-9]{0,17})$", "-0123456789"),
    ("float", r"^-?(?:0|[1-9][0-9]{0,15})\.[0-9]{1,17}(?:[eE][-+]?[0-9]{1,2})?$", "-0123456789"),
)


class YamlError(ValueError):
    """The document is refused; the text says where and why."""


class _Strict(yaml.SafeLoader):
    """A loader that knows text, numbers, booleans, null, lists and mappings."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - the base class has it so
    depth = 0
    nodes = 0

    def compose_node(self, parent: Any, index: Any) -> Any:  # noqa: ANN401 - as in the base class
        """Refuse what a plain document does not hold, then go on as usual."""
        event = self.peek_event()  # type: ignore[no-untyped-call]
        line = event.start_mark.line + 1
        if isinstance(event, yaml.events.AliasEvent):
            raise YamlError(f"line {line}: aliases are not allowed")
        if getattr(event, "anchor", None):
            raise YamlError(f"line {line}: anchors are not allowed")
        if getattr(event, "tag", None):
            raise YamlError(f"line {line}: tags are not allowed")
        self.depth += 1
        self.nodes += 1
        if self.depth > _DEEPEST:
            raise YamlError(f"line {line}: nested deeper than {_DEEPEST}")
        if self.nodes > _MOST_NODES:
            raise YamlError(f"line {line}: more than {_MOST_NODES} values")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _make_mapping(loader: _Strict, node: yaml.MappingNode) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if key.tag != "tag:yaml.org,2002:str":
            raise YamlError(f"line {line}: keys must be strings")
        if key.value in found:
            raise YamlError(f"line {line}: duplicate key {key.value[:40]!a}")
        found[key.value] = loader.construct_object(value, deep=True)
    return found


for _kind, _pattern, _first in _PLAIN:
    _Strict.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(_pattern), list(_first))
_Strict.add_constructor("tag:yaml.org,2002:map", _make_mapping)


def load_yaml(data: bytes) -> dict[str, Any]:
    """Return the mapping that `data` holds: text, numbers, booleans, null, lists, mappings.

    Raises:
        YamlError: If it is anything else; no other error leaves this function.

    Example:
        >>> load_yaml(b"a: NO")
        {'a': 'NO'}
    """
    if len(data) > LARGEST_BYTES:
        raise YamlError(f"{len(data)} bytes, limit {LARGEST_BYTES}")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise YamlError(f"byte {error.start}: not UTF-8") from None
    if text.startswith("\ufeff"):
        raise YamlError("byte 0: has a byte-order mark")
    _refuse_deep_flow(text)
    try:
        value = yaml.load(text, Loader=_Strict)
    except yaml.MarkedYAMLError as error:
        raise YamlError(f"line {_line(error)}: {(error.problem or 'no YAML')[:80]}") from None
    except yaml.reader.ReaderError as error:
        raise YamlError(f"unacceptable character U+{int(error.character):04X}") from None
    except yaml.YAMLError:
        raise YamlError("no YAML") from None
    except (RecursionError, ValueError, TypeError, IndexError, AttributeError, KeyError) as error:
        if isinstance(error, YamlError):
            raise
        raise YamlError(f"no YAML ({type(error).__name__})") from None
    if not isinstance(value, dict):
        raise YamlError("top level must be a mapping")
    return value


def _line(error: yaml.MarkedYAMLError) -> object:
    return "?" if error.problem_mark is None else error.problem_mark.line + 1


def _refuse_deep_flow(text: str) -> None:
    """Count brackets before the parser, which calls itself once for each."""
    depth = 0
    for sign in text:
        if sign in "[{":
            depth += 1
            if depth > _DEEPEST_FLOW:
                raise YamlError(f"flow nesting deeper than {_DEEPEST_FLOW}")
        elif sign in "]}":
            depth -= 1
