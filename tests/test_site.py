"""The site as its readers meet it: in a browser, without network, by keyboard, in the light and in the dark.

On a desk and on a phone."""

import re
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
import yaml
from conftest import DESK, PHONE, ROOT, opened, serious
from notebooks import NOTEBOOKS, RESULTS, chapters, sidebar, sidebar_entries, title
from website import check_local

pytestmark = pytest.mark.browser

WHITE = "rgb(255, 255, 255)"
PARTS = 4  # of the pages, so that two processes share them
LARGEST_PAGE = 3 * 2**19  # bytes, 1.5 MB
BLANK = """[...document.images].filter(image => !(image.complete && image.naturalWidth))
    .map(image => image.src.slice(0, 80))"""  # images of a page that show nothing
FIELD = "field/irf.html"  # formulas, code, figures and a live picture
FEW = ("index", FIELD, "how_measured", "tables", "glossary", "reference/core")  # read in the dark as well
PALE = '<p style="color:#eee;background:#fff">pale</p><img src="images/flow.svg">'  # two faults


def pages(site):
    "Addresses of all pages but those that only lead on."
    lines = (ROOT / "tools" / "redirects.txt").read_text(encoding="utf-8").splitlines()
    moved = {line.split()[0] for line in lines}
    return sorted({str(path.relative_to(site)) for path in site.rglob("*.html")} - moved)


# --- without a browser


class Links(HTMLParser):
    "Addresses and anchors of a page."

    def __init__(self, text):
        super().__init__()
        self.links, self.anchors = [], {""}
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.links += [attributes[name] for name in ("href", "src") if attributes.get(name)]
        self.anchors |= {attributes[name] for name in ("id", "name") if attributes.get(name)}


def test_no_link_anchor_or_image_leads_nowhere(site):
    parsed = {page: Links((site / page).read_text(encoding="utf-8")) for page in pages(site)}
    assert len(parsed) > 20
    broken = []
    for page, found in parsed.items():
        for link in found.links:
            place, anchor = urldefrag(urljoin(f"file:///{page}", link))
            if urlsplit(place).scheme != "file":
                continue
            target = unquote(urlsplit(place).path).lstrip("/")
            known = parsed[target].anchors if target in parsed else {""}
            if not (site / target).exists() or unquote(anchor) not in known:
                broken.append(f"{page}: {link}")
    assert not broken, "\n".join(broken)


def test_every_page_leads_to_the_next_and_back(site):
    def led(button):
        link = re.compile(rf'nav-page-{button}"><a href="([^"]+)"')
        hrefs = {name: link.findall((site / name).read_text(encoding="utf-8")) for name in names}
        return [urljoin(name, *hrefs[name]) for name in names if hrefs[name]]

    names = [path.relative_to(NOTEBOOKS).with_suffix(".html").as_posix() for path in sidebar()]
    assert led("next") == names[1:] and led("previous") == names[:-1]
    assert set(chapters()) <= set(sidebar())


def test_nothing_is_asked_of_another_server(site):
    tags = r"<script[^>]*\bsrc=|<link[^>]*\bhref=|<img[^>]*\bsrc="
    asks = re.compile(rf"""(?:{tags}|@import\s+(?:url\()?|url\()["']?https?://[^"')\s>]+""")
    files = [path for path in site.rglob("*") if path.suffix in (".html", ".css")]
    found = [
        f"{path.name}: {hit}"
        for path in files
        for hit in asks.findall(path.read_text(encoding="utf-8"))
        if 'rel="canonical"' not in hit
    ]
    assert files and not found, found[:5]


def test_pages_are_small(site):
    sizes = {
        page: (site / page).stat().st_size
        + sum(path.stat().st_size for path in (site / page.replace(".html", "_files")).rglob("*.*"))
        for page in pages(site)
    }
    assert max(sizes.values()) < LARGEST_PAGE, max(sizes, key=sizes.get)


