from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from cosmos_board.board.build import build_boards
from cosmos_board.board.cube import Cube
from cosmos_board.board.findings.claims import CLAIMS
from cosmos_board.board.findings.findings import Finding, count_tests, find_findings
from cosmos_board.board.studies.effects import Effect
from cosmos_board.board.types import FailedAnswers
from cosmos_board.cli.boards.analyse import describe_finding
from cosmos_board.site.language.messages import CLAIM_TEXTS, say
from cosmos_board.store.board import open_board
from cosmos_board.store.queries.findings import FINDING_QUERIES
from tests.finding_worlds import WORLDS, World, plant
from tests.run_folders import ingest_board
from tests.study_boards import SIX, StudyBoard

IDS = tuple(f"F{number}" for number in range(1, 9))


def effect_of(finding: Finding) -> Effect:
    """Return the effect that decides a finding."""
    assert finding.headline.part is not None
    return finding.headline.part.effect


def missing_of(finding: Finding) -> tuple[str, ...]:
    """Return what a finding lacks, in English."""
    return tuple(say(message) for message in finding.headline.missing)


def parts_of(finding: Finding) -> dict[str, float]:
    """Return the value of each part by its name in English."""
    return {say(part.name): part.effect.value for part in finding.headline.evidence.parts}


def findings(board: StudyBoard, folder: Path, *, shuffle: int | None = None) -> dict[str, Finding]:
    path = board.write(folder / f"{shuffle}.duckdb", shuffle=shuffle)
    with open_board(path) as connection:
        return {finding.id: finding for finding in find_findings(Cube(connection, ["dice"]))}


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_every_finding_gets_the_verdict_that_was_planted(tmp_path: Path, world: World) -> None:
    found = findings(plant(world), tmp_path)

    verdicts = {name: finding.verdict for name, finding in found.items()}
    assert verdicts == dict(zip(IDS, world.verdicts, strict=True))


def test_run_folders_lead_to_the_same_findings(tmp_path: Path) -> None:
    """Through `ingest`, as any run; only the reader study comes by a log of its own."""
    board = plant(WORLDS["about as claimed"])
    written = findings(board, tmp_path)
    with open_board(ingest_board(board, tmp_path)) as connection:
        ingested = {finding.id: finding for finding in find_findings(Cube(connection, ["dice"]))}

    assert ingested["F4"].verdict == "not enough data"
    for name in set(IDS) - {"F4"}:
        assert ingested[name].headline == written[name].headline
        assert ingested[name].oracle == written[name].oracle


def test_planted_effects_come_back_with_what_they_rest_on(tmp_path: Path) -> None:
    found = findings(plant(WORLDS["as claimed"]), tmp_path)

    assert parts_of(found["F1"]) == pytest.approx(
        {"targets with Dice ≥ 0.9": 0.5, "targets with Dice ≤ 0.5": 0.25}
    )
    expected = {"F2": 0.03, "F3": 0.1, "F5": 0.2, "F6": 0.1, "F8": 0.05}
    # Dice ends at 0 and 1, which takes a little off some of what was planted.
    effects = {name: effect_of(found[name]).value for name in expected}
    assert effects == pytest.approx(expected, abs=0.006)
    assert found["F3"].headline.evidence.models == ("sam-vit-b", "sam-vit-h")
    assert effect_of(found["F3"]).targets == effect_of(found["F3"]).clusters == 12
    assert found["F3"].family == "sam"
    assert found["F3"].families == ()
    assert effect_of(found["F7"]).references == 288
    assert list(parts_of(found["F3"])) == [
        "point − everything", "box − point", "box − points-5", "box − points-5-5",
    ]  # fmt: skip
    assert found["F4"].oracle is None


