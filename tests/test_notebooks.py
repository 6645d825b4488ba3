"Every notebook of the book runs from top to bottom, and what is committed is what it printed."
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import book


def kinds(notebook):
    "For each code cell, which kinds of output it has."
    return [sorted({kind for output in cell.outputs for kind in (output.get("data") or {output.get("name"): 0})}) for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.parametrize("path", [str(path.relative_to(ROOT)) for path in book.notebooks()])
def test_notebook_runs(path, tmp_path):
    book.execute(ROOT / path, tmp_path / "executed.ipynb")
    fresh, committed = (nbformat.read(file, as_version=4) for file in (tmp_path / "executed.ipynb", ROOT / path))
    assert kinds(fresh) == kinds(committed), f"{path}: the committed outputs are not those of a run; python tools/book.py run {Path(path).stem}"
