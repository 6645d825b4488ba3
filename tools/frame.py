"The generated parts of chapters and index: badge, links before and after, guarded Colab cell."

import re
import sys

import nbformat
from notebooks import NOTEBOOKS, chapters, dump, link, notebooks, on_the_road, read, settings, title

# Without it JupyterLab asks for a kernel whenever a notebook is opened.
KERNEL = {"display_name": "python3", "language": "python", "name": "python3"}
LONGEST_LINE = 110  # characters, as in ruff.toml


def navigation(path, config):
    "The generated line under a chapter's title: badge, links to the chapters before and after."
    order = chapters()
    place = order.index(path)
    notebook = path.relative_to(NOTEBOOKS).as_posix()
    branch = f"github/{config['user']}/{config['repo']}/blob/{config['branch']}"
    picture = link(NOTEBOOKS / "images" / "colab-badge.svg", path)
    address = f"https://colab.research.google.com/{branch}/nbs/{notebook}"
    parts = [f"[![Open in Colab]({picture})]({address})"]
    if place > 0:
        parts.append(f"[← {title(order[place - 1])}]({link(order[place - 1], path)})")
    if place + 1 < len(order):
        parts.append(f"[{title(order[place + 1])} →]({link(order[place + 1], path)})")
    return " · ".join(parts)


def install_cell(path, directives, config):
    "The generated first code cell: nbdev's directives, then an installation where it is missing."
    chapter = path.relative_to(NOTEBOOKS).with_suffix("").as_posix()
    extra = dict(pair.split(":") for pair in config["colab_extras"].split()).get(chapter)
    name = config["lib_name"] + (f"[{extra}]" if extra else "")
    missing = f'importlib.util.find_spec("{config["lib_name"]}") is None'
    words = f'"pip", "install -q \'{name} @ {config["install_url"]}\'"'
    call = f"    get_ipython().run_line_magic({words})"
    if len(call) > LONGEST_LINE:  # as `ruff format` breaks it
        call = f"    get_ipython().run_line_magic(\n        {words}\n    )"
    where = f"if {missing}:  # on Colab: install once; this keeps its torch"
    return "\n".join([*directives, "import importlib.util", "", where, call])


def shown(source):
    """Exported code is part of the text and shown; exported imports are not.

    A description of a figure with a colon is quoted: it is YAML."""
    source = re.sub(r"(?m)^(#\|\s*fig-alt: )([^\"'\n]*: [^\"\n]*)$", r'\1"\2"', source)
    only_imports = not re.search(r"(?m)^(?!import |from |#|\)|\s|$)", source)
    return re.sub(r"^#\|\s*exports?\b", "#| export" if only_imports else "#| exports", source)


def framed(path, notebook, config):
    "The notebook of `path` with its generated parts as they should be."
    cells = notebook.cells
    if "colab-badge.svg" not in cells[1].source:
        cells.insert(1, nbformat.v4.new_markdown_cell(id="navigation"))
    cells[1].source = navigation(path, config)
    first = next(cell for cell in cells if cell.cell_type == "code")
    directives = [line for line in first.source.split("\n") if line.startswith("#|") and "hide" not in line]
    if not any("default_exp" in line for line in directives) and not on_the_road(path):
        sys.exit(f"{path.name}: the first code cell should be `#| default_exp …`")
    first.source = install_cell(path, [*directives, "#| hide"], config)
    for cell in cells:
        cell.source = shown(cell.source) if cell.cell_type == "code" else cell.source
    return notebook


def addressed(notebook, config):
    "The index with links into the repository that follow settings.ini."
    here = f"{config['git_url']}/blob/{config['branch']}/"
    for cell in notebook.cells:
        cell.source = re.sub(r"https://github\.com/[\w.-]+/[\w.-]+/blob/[\w.-]+/", here, cell.source)
    return notebook


def generated(path, config):
    "A notebook as it should be: each has its kernel, chapters are framed, the index has its links."
    notebook = read(path)
    notebook.metadata = {"kernelspec": KERNEL}
    if path in chapters():
        return framed(path, notebook, config)
    return addressed(notebook, config) if path == NOTEBOOKS / "index.ipynb" else notebook


def frame():
    "Write the generated parts of all notebooks."
    config = settings()
    for path in notebooks():
        path.write_text(dump(generated(path, config)), encoding="utf-8")
