"Everything that can be wrong with the book without running it."

import re
import sys

from frame import generated
from notebooks import NOTEBOOKS, ROOT, chapters, dump, notebooks, read, settings, sidebar, title
from printed import directive_faults
from readme import readme_text

LARGEST_NOTEBOOK = 300 * 1024  # bytes
LONGEST_TITLE = 50  # characters
LINKS = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)[^)]*\)")
OPENING = re.compile(r"\A# .*\n*(?:> .*\n?)*")
SHOWS = re.compile(r"(?m)^\s*(print|display|plt\.show)\(")


def broken_links(path, text):
    "Relative links of a page which lead nowhere."
    for link in LINKS.findall(text):
        target = link.split("#")[0]
        if target and not re.match(r"[a-z]+:", link) and not (path.parent / target).exists():
            yield f"{path.relative_to(ROOT)}: broken link {link}"


def mixes_imports(cell):
    """Whether a cell that is not exported has imports and other code.

    nbdev would run it, alone, while it prepares the site."""
    if "find_spec" in cell.source or re.search(r"(?m)^#\|\s*export", cell.source):
        return False
    imports = re.search(r"(?m)^(import|from) ", cell.source)
    return bool(imports and re.search(r"(?m)^(?!import |from |#|\)|\s|$)", cell.source))


def cell_faults(path, cell):
    "What is wrong with one cell, a line each."
    name = path.relative_to(ROOT)
    if cell.cell_type == "markdown":
        yield from broken_links(path, cell.source)
        return
    first = cell.source.splitlines()[0] if cell.source else ""
    if mixes_imports(cell):
        yield f"{name}: imports belong in a cell of their own: {first}"
    if any(output.output_type == "error" for output in cell.outputs):
        yield f"{name}: a saved cell ends in an error: {first}"
    yield from (f"{name}: {fault}" for fault in directive_faults(cell))


def notebook_faults(path, config):
    "What is wrong with one notebook, a line each."
    name, notebook = path.relative_to(ROOT), read(path)
    if path.stat().st_size > LARGEST_NOTEBOOK:
        yield f"{name}: {path.stat().st_size // 1024} KB, more than {LARGEST_NOTEBOOK // 1024} KB"
    if dump(generated(path, config)) != path.read_text(encoding="utf-8"):
        yield f"{name}: generated parts are out of date; run `python tools/book.py frame`"
    if OPENING.sub("", notebook.cells[0].source).strip() and path.parent.name != "solutions":
        yield f"{name}: the site drops what follows the promise in the first cell; give it a cell of its own"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if any(SHOWS.search(cell.source) for cell in code) and not any(cell.get("outputs") for cell in code):
        yield f"{name}: not executed; run `python tools/book.py run {path.stem}`"
    for cell in notebook.cells:
        yield from cell_faults(path, cell)


def sidebar_faults():
    "Pages that the sidebar lists and that are not there, and notebooks that it leaves out."
    listed, solutions = sidebar(), NOTEBOOKS / "solutions"
    for path in listed:
        if not path.exists():
            yield f"{path.relative_to(ROOT)}: is in the sidebar of _quarto.yml and not there"
    for path in notebooks():
        if path not in listed and solutions not in path.parents:
            yield f"{path.relative_to(ROOT)}: is not in the sidebar of _quarto.yml"
    for path in set(NOTEBOOKS.glob("[0-9]*.ipynb")) & set(listed) - set(chapters()):
        yield f"{path.relative_to(ROOT)}: a numbered chapter is called as 4_field.ipynb is"


def title_faults():
    "Chapters with a long title, and those that the sidebar calls otherwise."
    site = (ROOT / "_quarto.yml").read_text(encoding="utf-8")
    for path in chapters():
        name = path.relative_to(ROOT)
        if len(title(path)) > LONGEST_TITLE:
            yield f"{name}: a title of {len(title(path))} characters, more than {LONGEST_TITLE}"
        if f'text: "{title(path)}"' not in site:
            yield f'{name}: in the sidebar of _quarto.yml it should be called "{title(path)}"'


def check():
    "Print every fault of the book; exit 1 if there is one."
    config = settings()
    faults = [fault for path in notebooks() for fault in notebook_faults(path, config)]
    faults += [*sidebar_faults(), *title_faults()]
    for page in sorted(ROOT.glob("*.md")):
        faults += broken_links(page, page.read_text(encoding="utf-8"))
    if (ROOT / "README.md").read_text(encoding="utf-8") != readme_text():
        faults.append("README.md: out of date; run `python tools/book.py readme`")
    print("\n".join(faults) or f"{len(notebooks())} notebooks in order")
    sys.exit(bool(faults))
