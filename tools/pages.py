"Parts of pages made from the book's own sources: what the paper says, and the table of modules."

import importlib
import posixpath
import re

from notebooks import NOTEBOOKS, exported_name, read, title

CALLOUT = re.compile(r"::: \{\.callout-note\}\n## Paper says / we do\n(.*?)\n:::", re.S)


# --- what the paper says

LINK = re.compile(r"\]\((?!\w+:|#)([^)]+)\)")


def from_above(text, folder):
    "Text of a chapter in a folder, its links as a page beside that folder needs them."
    return LINK.sub(lambda link: f"]({posixpath.normpath(posixpath.join(folder, link[1]))})", text)


def callouts(chapters):
    "The *Paper says / we do* of every chapter under its name."
    for path in chapters:
        prose = [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]
        said = [found for text in prose for found in CALLOUT.findall(text)]
        if said:
            address = path.relative_to(NOTEBOOKS)
            told = from_above("\n\n".join(said), address.parent.as_posix())
            yield f"### [{title(path)}]({address.as_posix()})\n\n{told}"


# --- reference


def modules(chapters):
    "A table of the modules: the page that smalldocs makes of each, what it holds, its chapter."
    yield "| module | what it holds | chapter |\n|---|---|---|"
    for path in chapters:
        name = exported_name(path)
        promise = importlib.import_module(f"sere_nb.{name}").__doc__.strip().partition("`: ")[2]
        chapter = f"[{title(path)}]({path.relative_to(NOTEBOOKS).as_posix()})"
        yield f"| [`{name}`](reference/{name.rpartition('.')[2]}.qmd) | {promise} | {chapter} |"