def test_every_part_of_every_decision_counts_as_a_test(tmp_path: Path) -> None:
    """Two of F1, one of F2, four of F3, two each of F5 to F7, one of F8: twice; two of F4."""
    found = findings(plant(WORLDS["as claimed"]), tmp_path)

    assert count_tests(found.values()) == 2 * (2 + 1 + 4 + 2 + 2 + 2 + 1) + 2


def test_any_order_of_rows_gives_the_same_bytes(tmp_path: Path) -> None:
    board = plant(WORLDS["about as claimed"])

    once, again = findings(board, tmp_path), findings(board, tmp_path, shuffle=5)
    assert json.dumps(
        [describe_finding(finding) for finding in once.values()], allow_nan=False
    ) == (json.dumps([describe_finding(finding) for finding in again.values()], allow_nan=False))


def test_an_empty_board_names_everything_that_is_missing(tmp_path: Path) -> None:
    found = findings(StudyBoard().add_target("ct.liver"), tmp_path)

    assert {finding.verdict for finding in found.values()} == {"not enough data"}
    missing = {name: missing_of(finding) for name, finding in found.items()}
    assert missing == {
        "F1": ("scores of a promptable model",),
        "F2": ("model sam-vit-b", "model sam-vit-h"),
        "F3": (f"a promptable model with {', '.join(SIX)}",),
        "F4": ("an annotation log with both arms of the same references",),
        "F5": (
            "jitter study of box (first) at 20–30 px",
            "jitter study of point (first) at 20–30 px",
        ),
        "F6": (
            "clicks study of a promptable model",
            "clicks study of an interactive method (a classical model)",
        ),
        "F7": ("a promptable model with box",),
        "F8": ("a fine-tuned model",),
    }


def test_missing_prompts_are_named_one_by_one(tmp_path: Path) -> None:
    board = StudyBoard().add_target("ct.liver").add_model("sam-vit-b").add_model("sam-vit-l")
    board.add_scores("sam-vit-b", "point", 0.6).add_scores("sam-vit-b", "everything", 0.6)

    found = findings(board, tmp_path)
    assert missing_of(found["F3"]) == (
        "prompt points-5",
        "prompt points-5-5",
        "prompt box",
        "prompt box-point",
    )
    assert missing_of(found["F7"]) == ("prompt box",)


def test_too_few_targets_and_clusters_are_counted(tmp_path: Path) -> None:
    board = StudyBoard().add_target("ct.liver", clusters=12).add_target("ct.spleen", clusters=4)
    board.add_model("sam-vit-b").add_model("sam-vit-h")
    for prompt in SIX:
        board.add_scores("sam-vit-b", prompt, 0.6)
        if prompt != "point":
            board.add_scores("sam-vit-h", prompt, 0.7)
    everyone = board.references["reference_id"].tolist()
    for arm in ("unaided", "assisted"):
        board.add_reading("anna", arm, 0.8, 9.0, references=everyone[-4:])

    found = findings(board, tmp_path)
    few = "targets with at least 10 clusters each (1 of 2 have them; the most is 12)"
    missing = {name: missing_of(finding) for name, finding in found.items()}
    assert missing["F1"] == (f"10 {few}",)
    assert missing["F2"] == ("scores of sam-vit-h with point",)
    assert missing["F3"] == (f"3 {few}",)
    assert missing["F4"] == (
        "annotations by 3 readers (there are 1)",
        "annotations of 10 clusters (there are 2)",
        "annotations of 3 targets (there are 1)",
    )
    assert missing["F7"] == ("200 references with factors and a box (there are 32)",)


def test_missing_halves_of_studies_are_named(tmp_path: Path) -> None:
    board = plant(WORLDS["as claimed"])
    kept = []
    for table in board.scores:
        row = table.iloc[0]
        jittered_point = row["study"] == "jitter" and row["prompt"] == "point"
        interactive = row["study"] == "clicks" and row["model"] == "grabcut"
        if not (jittered_point or interactive or row["model"] == "sam-tuned"):
            kept.append(table)
    board.scores = kept

    found = findings(board, tmp_path)
    assert missing_of(found["F5"]) == ("jitter study of point (first) at 20–30 px",)
    assert missing_of(found["F6"]) == ("clicks study of an interactive method (a classical model)",)
    assert missing_of(found["F8"]) == ("scores of sam-tuned and sam-vit-b with box",)


