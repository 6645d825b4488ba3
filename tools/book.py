#!/usr/bin/env python3
"""Keeps the book in order: `python tools/book.py COMMAND`.

frame         write the generated parts of every chapter (badge, links before and after, guarded Colab cell) and `nbs/index.ipynb`'s links
run [NAME…]   execute notebooks in place, clean them and export the library
readme        write README.md from nbs/index.ipynb
docs          build the site into _docs/ (with quarto if it is installed, with smalldocs otherwise)
check         fail if any of the above would change something, if a notebook is too big or was not executed, or if a link is broken
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import nbformat
import yaml

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "nbs"
LARGEST_NOTEBOOK = 300 * 1024  # bytes
LINKS = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)[^)]*\)")


def settings():
    "The values of settings.ini."
    parser = ConfigParser(delimiters=["="])
    parser.read(ROOT / "settings.ini", encoding="utf-8")
    return dict(parser["DEFAULT"])


def sidebar_entries(contents):
    "Every notebook of the sidebar of _quarto.yml, in the order of reading."
    for entry in contents:
        if isinstance(entry, str) or "href" in entry:
            yield entry if isinstance(entry, str) else entry["href"]
        else:
            yield from sidebar_entries(entry.get("contents", []))


def chapters():
    "Paths of the chapters, in the order of reading."
    site = yaml.safe_load((ROOT / "_quarto.yml").read_text(encoding="utf-8"))
    entries = sidebar_entries(site["website"]["sidebar"]["contents"])
    return [NOTEBOOKS / entry for entry in entries if re.match(r"\d\d", entry)]


def notebooks():
    "Every notebook of the book: index, chapters, solutions."
    return sorted(path for path in NOTEBOOKS.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)


def read(path):
    return nbformat.read(path, as_version=4)


def dump(notebook):
    "The one way in which notebooks are written, byte for byte (nbdev's)."
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT).rstrip("\n") + "\n"


# --- frame -----------------------------------------------------------------------------------------------------------

def navigation(path, config):
    "The generated line under a chapter's title: badge, links to the chapters before and after."
    order = chapters()
    place = order.index(path)
    link = lambda other, text: f"[{text}]({other.name})"
    badge = f"https://colab.research.google.com/github/{config['user']}/{config['repo']}/blob/{config['branch']}/nbs/{path.name}"
    parts = [f"[![Open in Colab](images/colab-badge.svg)]({badge})"]
    if place > 0:
        parts.append(link(order[place - 1], f"← {order[place - 1].stem.replace('_', ' ')}"))
    if place + 1 < len(order):
        parts.append(link(order[place + 1], f"{order[place + 1].stem.replace('_', ' ')} →"))
    return " · ".join(parts)


def install_cell(path, directives, config):
    "The generated first code cell: directives of nbdev, then an installation that acts on a bare machine only."
    extra = dict(pair.split(":") for pair in config["colab_extras"].split()).get(path.stem)
    name = config["lib_name"] + (f"[{extra}]" if extra else "")
    return "\n".join([*directives, "import importlib.util", "",
                      f'if importlib.util.find_spec("{config["lib_name"]}") is None:  # on Colab: install once; this keeps its torch',
                      f'    get_ipython().run_line_magic("pip", "install -q \'{name} @ {config["install_url"]}\'")'])


def shown(source):
    "Exported code is part of the text and shown; exported imports are not. A description of a figure with a colon is quoted: it is YAML."
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
    if not any("default_exp" in line for line in directives):
        sys.exit(f"{path.name}: the first code cell should be `#| default_exp …`")
    first.source = install_cell(path, [*directives, "#| hide"], config)
    for cell in cells:
        cell.source = shown(cell.source) if cell.cell_type == "code" else cell.source
    return notebook


def addressed(notebook, config):
    "The index with links into the repository that follow settings.ini."
    for cell in notebook.cells:
        cell.source = re.sub(r"https://github\.com/[\w.-]+/[\w.-]+/blob/[\w.-]+/", f"{config['git_url']}/blob/{config['branch']}/", cell.source)
    return notebook


def generated(path, config):
    "A notebook as it should be: chapters are framed, the index has its links, the rest is as it is."
    if path in chapters():
        return framed(path, read(path), config)
    return addressed(read(path), config) if path.name == "index.ipynb" else read(path)


def frame():
    "Write the generated parts of all chapters and of the index."
    config = settings()
    for path in [*chapters(), NOTEBOOKS / "index.ipynb"]:
        path.write_text(dump(generated(path, config)), encoding="utf-8")


# --- run -------------------------------------------------------------------------------------------------------------

def quiet_environment(library):
    "Environment in which notebooks run: no network, one thread, no progress bars, no paths of this machine, the package from `library`."
    fixed = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "SERE_PROGRESS": "0", "PYTHONHASHSEED": "0", "TOKENIZERS_PARALLELISM": "false"}
    return {**os.environ, **fixed, "PYTHONPATH": str(library)}


def execute(path, output=None, library=ROOT):
    "Run one notebook from top to bottom where it lies, and write it, less what differs from run to run, to `output` (in place if there is none)."
    command = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", str(path), "--log-level=WARN",
               "--ExecutePreprocessor.timeout=300", "--ExecutePreprocessor.store_widget_state=False", "--output", str(output or path)]
    done = subprocess.run(command, env=quiet_environment(library), cwd=path.parent, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{path.name} failed:\n" + done.stderr.split("An error occurred while executing the following cell:")[-1][:3000])
    quiet(output or path)


def quiet(path):
    "Take out what differs from run to run: views of widgets, dead without the process that made them, and where one print ended and the next began."
    from nbconvert.preprocessors import CoalesceStreamsPreprocessor
    notebook = CoalesceStreamsPreprocessor(enabled=True).preprocess(read(path), {})[0]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if "application/vnd.jupyter.widget-view+json" not in output.get("data", {})]
    path.write_text(dump(notebook), encoding="utf-8")


def clean():
    subprocess.run(["nbdev_clean"], check=True, cwd=ROOT)
    subprocess.run(["nbdev_export"], check=True, cwd=ROOT)


def run(names):
    "Execute the notebooks whose path contains one of `names` (all of them if there is none), clean, export."
    for path in notebooks():
        if not names or any(name in str(path.relative_to(NOTEBOOKS)) for name in names):
            print("running", path.relative_to(ROOT), flush=True)
            execute(path)
    clean()


# --- readme ----------------------------------------------------------------------------------------------------------

def output_text(cell):
    "What a code cell printed, as a fenced block; its figures are not repeated in the README."
    text = "".join(out.get("text", "") or out.get("data", {}).get("text/markdown", "") for out in cell.outputs)
    is_table = text.lstrip().startswith("|")
    return text.strip() if is_table else f"```\n{text.rstrip()}\n```" if text.strip() else ""


def readme_text():
    "README.md: the prose, the code and the printed output of nbs/index.ipynb."
    parts = ["<!-- Written from nbs/index.ipynb by `python tools/book.py readme`: edit the notebook. -->"]
    for cell in read(NOTEBOOKS / "index.ipynb").cells:
        if cell.cell_type == "markdown":
            parts.append(re.sub(r"\]\((?!https?:|#)([^)]+)\)", r"](nbs/\1)", cell.source).replace("](nbs/../", "]("))
        else:
            if not re.search(r"(?m)^#\|\s*(hide|echo: false)", cell.source):
                parts.append(f"```python\n{cell.source}\n```")
            if not re.search(r"(?m)^#\|\s*hide", cell.source):
                parts.append(output_text(cell))
    return "\n\n".join(part for part in parts if part) + "\n"


def readme():
    (ROOT / "README.md").write_text(readme_text(), encoding="utf-8")


# --- docs ------------------------------------------------------------------------------------------------------------

KATEX = re.compile(r"https://[\w./-]+/katex@[\w.]+/dist/?")
FONT_IMPORT = re.compile(r"@import\s+(?:url\()?[\"']?https?://[^)\"']+[\"']?\)?[^;]*;")


def npm_package(name):
    "Folder of a package of tools/package.json, installed at the first use."
    folder = ROOT / "tools" / "node_modules" / name
    wanted = json.loads((ROOT / "tools" / "package.json").read_text(encoding="utf-8"))
    wanted = {**wanted["dependencies"], **wanted["devDependencies"]}[name]
    there = folder / "package.json"
    if not there.exists() or json.loads(there.read_text(encoding="utf-8"))["version"] != wanted:
        if not shutil.which("npm"):
            sys.exit(f"{name} {wanted} is needed and npm is not there to install it; install Node.js, which brings npm")
        done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=ROOT / "tools", capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"npm could not install {name}: {done.stderr.strip().splitlines()[-1]}")
    return folder


def fill(processed):
    "Put what is made from the book's own sources into the pages that wait for it."
    import pages
    parts = {"paper": ("callouts", lambda: "\n\n".join(pages.callouts(chapters()))),
             "reference": ("reference", lambda: pages.reference(chapters(), processed / "reference")),
             "results": ("results", lambda: "\n\n".join(pages.results(ROOT / "results")))}
    for page, (marker, made) in parts.items():
        path = processed / f"{page}.md"
        before, after = path.read_text(encoding="utf-8").split(f"<!-- book: {marker} -->")
        path.write_text(before + made() + after, encoding="utf-8")
    shutil.copytree(ROOT / "results", processed / "results")


def make_local(site):
    "KaTeX beside the pages, and no font from elsewhere: nothing is asked of another server."
    source = npm_package("katex") / "dist"
    target = site / "site_libs" / "katex"
    target.mkdir(parents=True)
    for name in ("katex.min.css", "katex.min.js", "contrib/auto-render.min.js"):
        (target / name).parent.mkdir(exist_ok=True)
        shutil.copy(source / name, target / name)
    shutil.copytree(source / "fonts", target / "fonts", ignore=shutil.ignore_patterns("*.ttf", "*.woff"))
    for page in site.rglob("*.html"):
        up = "../" * len(page.relative_to(site).parent.parts)
        page.write_text(KATEX.sub(f"{up}site_libs/katex/", page.read_text(encoding="utf-8")), encoding="utf-8")
    for sheet in site.rglob("*.css"):
        sheet.write_text(FONT_IMPORT.sub("", sheet.read_text(encoding="utf-8")), encoding="utf-8")


LOADED = re.compile(r"""<(?:script|img|iframe|audio|video|source)\b[^>]*?\ssrc=["']?(https?:[^"'\s>]+)|<link\b(?=[^>]*rel=["']?(?:stylesheet|icon|preload))[^>]*?\shref=["']?(https?:[^"'\s>]+)""")


def check_local(site):
    "Stop if a page would load anything from another server, whoever rendered it."
    faults = [f"{page.relative_to(site)} loads {''.join(found)}" for page in sorted(site.rglob("*.html")) for found in LOADED.findall(page.read_text(encoding="utf-8"))]
    if faults:
        sys.exit("the site would ask other servers:\n" + "\n".join(faults))


def docs():
    "Build the site: nbdev prepares the notebooks, quarto or smalldocs renders them."
    from nbdev.serve import proc_nbs
    os.chdir(ROOT)
    os.environ["PYTHONWARNINGS"] = "ignore::UserWarning:nbdev.processors"
    shutil.rmtree(ROOT / "_proc", ignore_errors=True)
    processed = proc_nbs(n_workers=1)
    shutil.copy(ROOT / "_quarto.yml", processed / "_quarto.yml")
    fill(processed)
    renderer = ["quarto", "render"] if shutil.which("quarto") else ["smalldocs", "render"]
    subprocess.run(renderer, check=True, cwd=processed)
    shutil.rmtree(ROOT / "_docs", ignore_errors=True)
    shutil.move(processed / "_docs", ROOT / "_docs")
    make_local(ROOT / "_docs")
    check_local(ROOT / "_docs")
    print("site: _docs/index.html")


# --- check -----------------------------------------------------------------------------------------------------------

def broken_links(path, text):
    "Relative links of a page which lead nowhere."
    for link in LINKS.findall(text):
        target = link.split("#")[0]
        if target and not re.match(r"[a-z]+:", link) and not (path.parent / target).exists():
            yield f"{path.relative_to(ROOT)}: broken link {link}"


def mixes_imports(cell):
    "Whether a cell that is not exported has imports and other code: nbdev would run it, alone, while it prepares the site."
    if "find_spec" in cell.source or re.search(r"(?m)^#\|\s*export", cell.source):
        return False
    imports = re.search(r"(?m)^(import|from) ", cell.source)
    return bool(imports and re.search(r"(?m)^(?!import |from |#|\)|\s|$)", cell.source))


def notebook_faults(path, config):
    "What is wrong with one notebook, a line each."
    name, notebook = path.relative_to(ROOT), read(path)
    if path.stat().st_size > LARGEST_NOTEBOOK:
        yield f"{name}: {path.stat().st_size // 1024} KB, more than {LARGEST_NOTEBOOK // 1024} KB"
    if dump(generated(path, config)) != path.read_text(encoding="utf-8"):
        yield f"{name}: generated parts are out of date; run `python tools/book.py frame`"
    prints = [cell for cell in notebook.cells if cell.cell_type == "code" and re.search(r"(?m)^\s*(print|display|plt\.show)\(", cell.source)]
    if prints and not any(cell.get("outputs") for cell in notebook.cells):
        yield f"{name}: not executed; run `python tools/book.py run {path.stem}`"
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            yield from broken_links(path, cell.source)
        elif mixes_imports(cell):
            yield f"{name}: imports belong in a cell of their own: {cell.source.splitlines()[0]}"
        elif any(output.output_type == "error" for output in cell.outputs):
            yield f"{name}: a saved cell ends in an error: {cell.source.splitlines()[0]}"


def check():
    "Print every fault of the book; exit 1 if there is one."
    config = settings()
    faults = [fault for path in notebooks() for fault in notebook_faults(path, config)]
    missing = {p for p in NOTEBOOKS.glob("[0-9]*.ipynb")} ^ set(chapters())
    faults += [f"{path.relative_to(ROOT)}: is either missing or not in the sidebar of _quarto.yml" for path in sorted(missing)]
    for page in sorted(ROOT.glob("*.md")):
        faults += broken_links(page, page.read_text(encoding="utf-8"))
    if (ROOT / "README.md").read_text(encoding="utf-8") != readme_text():
        faults.append("README.md: out of date; run `python tools/book.py readme`")
    print("\n".join(faults) or f"{len(notebooks())} notebooks in order")
    sys.exit(bool(faults))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["frame", "run", "readme", "docs", "check"])
    parser.add_argument("names", nargs="*", help="with `run`: parts of notebook names")
    arguments = parser.parse_args()
    if arguments.command == "run":
        run(arguments.names)
    else:
        {"frame": frame, "readme": readme, "docs": docs, "check": check}[arguments.command]()


if __name__ == "__main__":
    main()
