"""The MkDocs plugin: hands the generator's pages to the engine. It has no code about boards."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2.ext import Extension
from markupsafe import Markup, escape
from mkdocs.config import config_options
from mkdocs.config.base import Config
from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin, event_priority
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation, Section

from cosmos_board.core.errors import CosmosBoardError
from cosmos_board.site.components.markup import join_lines, one_line
from cosmos_board.site.components.page import Page, fill
from cosmos_board.site.publish.generate import Site, SiteOptions, generate_site

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.livereload import LiveReloadServer
    from mkdocs.structure.pages import Page as HostPage
    from mkdocs.utils.templates import TemplateContext

CHECKOUT_VARIABLE = "COSMOS_BOARD_CHECKOUT"
"""Environment variable that names the folder with `node_modules` and `benchmarks`, which no wheel
holds; by default that of the configuration."""

_NAMES = {"en": "English", "zh": "中文"}
_UNUSED = (
    "javascripts/**/*.map",
    "stylesheets/**/*.map",
    "javascripts/lunr/wordcut.js",
    "javascripts/lunr/tinyseg.js",
    "javascripts/lunr/min/*.js",
)
_STEMMERS = {"lunr.multi.min.js", "lunr.stemmer.support.min.js", "lunr.zh.min.js"}
"""What the search of a site in Chinese loads."""


class _WithoutIndents(Extension):
    """Leaves the indents of the theme's templates out: a tenth of a page's bytes."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Return a template's source without the white space that begins its lines."""
        return re.sub(r"\n\s+", "\n", source)


class BoardConfig(Config):
    """Options under `plugins: - cosmos-board:` in mkdocs.yml."""

    db = config_options.Type(str, default="build/demo/board.duckdb")
    """The board database; where it does not exist the site is that of an empty board."""

    language = config_options.Choice(("en", "zh"), default="en")

    local = config_options.Type(bool, default=False)
    """Whether the site shows what may not be published."""


