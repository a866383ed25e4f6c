"""The masks of an image, and what is drawn on them; what contradicts itself is refused."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from cosmos_board.data.imports.spec import fields as f
from cosmos_board.data.imports.spec.file_spec import FileSpec
from cosmos_board.data.imports.spec.rules import (
    CodeRule,
    ColourRule,
    NameRule,
    fits_name,
    parse_codes,
    parse_colour,
)
from cosmos_board.data.validation import FieldError, Rows

_RUNS_WANTED = (
    '"absolute" (pairs of start and length, the first pixel is 1, down the columns),'
    ' "absolute-rows" (the same along the rows) or "relative" (pairs of gap and length)'
)
_MEANINGS = ("object", "labels", "colours", "names")
_MEANINGS_OF = {"raster": _MEANINGS, "dicom-seg": ("labels", "names"), "runs": ("object", "names")}


class MaskSpec(FileSpec):
    """Masks that belong to an image, and what is drawn on them."""

    kind: Literal["raster", "coco", "polygons", "rtstruct", "dicom-seg", "nrrd-seg", "runs"] = (
        "raster"
    )
    """Pictures or voxels, or one of six descriptions of regions."""

    objects: f.ObjectNames = Field(default=(), alias="object")
    """The objects of the foreground of a file, where it has no codes or names."""

    labels: f.CodeRules = ()
    colours: f.ColourRules = ()
    names: f.NameRules = ()

    name: str = ""
    """How a file is called among `names`, or a picture in a table of runs: a template."""

    skip: Rows[str] = ()
    """Codes or names that are skipped on purpose."""

    instances: Literal["", "files", "labels", "components"] = ""
    """What is an instance of its own: a file; a code, colour or name; a connected piece."""

    joined: f.JoinRules = ()
    """Codes, colours or names that are one instance together, where a file gives a table."""

    observer: str = ""
    """Empty for the reference, else the further observer who drew it."""

    threshold: Annotated[float | None, Field(allow_inf_nan=False)] = None
    """Foreground is above it; None cuts at half of the range."""

    colour_tolerance: f.Tolerance = 0
    """How far each channel may be from a listed colour; `nearest`: as far as it likes."""

    runs: Literal["", "absolute", "absolute-rows", "relative"] = ""
    """How a table counts runs: from the first pixel, down the columns or along the rows; or onward
    from the end of the run before, down the columns."""

    columns: Rows[str] = ()
    """Columns of a table of runs: of pictures, of names where there are some, and of runs."""

    background: str = "0"
    """Code or colour of pixels on which nothing is drawn."""

    @model_validator(mode="before")
    @classmethod
    def _make_black_the_background(cls, values: Any) -> Any:  # noqa: ANN401
        if isinstance(values, dict) and "colours" in values:
            return {"background": "0,0,0", **values}
        return values

    @model_validator(mode="before")
    @classmethod
    def _split_instances(cls, values: Any) -> Any:  # noqa: ANN401
        if not isinstance(values, dict):
            return values
        if "joined" in values:
            raise FieldError("is unknown", field="joined", want="instances")
        if isinstance(instances := values.get("instances"), dict):
            if not instances:
                raise FieldError("is no table of code = word", field="instances")
            return {**values, "instances": "labels", "joined": instances}
        return values

    @model_validator(mode="after")
    def _check_across_fields(self) -> MaskSpec:
        _check_kind(self)
        _check_runs(self)
        _check_colours(self)
        _check_rules(self)
        return self

    @property
    def all_objects(self) -> tuple[str, ...]:
        """Every object this may yield, sorted."""
        rules: tuple[CodeRule | ColourRule | NameRule, ...]
        rules = (*self.labels, *self.colours, *self.names)
        return tuple(sorted({*self.objects, *(name for rule in rules for name in rule.objects)}))


def _check_kind(spec: MaskSpec) -> None:
    given = [name for name in _MEANINGS if ("objects" if name == "object" else name)
             in spec.model_fields_set]  # fmt: skip
    allowed = _MEANINGS_OF.get(spec.kind, ("names",))
    if len(given) != 1 or given[0] not in allowed:
        problem = f"what is drawn must be said once by {' or '.join(allowed)}"
        raise FieldError(problem, field="object", got=given)
    if spec.kind == "raster" and bool(spec.names) != bool(spec.name):
        raise FieldError("and names go together: one says how a file is called", field="name")
    if spec.threshold is not None and not spec.objects and not spec.names:
        raise FieldError("is of no use with labels or colours", field="threshold")
    if spec.channels and spec.kind != "raster":
        raise FieldError(f"are of no use with kind {spec.kind}", field="channels")
    if spec.channels == "labels" and not spec.labels:
        raise FieldError('is missing: with channels = "labels" it names positions', field="labels")
    if spec.observer and not f.NAME.fullmatch(spec.observer):
        raise FieldError("is no name", field="observer", got=repr(spec.observer))


def _check_runs(spec: MaskSpec) -> None:
    if spec.kind != "runs":
        for field in ("runs", "columns"):
            if getattr(spec, field):
                raise FieldError('is of use with kind = "runs" only', field=field)
        return
    if not spec.name:
        raise FieldError("is missing: how the table calls a picture", field="name")
    if not spec.runs:
        problem = "is missing: how the table counts its runs"
        raise FieldError(problem, field="runs", want=_RUNS_WANTED)
    wanted = 3 if spec.names else 2
    if (spec.columns or spec.names) and len(spec.columns) != wanted:
        roles = "of pictures, of names and of runs" if spec.names else "of pictures and of runs"
        problem = "must name the columns"
        raise FieldError(problem, field="columns", got=list(spec.columns), want=roles)


def _check_colours(spec: MaskSpec) -> None:
    if spec.colour_tolerance != 0 and not spec.colours:
        raise FieldError("is of use with colours only", field="colour_tolerance")
    for text in spec.skip if spec.colours else ():
        if text != "*" and not parse_colour(text):
            raise FieldError("is no colour", field="skip", got=repr(text), want="255,255,255 or *")
    parse = parse_colour if spec.colours else parse_codes
    if not parse(spec.background):
        raise FieldError("is no code or colour", field="background", got=repr(spec.background))


def _check_rules(spec: MaskSpec) -> None:
    """Refuse rules that never apply, because an earlier one or the background comes first."""
    grounds = [] if spec.channels == "labels" else parse_codes(spec.background)
    for position, code in enumerate(spec.labels):
        before = [rule for rule in spec.labels[:position] if rule.objects != code.objects]
        shared = [rule for rule in before if code.low <= rule.high and rule.low <= code.high]
        if shared and not code.is_any:
            raise FieldError("give a code two meanings", field="labels", got=code)
        if code.low == code.high and any(low <= code.low <= high for low, high in grounds):
            problem = "give a meaning to the background"
            raise FieldError(problem, field="labels", got=code, want="background = …")
    for position, name in enumerate(spec.names):
        for rule in spec.names[:position]:
            if rule.objects != name.objects and fits_name(name.pattern, rule.pattern):
                problem = f"{name.pattern!r} never applies"
                raise FieldError(problem, field="names", got=f"{rule.pattern!r} before it")