def test_seen_clusters_have_no_part_in_fine_tuning(tmp_path: Path) -> None:
    board = plant(WORLDS["as claimed"])
    next(model for model in board.models if model["model"] == "sam-tuned")["training_data"] = [
        "north"
    ]
    assert missing_of(findings(board, tmp_path, shuffle=1)["F8"]) == (
        "sam-tuned: no record of which clusters of north it was trained on",
    )
    board.seen = [("sam-tuned", "north", "c0000"), ("sam-tuned", "north", "c0001")]
    assert effect_of(findings(board, tmp_path, shuffle=2)["F8"]).clusters == 10


def test_a_model_has_no_part_where_it_was_trained(tmp_path: Path) -> None:
    board = plant(WORLDS["as claimed"])
    for model in board.models:
        if model["model"] == "sam-vit-h":
            model["training_data"] = ["north"]

    found = findings(board, tmp_path)
    assert found["F3"].headline.evidence.models == ("sam-vit-b",)
    assert found["F2"].verdict == "not enough data"


def test_families_are_decided_by_themselves_and_the_headline_is_sams(tmp_path: Path) -> None:
    board = plant(WORLDS["as claimed"])
    board.add_model("tiny", family="tiny")
    for prompt in SIX:
        board.add_scores("tiny", prompt, 0.6 if prompt == "everything" else 0.5)

    finding = findings(board, tmp_path)["F3"]
    assert (finding.family, finding.verdict) == ("sam", "holds")
    assert {one.family: one.predicted.verdict for one in finding.families} == {
        "sam": "holds",
        "tiny": "contradicted",
    }
    assert [(family, selection) for family, selection, _ in finding.decisions] == [
        ("sam", "predicted"),
        ("sam", "oracle"),
        ("tiny", "predicted"),
        ("tiny", "oracle"),
    ]


def test_without_sam_the_headline_takes_all_families_together(tmp_path: Path) -> None:
    board = StudyBoard(seed=3).add_targets(3)
    for name, gain in (("a", 0.3), ("b", 0.1)):
        board.add_model(name, family=name)
        for prompt in SIX:
            board.add_scores(name, prompt, {"everything": 0.4, "box": 0.6 + gain}.get(prompt, 0.6))

    finding = findings(board, tmp_path)["F3"]
    assert finding.family == ""
    assert finding.headline.evidence.models == ("a", "b")
    assert effect_of(finding).value == pytest.approx(0.2)


def test_what_a_user_gets_leads_and_the_oracle_stands_beside_it(tmp_path: Path) -> None:
    board = StudyBoard(seed=4).add_targets(3).add_model("sam-vit-b")
    for prompt in SIX:
        dice = {"everything": 0.55, "box": 0.8}.get(prompt, 0.6)
        board.add_scores("sam-vit-b", prompt, dice, gap=0.1)

    finding = findings(board, tmp_path)["F3"]
    assert finding.verdict == "contradicted"
    assert effect_of(finding).value == pytest.approx(-0.05)
    assert finding.oracle is not None
    assert finding.oracle.verdict == "holds"


def test_everything_is_no_prompt_of_f1_where_models_choose(tmp_path: Path) -> None:
    """It is scored by the mask that fits best, which would make it the best prompt."""
    board = StudyBoard(seed=4).add_targets(12).add_model("sam-vit-b")
    for prompt in SIX:
        board.add_scores("sam-vit-b", prompt, 0.95 if prompt == "everything" else 0.7)

    finding = findings(board, tmp_path)["F1"]
    assert parts_of(finding)["targets with Dice ≥ 0.9"] == 0
    assert finding.oracle is not None
    assert finding.oracle.evidence.parts[0].effect.value == 1