class BoardPlugin(BasePlugin[BoardConfig]):
    """Adds the generated pages, their place in the navigation, and their tables and figures."""

    def __init__(self) -> None:
        self._database: Path | None = None
        self._options: SiteOptions | None = None
        self._site: Site | None = None
        self._pages: dict[str, Page] = {}
        self._leaves: set[str] = set()

    def use(self, db: Path | None, options: SiteOptions) -> None:
        """Build the board in `db` with `options` instead of what the configuration says."""
        self._database, self._options = db, options

    def on_config(self, config: MkDocsConfig, /) -> MkDocsConfig:
        """Find the board, and give each language its own address: a folder of its name."""
        root = Path(config.config_file_path).parent
        if self._options is None:
            named = root / self.config.db
            self._database = named if named.is_file() else None
            self._options = SiteOptions(languages=(self.config.language,), local=self.config.local)
        checkout = Path(os.environ.get(CHECKOUT_VARIABLE) or root)
        self._options = replace(self._options, checkout=checkout, site_url=config.site_url or "")
        if self.config.language != "en" and config.site_url:
            config.site_url = f"{config.site_url.rstrip('/')}/{self.config.language}/"
        return config

    def on_files(self, files: Files, /, *, config: MkDocsConfig) -> Files:
        """Append pages and data files; hand-written pages of the same path win."""
        try:
            self._site = generate_site(self._database, self.config.language, self._options)
        except CosmosBoardError as error:
            raise PluginError(str(error)) from error
        self._pages = {page.path: page for page in self._site.pages}
        for page in self._site.pages:
            files.append(File.generated(config, page.path, content=page.markdown()))
        for path, content in [*self._site.files.items(), *self._site.notices.items()]:
            files.append(File.generated(config, path, content=content))
        for path, source in [*self._site.copies.items(), *self._assets(config)]:
            files.append(File.generated(config, path, abs_src_path=str(source)))
        return files

    def on_nav(self, nav: Navigation, /, *, config: MkDocsConfig, files: Files) -> Navigation:
        """Give pages outside the navigation their section and neighbours, without listing them.

        Listing hundreds of leaves in every page is what makes sites of this size slow and big.
        """
        indexes: dict[str, Section | None] = {}
        for listed in nav.pages:
            folder = listed.file.src_uri.rpartition("/")[0]
            if listed.file.src_uri == f"{folder}/index.md":
                indexes[folder] = listed.parent
        before: dict[str, HostPage] = {}
        for file in files.documentation_pages():
            page, folder = file.page, file.src_uri.rpartition("/")[0]
            while folder and folder not in indexes:
                folder = folder.rpartition("/")[0]
            if page is None or folder not in indexes or file.src_uri not in self._pages:
                continue
            if page.parent is not None or file.src_uri == f"{folder}/index.md":
                continue
            page.parent = indexes[folder]
            self._leaves.add(file.src_uri)
            last = before.get(folder)
            if last is not None:
                last.next_page, page.previous_page = page, last
            before[folder] = page
        return nav

    def on_pre_page(self, page: HostPage, /, *, config: MkDocsConfig, files: Files) -> HostPage:
        """Encode the titles of pages outside the navigation, which the theme prints as they are."""
        if page.file.src_uri in self._leaves:
            page.title = Markup(escape(one_line(self._pages[page.file.src_uri].title)))
        return page

    def on_page_content(
        self, html: str, /, *, page: HostPage, config: MkDocsConfig, files: Files
    ) -> str:
        """Join the lines of Chinese paragraphs; between English words a break is a space."""
        return join_lines(html) if self.config.language == "zh" else html

    @event_priority(-100)  # after the search plugin, so that tables stay out of its index
    def on_page_context(
        self, context: TemplateContext, /, *, page: HostPage, config: MkDocsConfig, nav: Navigation
    ) -> TemplateContext:
        """Fill the slots of the page, which the engine has kept as comments."""
        generated = self._pages.get(page.file.src_uri)
        if generated is not None and page.content is not None:
            page.content = fill(page.content, generated.slots)
        facts = self._facts()
        if not self._is_in_both(page.file.src_uri, config):
            facts["other"] = ""
        context["board"] = facts  # type: ignore[typeddict-unknown-key]
        return context

    def on_post_build(self, *, config: MkDocsConfig) -> None:
        """Remove source maps and the scripts of languages that the site does not have."""
        assets = Path(config.site_dir) / "assets"
        for pattern in _UNUSED:
            for path in sorted(assets.glob(pattern)):
                if path.name not in _STEMMERS:
                    path.unlink()

    def on_template_context(
        self, context: TemplateContext, /, *, template_name: str, config: MkDocsConfig
    ) -> TemplateContext:
        """Lead from the 404 page of another language to that language where no address is set."""
        if template_name == "404.html" and not config.site_url and self.config.language != "en":
            context["base_url"] = f"/{self.config.language}"
        return context

    def on_env(self, env: Any, /, *, config: MkDocsConfig, files: Files) -> None:  # noqa: ANN401
        """Let the pages without Markdown (404, search) know the data version too."""
        env.globals["board"] = self._facts()
        env.trim_blocks = True
        env.add_extension(_WithoutIndents)

    def on_serve(
        self, server: LiveReloadServer, /, *, config: MkDocsConfig, builder: object
    ) -> LiveReloadServer:
        """Rebuild when the database or a template changes."""
        for path in (self._database, Path(__file__).parents[1]):
            if path is not None and path.exists():
                server.watch(str(path))
        return server

    def _facts(self) -> dict[str, str]:
        """Return what the theme prints on every page."""
        facts = dict(self._site.facts) if self._site is not None else {}
        languages = self._options.languages if self._options is not None else ()
        other = next((name for name in languages if name != self.config.language), "")
        way = f"{other}/" if self.config.language == "en" else "../"
        return facts | {"other": other, "way": way, "name": _NAMES.get(other, "")}

    def _is_in_both(self, path: str, config: MkDocsConfig) -> bool:
        """Return whether the other language has this page too."""
        sources = Path(config.config_file_path).parent / "site"
        there = sources / "zh" if self.config.language == "en" else sources
        return path in self._pages or (there / path).is_file()

    def _assets(self, config: MkDocsConfig) -> list[tuple[str, Path]]:
        """Return the styles and scripts, where the sources of this language lie without them."""
        root = Path(config.config_file_path).parent / "site"
        if Path(config.docs_dir) == root:
            return []
        return [
            (path.relative_to(root).as_posix(), path)
            for path in sorted((root / "assets").rglob("*"))
            if path.is_file()
        ]
