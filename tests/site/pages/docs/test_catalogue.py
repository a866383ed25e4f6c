"""Every dataset of the study is on the site, scored or not."""

from __future__ import annotations

from html import unescape

from cosmos_board.data.catalog.load import load_catalog
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.words import words_for
from cosmos_board.site.pages.docs.catalogue import catalogue_page
from cosmos_board.site.pages.sections.writer import PageContext


def test_every_dataset_of_the_study_is_listed_with_its_terms(data: SiteData) -> None:
    html = "".join(catalogue_page(PageContext(data, words_for("en"))).slots.values())

    for dataset in load_catalog().cosmos:
        assert dataset.label in unescape(html)
    assert html.count("<tr") == 1 + 53