def test_annotators_must_be_both_better_and_faster(tmp_path: Path) -> None:
    """Dice gains hold, but assistance costs time."""
    found = findings(plant(replace(WORLDS["as claimed"], seconds_saved=-5.0)), tmp_path)

    assert found["F4"].verdict == "contradicted"
    assert parts_of(found["F4"]) == pytest.approx({"Dice gained": 0.03, "seconds saved": -60.0})
    assert found["F4"].headline.verdicts == ("holds", "contradicted")


def test_the_best_of_several_masks_has_no_rival_with_one(tmp_path: Path) -> None:
    """A model that offers several is compared by its own choice alone; without, by both."""
    board = plant(WORLDS["as claimed"])
    found = findings(board, tmp_path, shuffle=1)["F6"]
    assert found.oracle is not None
    assert found.oracle.verdict == "holds"

    for table in board.scores:
        chosen = table["selection"] == "predicted"
        if table["study"].iloc[0] == "clicks" and table["model"].iloc[0] == "sam-vit-b":
            table.loc[chosen, "tp"] -= 1000
            table.loc[chosen, ["fp", "fn"]] += 1000
    found = findings(board, tmp_path, shuffle=2)["F6"]
    assert found.verdict == "holds"
    assert found.oracle is not None
    assert [message.key for message in found.oracle.missing] == ["as-many-candidates"]


def test_every_rival_must_be_led_and_one_must_overtake(tmp_path: Path) -> None:
    board = plant(WORLDS["as claimed"]).add_model("walker", kind="classical", family="classical")
    board.add_scores("walker", "point", 0.4)
    for click in range(1, 11):
        board.add_scores("walker", "point", 0.3, study="clicks", click=click)

    found = findings(board, tmp_path)["F6"]
    assert found.verdict == "holds"
    verdicts = dict(zip(parts_of(found), found.headline.verdicts, strict=True))
    assert verdicts == {
        "lead over grabcut at click 1": "holds",
        "lag behind grabcut at click 10": "holds",
        "lead over walker at click 1": "holds",
        "lag behind walker at click 10": "contradicted",
    }


def test_data_version_changes_with_the_data_only(tmp_path: Path) -> None:
    board = StudyBoard().add_target("ct.liver").add_model("sam").add_scores("sam", "box", 0.5)

    first = findings(board, tmp_path, shuffle=1)["F1"].data_version
    assert findings(board, tmp_path, shuffle=2)["F1"].data_version == first
    board.add_scores("sam", "point", 0.5)
    assert findings(board, tmp_path, shuffle=3)["F1"].data_version != first


def test_queries_run_and_show_what_the_effect_is_made_of(tmp_path: Path) -> None:
    path = plant(WORLDS["as claimed"]).write(tmp_path / "b.duckdb")
    connection = duckdb.connect(str(path), read_only=True)
    tables = {claim.id: connection.execute(claim.query).fetchdf() for claim in CLAIMS}
    connection.close()
    with open_board(path) as opened:
        all_found = find_findings(Cube(opened, ["dice"]))
    found = all_found[1]

    assert all(len(table) for table in tables.values())
    sizes = tables["F2"].pivot_table(index=["target", "prompt"], columns="model", values="dice")
    gain = (sizes["sam-vit-h"] - sizes["sam-vit-b"]).groupby("target").mean().mean()
    assert gain == pytest.approx(effect_of(found).value, abs=1e-6)
    assert set(tables["F8"]["model"]) == {"sam-tuned"}
    gains = tables["F8"].groupby("target")["gain"].mean().mean()
    tuning = next(finding for finding in all_found if finding.id == "F8")
    assert gains == pytest.approx(effect_of(tuning).value, abs=1e-6)


