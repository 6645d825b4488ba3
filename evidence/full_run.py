#!/usr/bin/env python3
"""Runs nbs/full/90_full_run.ipynb at its full setting, as a reader with a GPU would: only the cell of
settings is changed.

    python evidence/full_run.py --corpora FOLDER --names NAME NAME … --encoder FOLDER [--work FOLDER]

`--encoder`: where no checkpoint can be fetched, the folder of one that is at hand. With `--work` a run that
was killed goes on where it stopped, as the notebook does."""

import os
import tempfile
from contextlib import nullcontext
from pathlib import Path

import nbformat
import pandas as pd
from common import HERE, arguments, parsed, plain, save
from nbclient import NotebookClient

NOTEBOOK = HERE.parent / "nbs" / "full" / "90_full_run.ipynb"


def changed(source, **settings):
    "The cell of settings, with other values at its end."
    return source + "\n" + "\n".join(f"{name} = {value!r}" for name, value in settings.items())


def executed(folder, settings):
    "Code cells of the notebook, run with these settings in this folder."
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    place = next(i for i, cell in enumerate(cells) if cell.source.startswith("TINY = True"))
    cells[place].source = changed(cells[place].source, **settings)
    client = NotebookClient(notebook, timeout=None, kernel_name="python3")
    client.execute(cwd=str(folder))
    return cells


def main():
    "Run, and keep."
    parser = arguments(__doc__, features=("both",))
    parser.add_argument("--encoder", default="per-language")
    options = parsed(parser)
    corpora = {name: str(options.corpora.resolve() / name) for name in options.names}
    settings = dict(TINY=False, CORPORA=corpora, DOWNLOAD=[], ENCODER=options.encoder, DRAWS=options.draws)
    place = nullcontext(options.work.resolve()) if options.work else tempfile.TemporaryDirectory()
    with place as folder:
        told = {"FOLDER": "sere_full_run", "SHOTS": 5, "NORM": options.norm}
        for cell in executed(folder, {**settings, **told}):
            print("".join(output.get("text", "") for output in cell.outputs), end="")
        rows = pd.read_csv(Path(folder) / "sere_full_run" / "results.csv")
    rows = rows.assign(encoder=rows.encoder.str.rpartition("/")[2])  # its name, not where it lay
    options.encoder = Path(options.encoder).name
    save("full_run", {"rows": plain(rows)}, options, cores=os.cpu_count())


if __name__ == "__main__":
    main()
