"""`submit new`: a finished run with kept masks → a submission folder that passes `submit check`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cosmos_board.core.errors import InputError, UnknownNameError
from cosmos_board.core.masks import Rle, encode_mask
from cosmos_board.core.prompts import PROMPTS, PROTOCOL
from cosmos_board.data.catalog.load import load_catalog
from cosmos_board.runner.folder import RunFolder
from cosmos_board.store.files import describe_os_error, write_bytes
from cosmos_board.store.parquet import iter_rows
from cosmos_board.store.schema import PREDICTIONS as RUN_PREDICTIONS
from cosmos_board.submissions.check import hash_file
from cosmos_board.submissions.fields import PREDICTIONS
from cosmos_board.submissions.layouts import LAYOUTS
from cosmos_board.submissions.manifest import MANIFEST, dump_manifest, parse_manifest
from cosmos_board.submissions.sample import IndexRow, ReferenceIndex, index_run

_ROWS_PER_GROUP = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a run cannot know of its model."""

    authors: tuple[Mapping[str, object], ...]
    """Each with name and github_id, optionally orcid and affiliation."""

    code_url: str
    licence: str
    training_data: tuple[str, ...] | None
    """Dataset names, those of the catalog by its names; None where unknown."""

    terms_accepted: bool
    contact: str | None = None
    name: str | None = None
    """On the board; None for the label of the model's card."""

    slug: str | None = None
    version: int = 1
    tier: str = "audited"
    weights_format: str = "other"
    notes: str | None = None
    extra: Mapping[str, object] = field(default_factory=dict)


def list_models(run: Path) -> tuple[str, ...]:
    """Return the models of a run.

    Raises:
        InputError: If `run` is no run.
    """
    record = _read(run)
    return tuple(sorted({entry["model"]["name"] for entry in record["entries"].values()}))


def read_card(run: Path, model: str) -> dict[str, Any]:
    """Return what a run says of one of its models."""
    card: dict[str, Any] = _entries(_read(run), run, model)[0][1]["model"]
    return card


def draft_submission(run: Path, model: str, answers: Answers, out: Path) -> Path:
    """Write the core submission of one model of a finished run into folder `out`.

    Args:
        run: A run of the main study over whole packs, with `--save-masks`.
        model: Which of its models.
        answers: What the run cannot know.
        out: The folder; its name is the slug where `answers` gives none.

    Raises:
        InputError: If the run is unfinished, kept no masks or holds another study, or an answer
            is refused; one line says which.
        StorageError: If the disk fails.
    """
    record = _read(run)
    if record["settings"]["study"] != "main":
        raise InputError(run, "study", "is not the main one", got=record["settings"]["study"])
    if not record["settings"]["save_masks"]:
        raise InputError(run, "predictions", "were not kept; evaluate with --save-masks")
    entries = _entries(record, run, model)
    indices = [_index(run, run_id, entry) for run_id, entry in entries]
    card = entries[0][1]["model"]
    prompts = tuple(
        name
        for name in PROMPTS
        if name in card["prompts"] and name in record["settings"]["prompts"]
    )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise describe_os_error(out, "write", error) from error
    rows = [
        row
        for (run_id, entry), index in zip(entries, indices, strict=True)
        for row in _iter_rows(run, run_id, entry, index, prompts)
    ]
    write_predictions(out / PREDICTIONS, rows)
    fields = _make_fields(run, record, entries, indices, prompts, answers, out)
    manifest, problems = parse_manifest(_dump(fields), str(out / MANIFEST))
    if manifest is None:
        raise InputError("", "", str(problems[0]))
    write_bytes(out / MANIFEST, dump_manifest(manifest))
    return out


