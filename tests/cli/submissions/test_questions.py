from __future__ import annotations

import pytest

from cosmos_board.cli.submissions.questions import RULES, read_author, read_training
from cosmos_board.submissions.format.manifest import parse_manifest
from cosmos_board.submissions.format.training_data import describe_other, note_other_training
from tests.submissions.drafts import draft_manifest, to_toml


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Ada", "'Ada': want NAME:GITHUB-ID; the number is at https://api.github.com/users/LOGIN"),
        ("Ada:octocat", "want NAME:GITHUB-ID"),
        (":12", "want NAME:GITHUB-ID"),
        ("Ada:9999999999999", "want an integer 0..1000000000000"),
        ("Ada:" + "9" * 5000, "want an integer 0..1000000000000"),
        ("<b>:12", "character '<' not allowed"),
    ],
)
def test_a_wrong_author_is_told_why(text: str, says: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared
        read_author(text)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("code_url", "example.org", "no scheme, want https"),
        ("licence", "apache 2", r"(nearest: Apache-2.0)"),
        ("licence", "ours", r"(LicenseRef-unknown where none fits)"),
        ("contact", "ann", "want an e-mail address or an https address"),
        ("name", "SAM (official)", "reserved word 'official'"),
        ("weights", "pth", "'pth' unknown, want one of: safetensors, onnx, pytorch, other"),
    ],
)
def test_an_answer_is_refused_by_the_rule_of_its_field(name: str, text: str, says: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared
        RULES[name](text)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ((), "want names of the catalog, or none, or unknown"),
        (("none", "camus"), "'none' stands alone"),
        (("camus", "unknown"), "'unknown' stands alone"),
        (("@everyone",), "character '@' not allowed"),
    ],
)
def test_training_data_that_contradicts_itself_is_refused(
    names: tuple[str, ...], says: str
) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared
        read_training(names)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("demo-nuclie", "matched with no dataset (nearest: demo-nuclei)"),
        ("KiTS 19", "matched with no dataset (nearest: kits19"),
        ("our hospital's scans", "so matched with no dataset"),
        ("camus", "'camus' is in the catalog, but matched only under training_data"),
    ],
)
def test_a_name_that_is_matched_with_nothing_is_explained(name: str, says: str) -> None:
    assert says in describe_other(name)


def test_the_check_notes_other_training_data_and_refuses_nothing() -> None:
    """Free text is split where names would be; a long list is cut."""
    text = "camuss; our own scans\nthird, " + ", ".join(f"set {number}" for number in range(9))
    manifest, _ = parse_manifest(to_toml(draft_manifest(other_training_data=text)), "a.yaml")
    assert manifest is not None
    notes = list(note_other_training(manifest, "a.yaml"))
    assert {note.disposition for note in notes} == {"noted"}
    assert [note.text.split(" is not")[0] for note in notes] == [
        "'camuss'", "'our own scans'", "'third'", "'set 0'", "'set 1'", "and 7 more names",
    ]  # fmt: skip
