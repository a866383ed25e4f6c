"""How much a complete copy of a dataset holds, as its own publications or its readers say."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, TypeAlias

from pydantic import Field, model_validator

from cosmos_board.data.validation import FieldError, Rows, Table, parse_table

Count: TypeAlias = Annotated[int, Field(ge=1)]


class ExpectedPart(Table):
    """What one part of a dataset, or all of it, holds of what an import reads.

    A number that is not known is left out; one at least is given.
    """

    part: str
    """What its publishers call it, such as the folder of a task; `all` for the whole dataset."""

    source: str
    """Who states the numbers."""

    modality: str = ""
    """Only images of this modality count; empty: of every one."""

    object: str = ""
    """Only images whose masks may show this object count; empty: all with a mask."""

    exclude: Rows[str] = ()
    """Path patterns of images of other parts, which the same import file reads; any case fits."""

    cases: Count | None = None
    """What the import file takes as independent: patients, volumes or pictures."""

    pictures: Count | None = None
    """Two-dimensional files with a mask; each becomes an image of the pack."""

    volumes: Count | None = None
    """Files or series with a mask whose slices become images; one a sequence and time."""

    references: Count | None = None
    """References of `object` in the pack."""

    @model_validator(mode="after")
    def _check_across_fields(self) -> ExpectedPart:
        if not (self.cases or self.pictures or self.volumes or self.references):
            raise FieldError("are missing", field="cases", want="one number at least")
        if self.references and not self.object:
            raise FieldError("need an object", field="references")
        if self.pictures and self.modality and not self.object:
            raise FieldError("of one modality need an object", field="pictures")
        if self.exclude and (self.modality or self.object):
            raise FieldError("cannot stand beside modality or object", field="exclude")
        return self

    def covers(self, modality: str, object_name: str) -> bool:
        """Tell whether a target belongs to this part."""
        return self.modality in ("", modality) and self.object in ("", object_name)


@cache
def load_expected() -> Mapping[str, tuple[ExpectedPart, ...]]:
    """Return the parts of each dataset by its name; one of which nothing is known is absent."""
    text = files("cosmos_board.data.catalog").joinpath("expected.toml").read_text("utf-8")
    return parse_expected(text)


def parse_expected(text: str) -> dict[str, tuple[ExpectedPart, ...]]:
    """Return what a file of expected counts (TOML) says; InputError where an entry is wrong."""
    return {
        name: tuple(parse_table(ExpectedPart, row, f"{name}[{i}]") for i, row in enumerate(rows))
        for name, rows in tomllib.loads(text).items()
    }
