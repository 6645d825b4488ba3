"Every notebook of the book runs from top to bottom in an empty folder, on the package as a stranger installs it; what is committed is what it printed."

import shutil
import subprocess
import sys

import nbformat
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "tools"))
import book


def kinds(notebook):
    "For each code cell, which kinds of output it has."
    return [
        sorted({kind for output in cell.outputs for kind in (output.get("data") or {output.get("name"): 0})})
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def test_the_package_is_the_installed_one(installed, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", "import sere_nb; print(sere_nb.__file__)"],
        cwd=tmp_path,
        env=book.quiet_environment(installed),
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith(str(installed)), done.stdout + done.stderr


@pytest.mark.parametrize("path", [str(path.relative_to(ROOT)) for path in book.notebooks()])
def test_notebook_runs(path, tmp_path, installed):
    alone = tmp_path / "empty" / path.replace("/", "-")
    alone.parent.mkdir()
    shutil.copy(ROOT / path, alone)
    book.execute(alone, tmp_path / "executed.ipynb", library=installed)
    fresh, committed = (
        nbformat.read(file, as_version=4) for file in (tmp_path / "executed.ipynb", ROOT / path)
    )
    assert kinds(fresh) == kinds(committed), (
        f"{path}: the committed outputs are not those of a run; python tools/book.py run {path.split('/')[-1][:-6]}"
    )