def test_every_claim_is_worded_and_numbers_carry_their_certainty() -> None:
    assert tuple(claim.id for claim in CLAIMS) == tuple(CLAIM_TEXTS) == IDS
    assert tuple(FINDING_QUERIES) == IDS
    for claim in CLAIMS:
        text = CLAIM_TEXTS[claim.id]
        assert text.statement
        assert text.effect
        assert text.needs
        assert (claim.certainty == "not found") == (text.source == "")
    assert [claim.threshold for claim in CLAIMS] == [0.05, 0.0, 0.0, 0.0, 0.05, 0.0, 0.1, 0.0]


def test_json_holds_what_scripts_rely_on(tmp_path: Path) -> None:
    found = findings(plant(WORLDS["no effect"]), tmp_path)

    told = describe_finding(found["F5"])
    assert (told["id"], told["verdict"], told["n"]) == ("F5", "not shown", 12)
    low, high, least = (float(str(told[name])) for name in ("low", "high", "detectable"))
    assert low <= 0 < high < 0.05 < least
    parts = told["parts"]
    assert isinstance(parts, list)
    assert [part["name"] for part in parts] == ["drop of box", "drop of point"]
    assert set(parts[0]) >= {"name", "effect", "low", "high", "verdict", "detectable"}
    assert told["predicted"] == {name: told[name] for name in told["predicted"]}  # type: ignore[attr-defined]


def test_a_model_that_failed_too_often_is_named_and_not_its_prompt(tmp_path: Path) -> None:
    """Counted over the images that count: its answers on synthetic ones are no part of it."""
    board = StudyBoard(seed=5).add_targets(3).add_target("synthetic.disc", dataset="drawn")
    for name in ("sam-vit-b", "sam-vit-h"):
        board.add_model(name)
        for prompt in SIX:
            board.add_scores(name, prompt, 0.7)
    board.add_model("sam-tuned", base_model="sam-vit-b").add_scores("sam-tuned", "box", 0.8)
    for table in board.scores:
        (model,), (prompt,) = set(table["model"]), set(table["prompt"])
        if (model == "sam-vit-h" and prompt == "point") or (model, prompt) == ("sam-tuned", "box"):
            failed = table.index[table["dataset"] == "north"][:2]
            table.loc[failed, "status"] = "failed: out of memory"
        if prompt == "point":
            drawn = table["dataset"] == "drawn"
            table.loc[drawn, "status"] = "failed: out of memory"
    path = board.write(tmp_path / "b.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE datasets SET synthetic = (dataset = 'drawn')")
    with open_board(path) as opened:
        cube = Cube(opened, ["dice"])
        found = {finding.id: finding for finding in find_findings(cube)}
        boards = build_boards(opened, ["dice"], prompts=["point"], kinds={"overall"}, cube=cube)

    point = "sam-vit-h with point: 2 of 72 answers failed, more than 1 %"
    assert missing_of(found["F2"]) == (point,)
    assert missing_of(found["F8"]) == (point.replace("vit-h with point", "tuned with box"),)
    assert found["F3"].headline.evidence.models == ("sam-vit-b",)
    (row,) = (
        row
        for key, each in boards.items()
        if key.selection == "predicted"
        for row in each.rows
        if row.model == "sam-vit-h"
    )
    assert row.failing == FailedAnswers(2, 72), "the board counts as the finding does"
    assert row.failed == 2 / 72


def test_a_prompt_that_every_model_failed_with_is_not_called_missing(tmp_path: Path) -> None:
    board = StudyBoard(seed=5).add_targets(3).add_model("sam-vit-b")
    for prompt in SIX:
        board.add_scores("sam-vit-b", prompt, 0.7)
    board.scores[2].loc[:3, "status"] = "failed: out of memory"
    (prompt,) = set(board.scores[2]["prompt"])

    missing = missing_of(findings(board, tmp_path)["F3"])
    assert missing == (f"sam-vit-b with {prompt}: 4 of 72 answers failed, more than 1 %",)
