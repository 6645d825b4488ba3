"What the book's commands share: where things lie, which notebooks there are, how they are read and written."

import functools
import os
import re
from configparser import ConfigParser
from pathlib import Path

import nbformat
import yaml

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "nbs"
EXPORTS = re.compile(r"(?m)^#\|\s*default_exp\s+([\w.]+)")


def settings():
    "The values of settings.ini."
    parser = ConfigParser(delimiters=["="])
    parser.read(ROOT / "settings.ini", encoding="utf-8")
    return dict(parser["DEFAULT"])


RESULTS = ROOT / settings()["results_path"]


def read(path):
    "A notebook."
    return nbformat.read(path, as_version=4)


def dump(notebook):
    "The one way in which notebooks are written, byte for byte (nbdev's)."
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT).rstrip("\n") + "\n"


def notebooks():
    "Every notebook of the book: index, chapters, solutions."
    return sorted(path for path in NOTEBOOKS.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)


def sidebar_entries(contents):
    "Every page of a part of _quarto.yml, such as its sidebar, in the order of reading."
    for entry in contents:
        if isinstance(entry, str) or "href" in entry:
            yield entry if isinstance(entry, str) else entry["href"]
        else:
            yield from sidebar_entries(entry.get("contents", []))


def sidebar():
    "Paths of the pages in the sidebar of _quarto.yml, in the order of reading."
    site = yaml.safe_load((ROOT / "_quarto.yml").read_text(encoding="utf-8"))
    return [NOTEBOOKS / entry for entry in sidebar_entries(site["website"]["sidebar"]["contents"])]


@functools.cache
def exported_name(path):
    "The module that a notebook exports, such as `irf` or `workshop.mini`; None if it exports none."
    sources = [cell.source for cell in read(path).cells if cell.cell_type == "code"]
    names = [name for source in sources for name in EXPORTS.findall(source)]
    return names[0] if names else None


def on_the_road(path):
    "Whether a notebook is one of the numbered chapters that everybody reads."
    return path.parent == NOTEBOOKS and bool(re.match(r"\d_", path.name))


def chapters():
    "Paths of the chapters, in the order of reading: those of the road, and those that export a module."
    pages = [path for path in sidebar() if path.suffix == ".ipynb" and path.exists()]
    return [path for path in pages if on_the_road(path) or exported_name(path)]


def title(path):
    "The first heading of a notebook: what it answers."
    cells = [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]
    return cells[0].splitlines()[0].removeprefix("# ")


def link(path, page):
    "The address of `path` as it is written on `page`."
    return Path(os.path.relpath(path, page.parent)).as_posix()
