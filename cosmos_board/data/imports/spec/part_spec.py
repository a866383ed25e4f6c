"""Parts that the paths of images do not name: from a CSV file, or from ranges of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from cosmos_board.data.imports.spec import fields as f
from cosmos_board.data.imports.spec.patterns import find_fields
from cosmos_board.data.imports.spec.rules import parse_codes
from cosmos_board.data.validation import FieldError, Rows, Table


def _check_range(text: str) -> str:
    if len(parse_codes(text)) != 1 or text == "*":
        raise FieldError("is no range", got=repr(text), want='"1..25"')
    return text


class PartSpec(Table):
    """Where one further part of an image comes from."""

    table: str = ""
    """Path pattern of a CSV file; one file must fit it."""

    where: Mapping[str, str] = Field(default_factory=dict)
    """Templates over the parts of the path, by the column that holds the same."""

    column: str = ""
    """Column of the table from which the part is taken."""

    number: str = Field(default="", alias="from")
    """Template over the parts of the path that gives a number."""

    ranges: Annotated[Rows[Annotated[str, BeforeValidator(_check_range)]], Field()] = ()
    """The part is the text of the first range that holds the number."""

    @property
    def fields(self) -> list[str]:
        """Names of the parts of paths that it needs."""
        return find_fields(self.number, *self.where.values())

    @model_validator(mode="after")
    def _check_across_fields(self) -> PartSpec:
        if bool(self.table) == bool(self.number):
            raise FieldError("comes from a table or from a number", want="table or from")
        if self.table:
            f.check_pattern(self.table)
        needed = ("where", "column") if self.table else ("ranges",)
        useless = ("ranges",) if self.table else ("where", "column")
        for field in needed:
            if not getattr(self, field):
                raise FieldError("is missing", field=field)
        for field in useless:
            if getattr(self, field):
                raise FieldError("is of no use here", field=field)
        return self