def write_predictions(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows (one dictionary a row, by column) as the layout of a submission wants them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from cosmos_board.store.files import open_whole

    kinds = {"INT32": pa.int32(), "DOUBLE": pa.float64()}
    columns = LAYOUTS[PREDICTIONS].columns
    schema = pa.schema(
        [
            (name, kinds.get(one.physical, pa.binary() if name == "rle" else pa.string()))
            for name, one in columns.items()
        ]
    )
    arrays = [pa.array([row[name] for row in rows], schema.field(name).type) for name in columns]
    words = ["reference_id", "prompt"]
    with open_whole(path) as file:
        pq.write_table(
            pa.Table.from_arrays(arrays, schema=schema),
            file,
            compression="zstd",
            use_dictionary=words,
            row_group_size=_ROWS_PER_GROUP,
        )


def _read(run: Path) -> dict[str, Any]:
    record = RunFolder(run).read_record()
    if record is None:
        raise InputError(run / "run.json", "", "does not exist, so this is no run")
    return record


def _entries(record: Mapping[str, Any], run: Path, model: str) -> list[tuple[str, dict[str, Any]]]:
    names = {entry["model"]["name"] for entry in record["entries"].values()}
    if model not in names:
        raise UnknownNameError(run, "model", model, names)
    found = [
        (run_id, entry)
        for run_id, entry in sorted(record["entries"].items())
        if entry["model"]["name"] == model
    ]
    return sorted(found, key=lambda pair: str(pair[1]["dataset"]["name"]))


def _index(run: Path, run_id: str, entry: Mapping[str, Any]) -> ReferenceIndex:
    name = entry["dataset"]["name"]
    if entry["images"] != entry["of_images"]:
        raise InputError(
            run, name, "was evaluated in part", got=entry["images"], want=entry["of_images"]
        )
    written = len(list((run / "scores").glob(f"{run_id}-*.json")))
    if written < entry["shards"]:
        raise InputError(run, name, "is not finished", got=written, want=entry["shards"])
    return index_run(run, run_id, entry["dataset"])


def _iter_rows(
    run: Path,
    run_id: str,
    entry: Mapping[str, Any],
    index: ReferenceIndex,
    prompts: tuple[str, ...],
) -> Iterator[dict[str, Any]]:
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    paths = sorted((run / "predictions").glob(f"{run_id}-*.parquet"))
    if len(paths) < entry["shards"]:
        raise InputError(run, "predictions", "are not all there", got=len(paths))
    for path in paths:
        for row in iter_rows(path, RUN_PREDICTIONS):
            if row["reference_id"] in index.rows:
                found.setdefault((row["reference_id"], row["prompt"]), []).append(row)
    columns = LAYOUTS[PREDICTIONS].columns
    for reference_id, facts in index.rows.items():
        for prompt in prompts:
            answered = found.get((reference_id, prompt)) or [_fail(facts, prompt)]
            for row in sorted(answered, key=lambda one: int(one["candidate"])):
                yield {name: row[name] for name in columns}


def _fail(facts: IndexRow, prompt: str) -> dict[str, Any]:
    """Return the row of a prediction that failed: an empty mask, which scores the same."""
    import numpy as np

    rle: Rle = encode_mask(np.zeros((facts.height, facts.width), np.bool_))
    return {
        "reference_id": facts.reference_id,
        "prompt": prompt,
        "candidate": 0,
        "predicted_iou": None,
        "height": facts.height,
        "width": facts.width,
        "rle": rle.counts,
    }


def _make_fields(
    run: Path,
    record: Mapping[str, Any],
    entries: Sequence[tuple[str, dict[str, Any]]],
    indices: Sequence[ReferenceIndex],
    prompts: tuple[str, ...],
    answers: Answers,
    out: Path,
) -> dict[str, Any]:
    entry = entries[0][1]
    card, path = entry["model"], out / PREDICTIONS
    kind = card["kind"] if card["kind"] in ("promptable", "classical", "baseline") else "promptable"
    model: dict[str, Any] = {
        "name": answers.name or card["label"],
        "family": card["family"],
        "kind": kind,
        "prompts": list(prompts),
        "code_url": answers.code_url,
    }
    for name in ("parameters", "input_size_px"):
        if card[name]:
            model[name] = card[name]
    if entry["checkpoint_sha256"]:
        model["checkpoint"] = {
            "sha256": entry["checkpoint_sha256"],
            "format": answers.weights_format,
        }
    fields: dict[str, Any] = {
        "schema_version": 1,
        "slug": answers.slug or out.absolute().name,
        "version": answers.version,
        "track": "core",
        "tier": answers.tier,
        "protocol": PROTOCOL,
        "model": model,
        "authors": [dict(author) for author in answers.authors],
        "licence": answers.licence,
        **_describe_training(answers.training_data),
        "run": _make_run(run, record, entry),
        "packs": [
            {
                "name": index.pack,
                "content_sha256": index.content_sha256,
                "prompts_sha256": index.prompts_sha256,
                "sample_sha256": index.sha256,
            }
            for index in indices
        ],
        "files": [
            {"path": PREDICTIONS, "sha256": hash_file(path), "size_bytes": path.stat().st_size}
        ],
        "terms_accepted": answers.terms_accepted,
        **answers.extra,
    }
    for name, value in (("contact", answers.contact), ("notes", answers.notes)):
        if value:
            fields[name] = value
    return fields


def _describe_training(names: tuple[str, ...] | None) -> dict[str, Any]:
    """Return what is known of the training data; what the catalog lacks goes in as words."""
    if names is None:
        return {"training_data": None}
    known = load_catalog().datasets
    found: dict[str, Any] = {"training_data": [name for name in names if name in known]}
    if others := [name for name in names if name not in known]:
        found["other_training_data"] = ", ".join(others)
    return found


def _make_run(run: Path, record: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    started = datetime.fromisoformat(record["started_utc"]).astimezone(UTC)
    last = max(path.stat().st_mtime for path in (run / "scores").glob("*.json"))
    finished = max(datetime.fromtimestamp(int(last), UTC), started)
    provenance = record["provenance"]
    return {
        "device": entry["device"].replace(":", " "),
        "dtype": "fp32" if entry["checkpoint_sha256"] else "none",
        "batch_size": 1,
        "started_at": started.isoformat().replace("+00:00", "Z"),
        "finished_at": finished.isoformat().replace("+00:00", "Z"),
        "wall_s": (finished - started).total_seconds(),
        "versions": {"python": provenance["python"], **provenance["packages"]},
    }


def _dump(fields: Mapping[str, Any]) -> bytes:
    import yaml

    text: str = yaml.safe_dump(dict(fields), sort_keys=False, allow_unicode=True)
    return text.encode()
