"""`cosmos-board analyse`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from cosmos_board.board.cube import Cube
    from cosmos_board.board.findings.decisions import Decision
    from cosmos_board.board.findings.findings import Finding
    from cosmos_board.board.studies.effects import Effect
    from cosmos_board.board.studies.factors import FactorRow
    from cosmos_board.board.types import Share
    from cosmos_board.core.masks import Rle

STUDIES = ("factors", "jitter", "clicks", "trust", "annotation", "findings")


@click.command("analyse")
@click.argument("study", type=click.Choice(STUDIES))
@click.option("--db", required=True, type=click.Path(path_type=Path), help="Board database.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option(
    "--log", type=click.Path(path_type=Path), help="Timing log (CSV) to import for `annotation`."
)
@click.option(
    "--pack",
    "packs",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Pack whose references the log's masks are scored against; may be repeated.",
)
def command(study: str, db: Path, as_json: bool, log: Path | None, packs: tuple[Path, ...]) -> None:
    """Run one of the studies on the rows of a board."""
    from cosmos_board.board.cube import Cube
    from cosmos_board.board.export import round_floats
    from cosmos_board.store.board import open_board, open_board_to_write
    from cosmos_board.store.queries.runs import fetch_studied

    if log is not None:
        from cosmos_board.board.studies.timing_log import import_timing_log

        with open_board_to_write(db) as connection:
            added = import_timing_log(connection, log, _read_references(packs))
        click.echo(f"{db}: {added} annotations added", err=True)
    with open_board(db) as connection:
        results = _run_study(study, Cube(connection))
        # Trust is no run of its own: it is read from the scores of the main study.
        was_run = {"trust": "main"}.get(study, study) in dict(fetch_studied(connection))
    if study == "findings":
        results = [describe_finding(finding) for finding in results]
    if as_json and study == "factors":
        results = [describe_factor(row) for row in results]
    if as_json:
        click.echo(json.dumps(round_floats(_describe_effects(results)), ensure_ascii=False))
    elif study == "findings":
        for finding in results:
            _print_finding(finding)
    else:
        _print_study(study, results, was_run=was_run)


def _read_references(packs: tuple[Path, ...]) -> dict[str, Rle] | None:
    from cosmos_board.data.pack import open_pack

    if not packs:
        return None
    return {
        reference.reference_id: reference.rle
        for path in packs
        for item in open_pack(path).iter_items()
        for reference in item.references
    }


def _run_study(study: str, cube: Cube) -> Any:  # noqa: ANN401 - each study has its own rows
    from cosmos_board.board.findings.findings import find_findings
    from cosmos_board.board.studies.annotation import study_annotation
    from cosmos_board.board.studies.clicks import study_clicks
    from cosmos_board.board.studies.factors import study_factors
    from cosmos_board.board.studies.jitter import study_jitter
    from cosmos_board.board.studies.trust import study_trust

    if study == "annotation":
        return study_annotation(cube.connection)
    studies: dict[str, Callable[[Cube], Any]] = {
        "factors": study_factors,
        "jitter": study_jitter,
        "clicks": study_clicks,
        "trust": study_trust,
        "findings": find_findings,
    }
    return studies[study](cube)


def describe_factor(row: FactorRow) -> dict[str, object]:
    """Return a correlation as JSON holds it: one level, `error` being that of arctanh ρ."""
    rho = row.rho
    return {
        "factor": row.factor,
        "given": row.given,
        "prompt": row.prompt,
        "model": row.model,
        "selection": row.selection,
        "rho": rho.value,
        "low": rho.low,
        "high": rho.high,
        "error": rho.error,
        "degrees": rho.degrees,
        "targets": rho.targets,
        "clusters": rho.clusters,
        "references": rho.references,
        "p": row.p,
        "p_holm": row.p_holm,
        "detectable": row.detectable,
    }


def _describe_effects(value: Any) -> Any:  # noqa: ANN401 - any row of a study
    """Return rows as JSON holds them: every effect with the least that could have been shown."""
    from cosmos_board.board.studies.effects import Effect

    if isinstance(value, list | tuple):
        return [_describe_effects(item) for item in value]
    if not is_dataclass(value) or isinstance(value, type):
        return value
    plain = {item.name: _describe_effects(getattr(value, item.name)) for item in fields(value)}
    return {**plain, "detectable": value.detectable} if isinstance(value, Effect) else plain


def describe_finding(finding: Finding) -> dict[str, object]:
    """Return a finding as JSON holds it: its words in both languages, and every decision."""
    from cosmos_board.site.language.messages import CLAIM_TEXTS
    from cosmos_board.site.language.words import words_for

    claim, text, chinese = finding.claim, CLAIM_TEXTS[finding.id], words_for("zh")
    headline = _describe_decision(finding.headline, claim.threshold)
    selected = finding.oracle is not None
    return {
        "id": claim.id,
        "statement": text.statement,
        "statement_zh": chinese(text.statement),
        "effect_text": text.effect,
        "effect_text_zh": chinese(text.effect),
        "threshold": claim.threshold,
        "unit": claim.unit,
        "needs": text.needs,
        "paper": text.paper,
        "certainty": claim.certainty,
        "source": text.source,
        **headline,
        "n": headline["clusters"],
        "family": finding.family,
        "selection": "predicted" if selected else None,
        "predicted": headline if selected else None,
        "oracle": _describe_decision(finding.oracle, claim.threshold) if finding.oracle else None,
        "families": [
            {
                "family": decided.family,
                "predicted": _describe_decision(decided.predicted, claim.threshold),
                "oracle": _describe_decision(decided.oracle, claim.threshold),
            }
            for decided in finding.families
        ],
        "query": claim.query,
        "data_version": finding.data_version,
    }


def _describe_decision(decision: Decision, threshold: float) -> dict[str, object]:
    from cosmos_board.site.language.messages import say

    low, high = decision.interval
    return {
        "verdict": decision.verdict,
        "part": say(decision.part.name) if decision.part else None,
        "effect": decision.value,
        "low": low,
        "high": high,
        "detectable": decision.detectable,
        "targets": decision.targets,
        "clusters": decision.clusters,
        "references": decision.part.effect.references if decision.part else 0,
        "parts": [
            {
                "name": say(part.name),
                "effect": part.effect.value,
                "low": part.effect.low,
                "high": part.effect.high,
                "verdict": verdict,
                "detectable": None if part.reach is None else threshold + part.reach,
                "any_of": part.any_of,
            }
            for part, verdict in zip(decision.evidence.parts, decision.verdicts, strict=True)
        ],
        "models": decision.evidence.models,
        "missing": [say(message) for message in decision.missing],
    }


def _print_finding(finding: Mapping[str, Any]) -> None:
    from cosmos_board.site.language.numbers import signed, with_interval

    click.echo(f"{finding['id']} {finding['statement']}")
    if finding["effect"] is None:
        click.echo(f"   {finding['verdict']}")
        for missing in finding["missing"]:
            click.echo(f"   missing: {missing}")
        return
    several = len(finding["parts"]) > 1
    which = f" {finding['part']}" if several else ""
    effect = with_interval(signed(finding["effect"]), finding["low"], finding["high"])
    click.echo(f"   {finding['verdict']}:{which} {effect}; clusters: {finding['n']}")
    if finding["verdict"] == "not shown" and finding["detectable"] is not None:
        click.echo(f"   these data could have shown an effect of {finding['detectable']:.3f}")


def _print_study(study: str, results: Any, *, was_run: bool) -> None:  # noqa: ANN401
    from cosmos_board.cli.tables import print_table

    rows = results if isinstance(results, tuple) else results.rows
    if not rows:
        why = (
            "was run, but not on images that count: synthetic images do not count beside real "
            "ones, nor do references that the board does not rank on"
            if was_run
            else "no rows in this database"
        )
        click.echo(f"{study}: {why}", err=True)
        return
    flatten = {"clicks": _flatten_clicks, "trust": _flatten_trust}.get(study, _flatten)
    flat = [flatten(row) for row in rows]
    table = [[_cell(value) for value in row.values()] for row in flat]
    names = [value for value in flat[0].values() if isinstance(value, str | tuple)]
    left = 2 if study in ("clicks", "trust") else len(names)
    print_table(study, list(flat[0]), table, left=left, keep=2)
    if any(effect.low is None for row in rows for effect in _list_effects(row)):
        click.echo("fewer than 10 clusters have no interval and decide nothing", err=True)


def _flatten(row: Any) -> dict[str, object]:  # noqa: ANN401 - any row of a study
    """Return the fields of a row by name, text first, and the least that could have been shown."""
    values = {field.name: getattr(row, field.name) for field in fields(row)}
    for effect in _list_effects(row):
        values["detectable"] = (
            None if effect.is_shown else getattr(row, "detectable", effect.detectable)
        )
    return dict(sorted(values.items(), key=lambda pair: not isinstance(pair[1], str | tuple)))


def _list_effects(row: Any) -> list[Effect]:  # noqa: ANN401 - any row of a study
    """Return the effects of a row, but not those of a curve."""
    from cosmos_board.board.studies.effects import Effect

    values = (getattr(row, field.name) for field in fields(row))
    return [value for value in values if isinstance(value, Effect)]


def _flatten_clicks(row: Any) -> dict[str, object]:  # noqa: ANN401 - a ClicksRow
    """Return what is said of one model's clicks: Dice at some, and how many a goal takes."""
    values: dict[str, object] = {"model": row.model, "selection": row.selection}
    for goal in row.goals:
        values[f"clicks to Dice {goal.goal:.2f}"] = (
            f"> {len(row.dice)}" if goal.median is None else str(goal.median)
        )
        never = goal.never
        values[f"never {goal.goal:.2f}"] = (
            None if never is None else f"{never.value:.0%} ({never.low:.0%}–{never.high:.0%})"
        )
    area = row.area
    interval = "" if area.low is None else f" ({area.low:.3f} … {area.high:.3f})"
    values["area"] = f"{area.value:.3f}{interval}"
    for number in sorted({1, 3, 5, len(row.dice)}):
        values[f"Dice at click {number}"] = row.dice[number - 1].value
    values["clusters"] = row.area.clusters
    return values