def test_the_results_are_all_there(site):
    page = (site / "tables.html").read_text(encoding="utf-8")
    tables = [path.relative_to(RESULTS) for path in RESULTS.rglob("*.csv")]
    missing = [str(name) for name in tables if f"results/{name.as_posix()}" not in page]
    missing += [f"file {name}" for name in tables if not (site / "results" / name).exists()]
    assert tables and not missing, missing


def test_what_the_paper_says_is_told_for_every_chapter(site):
    page = (site / "paper.html").read_text(encoding="utf-8")
    assert page.count("<h3") == len(chapters())
    for chapter in chapters():
        assert chapter.relative_to(NOTEBOOKS).with_suffix(".html").as_posix() in page


def exported_names():
    "Every name that a module of the package exports, less constants."
    modules = [path for path in (ROOT / "sere_nb").rglob("*.py") if not path.name.startswith("_")]
    texts = [path.read_text(encoding="utf-8") for path in modules]
    lists = [line for text in texts for line in re.findall(r"(?s)__all__ = \[(.*?)\]", text)]
    return {name for line in lists for name in re.findall(r"'(\w+)'", line) if not name.isupper()}


def test_the_reference_holds_every_public_name(site):
    told = "".join(path.read_text(encoding="utf-8") for path in (site / "reference").rglob("*.html"))
    names = exported_names() - {"Channel", "Jobs", "Level", "Overwrite"}  # options, told by `--help`
    missing = {name for name in names if f'id="{name}"' not in told}
    assert names, "no module exports anything"
    assert not missing, f"public names without a docstring or a place in the reference: {sorted(missing)}"
    core = (site / "reference" / "core.html").read_text(encoding="utf-8")
    assert "Raises" in core
    listed = (site / "reference.html").read_text(encoding="utf-8")
    assert listed.count('href="reference/') >= len(list((site / "reference").glob("*.html"))) > 40


def test_machines_find_an_index(site):
    text = (site / "llms.txt").read_text(encoding="utf-8")
    listed = re.findall(r"\]\(([^)]+)\)", text)
    assert (
        text.startswith("# sere_nb") and len(listed) > 20 and all((site / name).exists() for name in listed)
    )


@pytest.mark.parametrize(
    "asks",
    [
        '<script defer src="https://cdn.example/katex.js"></script>',
        "<link href='https://fonts.example/a.css' rel='stylesheet'>",
        '<img alt="a" src="http://example/a.png">',
    ],
)
def test_a_site_that_asks_others_is_not_published(tmp_path, asks):
    own = '<link rel="canonical" href="https://example/"><img src="images/a.png">'
    page = own + '<a href="https://example/">elsewhere</a>'
    (tmp_path / "index.html").write_text(page)
    check_local(tmp_path)
    (tmp_path / "index.html").write_text(page + asks)
    with pytest.raises(SystemExit, match="index.html loads http"):
        check_local(tmp_path)


def test_settings_are_known():
    pytest.importorskip("smalldocs", reason="smalldocs needs Python 3.11")
    from smalldocs.config import HTML_OPTIONS, KNOWN
    from smalldocs.quarto_keys import QUARTO_PAGE_OPTIONS

    config = yaml.safe_load((ROOT / "_quarto.yml").read_text(encoding="utf-8"))
    assert set(config) <= {"project", "website", "format", "execute", "smalldocs"}
    assert set(config["project"]) <= set(KNOWN["project"]) and set(config["website"]) <= set(KNOWN["website"])
    assert set(config["format"]["html"]) <= QUARTO_PAGE_OPTIONS | HTML_OPTIONS
    parts = (config["website"]["sidebar"]["contents"], config["website"]["navbar"]["left"])
    listed = {NOTEBOOKS / name for part in parts for name in sidebar_entries(part)}
    hidden = {".ipynb_checkpoints", "solutions"}
    pages = [path for path in NOTEBOOKS.rglob("*") if path.suffix in (".ipynb", ".md")]
    assert listed == {path for path in pages if not hidden & set(path.parts)}


# --- with a browser


