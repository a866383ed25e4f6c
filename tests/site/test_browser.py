"""Pages as readers meet them: a real Chromium, wide and narrow, light and dark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean
from typing import Literal

import pytest
from playwright.sync_api import Browser, ViewportSize

from cosmos_board.board.ranking.pairs import pair_row
from cosmos_board.board.types import BoardKey, Slice
from cosmos_board.site.content.site_data import SiteData
from tests.site.browser import Watched, chromium, needs_chromium, serve

pytestmark = [needs_chromium, pytest.mark.browser]
KINDS = (
    "", "modalities/", "modalities/ct/", "objects/lung/", "targets/", "targets/ct.lung/",
    "targets/ultrasound.nerve/", "prompts/", "prompts/everything/", "datasets/chest-ct/", "models/",
    "models/evil-sam/", "docs/definitions/", "docs/protocol/", "compare/", "findings/",
    "findings/f3/", "studies/factors/", "studies/jitter/", "studies/clicks/", "explore/",
    "changes/", "compare/sam-vit-h-vs-grabcut/", "prompts/point/ct/", "zh/",
    "zh/models/sam-vit-b/", "advisor/", "submissions/", "datasets/catalogue/", "submit/",
    "docs/cosmos-tiny/", "studies/fine-tuning/", "studies/annotation/", "viewer/",
)  # fmt: skip
AUDITED = (
    "advisor/",
    "compare/",
    "findings/",
    "explore/",
    "",
    "datasets/catalogue/",
    "zh/",
    "modalities/ct/",
    "targets/",
    "prompts/everything/",
    "models/sam-vit-b/",
    "docs/protocol/",
)
LOOKS = """[...document.querySelectorAll("body, body *")].map((element) => {
    const style = getComputedStyle(element);
    const names = [...style].filter((name) => !name.startsWith("--"));
    const text = names.map((name) => name + ":" + style.getPropertyValue(name)).join(";");
    return element.tagName + "." + element.className + " " + text;
})"""
WIDE, NARROW = ViewportSize(width=1440, height=900), ViewportSize(width=390, height=844)


@pytest.fixture(scope="module")
def home(site: Path) -> Iterator[str]:
    with serve(site) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def wide(browser: Browser, home: str) -> Iterator[Watched]:
    context = browser.new_context(viewport=WIDE)
    yield Watched(context, home)
    context.close()


def test_no_kind_of_page_overflows_complains_or_calls_elsewhere(
    browser: Browser, home: str
) -> None:
    """The narrow window of a phone, in the dark: the hardest case."""
    context = browser.new_context(viewport=NARROW, color_scheme="dark")
    watched = Watched(context, home)
    too_wide = []
    for path in KINDS:
        page = watched.open(path)
        if watched.overflow() > 0:
            too_wide.append(path)
        assert page.evaluate("document.body.dataset.mdColorScheme") == "slate"
    context.close()

    assert too_wide == []
    assert watched.complaints == []


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_at_all_overflows_complains_or_calls_elsewhere(
    browser: Browser, home: str, site: Path, scheme: Literal["light", "dark"]
) -> None:
    context = browser.new_context(viewport=NARROW, color_scheme=scheme)
    watched = Watched(context, home)
    paths = [page.parent.relative_to(site).as_posix() for page in site.rglob("index.html")]
    too_wide = []
    for path in sorted(paths):
        watched.open(f"{path}/".removeprefix("./"))
        if watched.overflow() > 0:
            too_wide.append(path)
    context.close()

    assert len(paths) > 150
    assert too_wide == []
    assert watched.complaints == []


def test_a_plot_comes_alive_from_this_site_and_follows_the_scheme(wide: Watched) -> None:
    page = wide.open("modalities/ct/")
    figure = page.locator("#fig-prompts")
    figure.scroll_into_view_if_needed()
    page.mouse.move(200, 200)
    page.wait_for_selector("#fig-prompts.is-live .main-svg")

    ink = "getComputedStyle(document.querySelector('#fig-prompts .xtick text')).fill"
    light = page.evaluate(ink)
    page.evaluate("document.body.setAttribute('data-md-color-scheme', 'slate')")
    page.wait_for_function(f"{ink} !== '{light}'")

    assert figure.locator(".cb-still").is_hidden()
    assert wide.complaints == []


def test_sorting_hiding_and_filtering_live_in_the_address_and_survive_back(wide: Watched) -> None:
    page = wide.open("targets/")
    page.get_by_role("button", name="Reference masks").click()
    first = page.locator("#index tbody tr").first.inner_text()
    address = page.url
    page.get_by_role("link", name="CT · Lung").first.click()
    page.wait_for_load_state()
    page.go_back(wait_until="networkidle")

    assert "s%3A-references" in address or "s:-references" in address
    assert page.url == address
    assert page.locator("#index tbody tr").first.inner_text() == first
    assert page.locator("th[aria-sort='descending']").count() == 1

    page.goto(wide.home + "targets/ct.lung/?board=q%3Abox%20prior", wait_until="networkidle")
    assert page.locator("#board tbody tr:visible").count() == 1


def test_missing_values_sort_last_both_ways(wide: Watched) -> None:
    page = wide.open("modalities/ct/")
    button = page.locator("#by-prompt").get_by_role("button", name="Everything")
    for _ in range(2):
        button.click()
        last = page.locator("#by-prompt tbody tr").last.inner_text()
        assert "unsupported" in last


def test_the_csv_of_a_view_holds_the_rows_in_view(wide: Watched) -> None:
    page = wide.open("models/?index=q%3Asam")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").first.click()
    text = Path(download.value.path()).read_text("utf-8")

    assert text.splitlines()[0].startswith("model,family,kind")
    assert len(text.splitlines()) == 1 + page.locator("#index tbody tr:visible").count()


def test_without_scripts_a_page_has_its_whole_table_and_its_drawing(
    browser: Browser, home: str
) -> None:
    context = browser.new_context(viewport=WIDE, java_script_enabled=False)
    page = context.new_page()
    seen = {}
    for path, table in (
        ("modalities/ct/", "board"), ("", "board"), ("advisor/", "advice"),
        ("findings/", "findings"),
        ("models/sam-vit-b/", "targets-table"), ("compare/sam-vit-h-vs-grabcut/", "pair"),
    ):  # fmt: skip
        page.goto(home + path)
        rows = page.locator(f"#{table} tbody tr:visible").count()
        seen[path] = (rows, page.locator("svg.cb-svg:visible").count())
    dead = []
    for path in ("advisor/", "compare/", "explore/"):
        page.goto(home + path)
        dead += [path] * page.locator("form.cb-compare:visible").count()
    context.close()

    assert seen["modalities/ct/"] == (7, 2)
    assert seen[""][0] == 7
    assert seen["advisor/"] == (4, 0)
    assert seen["findings/"][0] == 8
    assert min(rows for rows, _ in seen.values()) >= 3
    assert dead == []


@pytest.mark.parametrize(
    ("scheme", "audited"),
    [
        pytest.param("light", AUDITED[::2], id="light, every second"),
        pytest.param("dark", AUDITED[1::2], id="dark, the others"),
        pytest.param("light", AUDITED, id="light", marks=pytest.mark.slow),
        pytest.param("dark", AUDITED, id="dark", marks=pytest.mark.slow),
    ],
)
def test_axe_finds_no_violation(
    browser: Browser, home: str, scheme: Literal["light", "dark"], audited: Sequence[str]
) -> None:
    sync = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe here")
    context = browser.new_context(viewport=WIDE, color_scheme=scheme)
    watched = Watched(context, home)
    found = []
    for path in audited:
        page = watched.open(path)
        results = sync.Axe().run(page)
        found += [
            f"{path}: {violation['id']}: {violation['nodes'][0]['html'][:120]}"
            for violation in results.response["violations"]
        ]
    context.close()

    assert found == []


def test_comparing_shows_the_paired_difference_of_the_site(wide: Watched, data: SiteData) -> None:
    key = BoardKey(Slice("target", "ct.lung"), "box", "predicted", "dice")
    pair = pair_row(data.pairs[key], "sam-vit-h", "grabcut")
    ends = [f"{end:+.3f}".replace("-", "−") for end in (pair.low or 0, pair.high or 0)]
    page = wide.open("compare/?a=sam-vit-h&b=grabcut&prompt=box")
    page.wait_for_selector("#pairs")
    cells = page.locator("#pairs tbody tr", has_text="CT · Lung").locator("td").all_inner_texts()

    assert f"{pair.difference:+.3f}".replace("-", "−") in cells
    assert " … ".join(ends) in cells
    assert "Failure rate" in page.locator("#compare-result").inner_text()
    assert page.locator("#compare-result .cb-lead").inner_text().endswith("is better.")
    page.get_by_role("button", name="Swap").click()
    page.wait_for_function("new URL(location.href).searchParams.get('a') === 'grabcut'")
    assert wide.complaints == []


def test_the_advisor_answers_within_the_effort_that_is_asked_for(
    wide: Watched, data: SiteData
) -> None:
    advice = next(one for one in data.studies.advice if one.object == "lung")
    cheap = next(choice for choice in advice.choices if choice.effort == 1)
    assert advice.best is not None
    page = wide.open("advisor/?modality=ct&object=lung&budget=10")
    page.wait_for_selector("#options")
    answer = page.locator("#advisor-result")

    assert data.models[advice.best.option.model].label in answer.locator("strong").inner_text()
    assert f"{advice.best.expected:.3f}" in answer.inner_text()
    page.select_option("#advisor-form [name=budget]", "1")
    page.wait_for_function("new URL(location.href).searchParams.get('budget') === '1'")
    assert page.locator("#options tbody tr").count() == 1
    assert f"{cheap.expected:.3f}" in answer.inner_text()
    page.select_option("#advisor-form [name=modality]", "mr-t1")
    page.wait_for_function("new URL(location.href).searchParams.get('modality') === 'mr-t1'")
    assert wide.complaints == []


def test_a_citation_names_the_view_and_its_data(wide: Watched, data: SiteData) -> None:
    page = wide.open("modalities/ct/")
    page.locator("#board").get_by_role("button", name="NSD ↑").click()
    page.locator("figure:has(#board)").get_by_role("button", name="Cite").click()
    text = page.locator("figure:has(#board) pre").inner_text()

    assert "@misc{cosmosboard-" in text
    assert f"Data version {data.version}, protocol {data.protocol}" in text
    assert page.url in text
    assert "nsd" in page.url


def test_nothing_looks_different_without_the_styles_that_nobody_meets(
    browser: Browser, home: str
) -> None:
    """Every style that the browser computed for every element of three pages."""
    spec = find_spec("material")
    assert spec is not None
    assert spec.origin is not None
    styles = Path(spec.origin).parent / "templates" / "assets" / "stylesheets"
    looks: dict[bool, list[list[str]]] = {False: [], True: []}
    for whole in looks:
        context = browser.new_context(viewport=NARROW, reduced_motion="reduce")
        page = context.new_page()
        page.route("**/*.js", lambda route: route.abort())  # no state that depends on timing
        if whole:
            page.route(
                "**/assets/stylesheets/*.css",
                lambda route: route.fulfill(path=styles / route.request.url.split("/")[-1]),
            )
        for path in ("", "docs/protocol/", "models/sam-vit-b/"):
            page.goto(home + path, wait_until="load")
            looks[whole].append(page.evaluate(LOOKS))
        context.close()

    assert min(len(look) for look in looks[True]) > 200
    for pruned, complete in zip(looks[False], looks[True], strict=True):
        assert [pair for pair in zip(pruned, complete, strict=True) if pair[0] != pair[1]] == []


def test_the_pivot_equals_the_boards(wide: Watched, data: SiteData) -> None:
    boards = [data.board(part, "box") for part in data.slices("target")]
    scores = [row.score for b in boards if b for row in b.rows if row.model == "sam-vit-b"]
    page = wide.open("explore/")
    if page.locator("#explore-form").count() == 0:
        pytest.skip("npm ci has not been run, so this build reads no Parquet")
    page.wait_for_selector("#pivot")
    row = page.locator("#pivot tbody tr", has_text="SAM ViT-B").locator("td").all_inner_texts()
    heads = page.locator("#pivot thead th").all_inner_texts()

    assert row[heads.index("Box") - 1] == f"{fmean(scores):.3f}"
    assert wide.complaints == []


def test_the_search_finds_a_page_by_its_title(wide: Watched) -> None:
    page = wide.open("")
    page.locator(".md-search__input").click()
    page.keyboard.type("Lung")
    page.wait_for_selector(".md-search-result__link")

    assert page.locator(".md-search-result__link").first.get_attribute("href")
    assert wide.complaints == []


def test_chinese_words_are_found_in_the_chinese_site(wide: Watched) -> None:
    pytest.importorskip("jieba", reason="without jieba Chinese text is not split into words")
    page = wide.open("zh/")
    page.locator(".md-search__input").click()
    page.keyboard.type("灰质")
    page.keyboard.press("End")
    page.wait_for_selector(".md-search-result__link")

    assert "/zh/" in (page.locator(".md-search-result__link").first.get_attribute("href") or "")


def test_the_language_switch_stays_on_the_page(wide: Watched) -> None:
    page = wide.open("models/sam-vit-b/")
    page.locator(".cb-language").click()
    page.wait_for_url("**/zh/models/sam-vit-b/")
    page.locator(".cb-language").click()
    page.wait_for_url("**/models/sam-vit-b/")

    assert "/zh/" not in page.url
    assert wide.complaints == []
