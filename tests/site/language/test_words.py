"""Every sentence exists in every language, and every catalogue holds these alone."""

from __future__ import annotations

import string
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages.pofile import read_po

from cosmos_board.site.language.terms import list_terms
from cosmos_board.site.language.words import LOCALE, MissingTranslationError, Words, words_for

ROOT = Path(__file__).parents[3]
CHINESE = LOCALE / "zh" / "LC_MESSAGES" / "site.po"


@pytest.fixture(scope="module")
def messages() -> ModuleType:
    """The script that collects and checks."""
    path = str(ROOT / ".ci" / "messages")
    loader = SourceFileLoader("messages", path)
    module = module_from_spec(spec_from_loader("messages", loader) or ModuleSpec(path, loader))
    loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def template(messages: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every sentence that the site may say."""
    path = tmp_path_factory.mktemp("messages") / "site.pot"
    messages.collect(path)
    return path


def test_the_catalogue_holds_every_sentence_and_no_other(
    messages: ModuleType, template: Path
) -> None:
    assert messages.problems_of(CHINESE, template) == []


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ('msgstr "尚无数据。"', 'msgstr ""', "not translated: 'No rows yet.'"),
        ('msgid "No rows yet."', 'msgid "Nobody says this."', "not translated: 'No rows yet.'"),
        (
            'msgid "No rows yet."',
            'msgid "Nobody says this."',
            "nobody says any more: 'Nobody says this.'",
        ),
        ('msgid "No rows yet."', '#, fuzzy\nmsgid "No rows yet."', "marked fuzzy: 'No rows yet.'"),
    ],
)
def test_a_catalogue_that_is_not_whole_is_refused(
    before: str, after: str, problem: str, messages: ModuleType, template: Path, tmp_path: Path
) -> None:
    catalogue = tmp_path / "site.po"
    catalogue.write_text(CHINESE.read_text("utf-8").replace(before, after, 1), "utf-8")

    assert f"{catalogue}: {problem}" in messages.problems_of(catalogue, template)


def test_a_translation_fills_the_same_fields() -> None:
    def fields(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    with CHINESE.open("rb") as file:
        catalogue = read_po(file)
    for message in catalogue:
        sentence = message.id if isinstance(message.id, str) else message.id[-1]
        forms = [message.string] if isinstance(message.string, str) else message.string or []
        for form in forms if sentence else ():
            assert fields(str(form)) == fields(str(sentence)), sentence


def test_terms_of_the_data_are_translated() -> None:
    words = words_for("zh")

    assert words.term("holds") == "成立"
    assert "holds" in list_terms()
    assert words.term("some new tier") == "some new tier"
    assert words.term("") == ""


def test_things_are_counted_in_the_plural_of_the_language() -> None:
    assert Words().count(2, "target") == "2 targets"
    assert words_for("zh").count(1, "target") == "1 个目标"
    assert words_for("zh").count(2, "target") == "2 个目标"


def test_an_untranslated_sentence_is_an_error() -> None:
    with pytest.raises(MissingTranslationError):
        words_for("zh")("Nobody ever said this.")
    with pytest.raises(MissingTranslationError):
        words_for("zh").plural(2, "one of these", "many of these")