@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_loads_and_can_be_read(browser, address, site, part):
    "One visit each, in the light: formulas, images, widths; and what axe-core says of the book's pages."
    formulas = 0  # all in one tab: scripts are read once
    tab, faults = opened(browser, address, "index.html", color_scheme="light")
    for page in pages(site)[part::PARTS]:
        tab.set_viewport_size(DESK)
        tab.goto(address + page)
        maths = tab.locator("span.math").count()
        formulas += maths
        if maths != tab.locator("span.math:has(.katex)").count() or tab.locator(".katex-error").count():
            faults.append(f"{page}: {maths} formulas, not all of them set")
        faults += [f"{page}: image {name} is blank" for name in tab.evaluate(BLANK)]
        if not page.startswith(("reference/", "solutions/")) or page.startswith(FEW):
            faults += [f"{page}: {fault}" for fault in serious(tab, with_code=page == FIELD)]
        for size in (DESK, PHONE):
            tab.set_viewport_size(size)
            if tab.evaluate("document.documentElement.scrollWidth") > size["width"]:
                faults.append(f"{page}: wider than {size['width']} pixels")
    tab.close()
    assert formulas > 20 and not faults, "\n".join(faults)


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_one_can_walk_through_the_book(browser, address, size):
    "From the sidebar to the first chapter, on and back again; the rest of the way is in the links above."
    tab, faults = opened(browser, address, "index.html", viewport=size)
    if size is PHONE:
        tab.get_by_label("Toggle sidebar navigation").click()
    tab.locator("#quarto-sidebar").get_by_text(title(chapters()[0]), exact=True).click()
    names = [path.relative_to(NOTEBOOKS).with_suffix("").as_posix() for path in chapters()]
    first, second, third = names[:3]
    for name, button in ((second, "next"), (third, "next"), (second, "previous"), (first, "previous")):
        tab.locator(f".nav-page-{button} a").click()
        assert tab.url.endswith(f"/{name}.html")
    assert not faults, faults
    tab.close()


@pytest.mark.parametrize("word", ["UAR", "CREPE", "resonance"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_search_finds(browser, address, word, size):
    tab, faults = opened(browser, address, "index.html", viewport=size)
    if size is PHONE:
        tab.get_by_label("Toggle navigation").click()
    tab.get_by_label("Search", exact=True).fill(word)
    hits = tab.locator(".smalldocs-search-results a")
    hits.first.wait_for(timeout=10_000)
    assert any(word.lower() in text.lower() for text in hits.all_inner_texts())
    hits.first.click()
    tab.wait_for_load_state()
    assert word.lower() in tab.locator("main").inner_text().lower() and not faults, faults
    tab.close()


def test_light_and_dark_can_be_chosen(browser, address):
    tab, _ = opened(browser, address, FIELD, viewport=DESK, color_scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    figure = "getComputedStyle(document.querySelector('main .cell-output-display img')).backgroundColor"
    assert tab.evaluate(ground) == WHITE
    tab.locator(".quarto-color-scheme-toggle").first.click()
    assert sum(map(int, re.findall(r"\d+", tab.evaluate(ground))[:3])) < 150
    assert tab.evaluate(figure) == WHITE
    tab.close()


def test_it_can_be_read_in_the_dark(browser, address, site):
    chosen, faults = [page for page in pages(site) if page.startswith(FEW)], []
    with browser.new_context(viewport=DESK, color_scheme="dark") as dark:
        for page in chosen:
            tab, _ = opened(dark, address, page)
            faults += [f"{page}: {fault}" for fault in serious(tab, with_code=page == FIELD)]
            tab.close()
    assert chosen and not faults, "\n".join(faults)


def test_the_check_for_readers_can_fail(browser, address):
    tab, _ = opened(browser, address, "index.html", viewport=DESK)
    tab.evaluate("pale => document.querySelector('main').insertAdjacentHTML('beforeend', pale)", PALE)
    assert len(serious(tab, with_code=False)) >= 2
    tab.close()
