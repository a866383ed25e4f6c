"""TOML tables checked by pydantic models: the first problem becomes one line with its field."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Strict,
    ValidationError,
    model_validator,
)

from cosmos_board.core.errors import InputError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_Model = TypeVar("_Model", bound=BaseModel)
_Row = TypeVar("_Row")

Rows: TypeAlias = Annotated[tuple[_Row, ...], Strict(False)]
"""A TOML array as a tuple."""

_WANTED = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a table",
}
"""What a field wants, by pydantic's type of the error."""

_EMPTY = re.compile("^''(?:, | or )")
"""The empty choice ("not given") at the start of pydantic's list of allowed values."""


class FieldError(ValueError):
    """Raised by the validators of a model; `parse_table` makes an `InputError` of it."""

    def __init__(
        self, problem: str, *, field: str = "", got: object = None, want: object = None
    ) -> None:
        """Say what is wrong; `field` is the path below the validated value."""
        super().__init__(problem)
        self.problem = problem
        self.field = field
        self.got = got
        self.want = want


class Table(BaseModel):
    """A TOML table: frozen, without conversions, and every unknown field is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_fields(cls, values: object) -> object:
        if not isinstance(values, dict):
            raise FieldError("is no table")
        known = [field.alias or name for name, field in cls.model_fields.items()]
        for name in sorted(values.keys() - set(known)):
            near = get_close_matches(name, known, 1)
            raise FieldError("is unknown", field=name, want=near[0] if near else None)
        return values


def parse_table(model: type[_Model], values: object, where: object) -> _Model:
    """Return `values` as a model.

    `where` names file or entry in messages.

    Raises:
        InputError: If a field is missing, unknown, or not what it should be.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise describe_error(where, error.errors(include_url=False)[0]) from error


def describe_error(where: object, error: ErrorDetails) -> InputError:
    """Return one error of pydantic as one line with the path of its field."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"])
    kind, context = error["type"], error.get("ctx", {})
    cause = context.get("error")
    got: object = repr(error["input"])[:60]
    wanted: object = None
    if isinstance(cause, FieldError):
        path += f".{cause.field}" if cause.field else ""
        problem, got, wanted = cause.problem, cause.got, cause.want
    elif kind == "missing":
        problem, got = "is missing", None
    elif kind == "literal_error":
        problem, wanted = "is unknown", _EMPTY.sub("", context["expected"]).replace("'", "")
    elif kind in _WANTED:
        problem, wanted = "has the wrong type", _WANTED[kind]
    else:
        problem = error["msg"]
    return InputError(where, path.removeprefix("."), problem, got=got, want=wanted)


def want_keys(known: Iterable[str], *, every: bool = True) -> BeforeValidator:
    """Return a validator of a table that has the known keys, and unless `every`, some of them."""
    wanted = set(known)

    def check(values: object) -> object:
        given = set(values) if isinstance(values, Mapping) else set()
        for problem, keys in (("is missing", wanted - given), ("is unknown", given - wanted)):
            if keys and (every or problem == "is unknown"):
                raise FieldError(problem, field=min(keys))
        return values

    return BeforeValidator(check)


def want(check: Callable[[Any], bool], problem: str, expected: str) -> BeforeValidator:
    """Return a validator that refuses values for which `check` is false."""

    def validate(value: object) -> object:
        if not check(value):
            raise FieldError(problem, got=repr(value), want=expected)
        return value

    return BeforeValidator(validate)
