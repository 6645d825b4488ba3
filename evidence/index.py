#!/usr/bin/env python3
"""What each measured table stands for: writes README.md beside this script, and says which tables the
pages quote.

    python evidence/index.py            # write README.md
    python evidence/index.py --check    # stop if README.md is not up to date
    python evidence/index.py --quoted   # print what pages quote: what travels with the package

A page quotes a table if a code cell holds its name, such as "matrix/both.csv". In f"matrix/{name}.csv"
the name may be any string of the same cell (of the notebook, where none of those gives a table), or a
constant of the notebook."""

import argparse
import ast
import json
import re
import subprocess
import sys
from itertools import product
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT, RESULTS, README = HERE.parent, HERE / "results", HERE / "README.md"
HEAD = """# Evidence

Measured tables lie in `results/CLAIM/`, with an `origin.json` that tells for each of them version, commit,
seeds, device and options. The script that is named makes them; `common.py` holds what they share. Each has
`--help`, `--quick` (two slices of corpora, nothing is written) and `--corpora FOLDER` (or `SERE_CORPORA`). A
result is written from a committed source tree only.

*clean* says whether the commit exists in this repository and nothing was changed beside it when the table was
made. `bundled_encoder/training` is the log of the run that made the weights in the package. To make it again
would make another encoder, so it stays as it is. What a page quotes travels with the package. This file is
written by `python evidence/index.py`.

| claim | script | table | commit | clean? | pages that quote it |
|---|---|---|---|---|---|
"""


# --- which tables pages quote ---------------------------------------------------------------------


def code_of(notebook):
    "Source of the code cells of a notebook, without magics."
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            lines = "".join(cell["source"]).splitlines()
            yield "\n".join(line for line in lines if not line.lstrip().startswith(("%", "!", "#|")))


def strings(tree):
    "All plain strings in a piece of code."
    nodes = ast.walk(tree)
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def constants(tree):
    "NAME -> string, where a cell says NAME = string."
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
                yield node.targets[0].id, node.value.value


def spelled(text, words, known):
    "All that an f-string may say; what stands in braces is a constant, or one of the words."
    parts = []
    for part in text.values:
        if isinstance(part, ast.Constant):
            parts.append([part.value])
        else:
            name = getattr(part.value, "id", None)
            parts.append([known[name]] if name in known else sorted(words))
    return {"".join(choice) for choice in product(*parts)}


def named_in(notebook, files):
    "Those of the files that the code of a notebook may name."
    trees = [ast.parse(code) for code in code_of(notebook)]
    known = dict(pair for tree in trees for pair in constants(tree))
    plain = lambda words: {word for word in {*words, *known.values()} if re.fullmatch(r"[\w+-]*", word)}
    everywhere = set().union(*map(strings, trees))
    yield from files & everywhere
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr) and re.search(r"/.*\.(csv|json)", ast.unparse(node)):
                here = files & spelled(node, plain(strings(tree)), known)
                yield from here or files & spelled(node, plain(everywhere), known)


def quoted():
    "Table or origin.json -> pages that quote it."
    files = {path.relative_to(RESULTS).as_posix() for path in RESULTS.glob("*/*.*")}
    pages = {}
    for notebook in sorted((ROOT / "nbs").rglob("*.ipynb")):
        if not {"_proc", ".ipynb_checkpoints"} & set(notebook.parts):
            for name in set(named_in(notebook, files)):
                pages.setdefault(name, []).append(notebook.relative_to(ROOT / "nbs").as_posix())
    return dict(sorted(pages.items()))


def travelling():
    "What the package holds: quoted tables, and where they come from."
    names = quoted()
    return sorted({*names, *(f"{name.split('/')[0]}/origin.json" for name in names)})


# --- where tables come from -----------------------------------------------------------------------


def is_clean(commit):
    "Whether this repository has the commit, and the tree was that commit's."
    if not commit or commit.endswith("+"):
        return "no: changed files" if commit else "no: no commit"
    command = ["git", "-C", str(ROOT), "cat-file", "-e", f"{commit}^{{commit}}"]
    return "no: not in this repository" if subprocess.run(command, capture_output=True).returncode else "yes"


def rows():
    "(claim, script, table, commit, clean?, pages) of every table."
    pages = quoted()
    for path in sorted(RESULTS.glob("*/origin.json")):
        claim = path.parent.name
        for table, told in json.loads(path.read_text(encoding="utf-8")).items():
            asked = Path(told["options"].get("script", "")).stem  # old tables do not say
            trained = (claim, table) == ("bundled_encoder", "training")
            script = "train_bundled_encoder" if trained else asked or claim
            links = [f"[{Path(page).stem}](../nbs/{page})" for page in pages.get(f"{claim}/{table}.csv", [])]
            told = f"`{told['commit']}`", is_clean(told["commit"])
            there = "" if (HERE / f"{script}.py").exists() else " (as of that commit)"
            yield (
                claim,
                f"`{script}.py`{there}",
                f"[{table}](results/{claim}/{table}.csv)",
                *told,
                ", ".join(links),
            )


def text():
    "README.md."
    return HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows())


def main():
    "Write, check or print."
    style = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=style)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--quoted", action="store_true")
    options = parser.parse_args()
    if options.quoted:
        print(*travelling(), sep="\n")
    elif options.check:
        if README.read_text(encoding="utf-8") != text():
            sys.exit("evidence/README.md is not up to date: python evidence/index.py")
    else:
        README.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