def _flatten_trust(row: Any) -> dict[str, object]:  # noqa: ANN401 - a TrustRow
    """Return what a model's own score of its masks is worth, shares in [0, 1]."""
    return {
        "model": row.model,
        "prompt": row.prompt,
        "bias": row.bias if row.gives else "gives none",
        "calibration error": _unsigned(row.calibration),
        "finds failures": _unsigned(row.auroc),
        "failed": _unsigned(row.failed),
        "review for 95 %": _unsigned(row.review),
        "risk": _unsigned(row.risk),
        "risk area": _unsigned(row.risk_area),
        "calibration elsewhere gains": row.transfer,
    }


def _unsigned(effect: Effect | Share | None) -> str | None:
    """Return a value that has no sign, with its interval."""
    if effect is None:
        return None
    return f"{effect.value:.3f}" + (
        "" if effect.low is None else f" ({effect.low:.3f}–{effect.high:.3f})"
    )


def _cell(value: object) -> str:
    """Return a value as a table shows it: effects with their interval, floats short."""
    if isinstance(value, float):
        return f"{value:.3f}"
    if is_dataclass(value) and hasattr(value, "value"):
        low, high = getattr(value, "low", None), getattr(value, "high", None)
        return f"{value.value:+.3f}" + ("" if low is None else f" ({low:+.3f} … {high:+.3f})")
    if isinstance(value, tuple):
        return ", ".join(_cell(item) for item in value)
    return "–" if value is None else str(value)
