"Runs notebooks as a reader would, and writes what they printed back into them."

import os
import subprocess
import sys

from notebooks import NOTEBOOKS, ROOT, dump, notebooks, read

LONGEST_CELL = 300  # seconds
VIEW = "application/vnd.jupyter.widget-view+json"


def quiet_environment(library):
    "What notebooks run in: no network, one thread, no progress bars, the package from `library`."
    fixed = {
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "SERE_PROGRESS": "0",
        "PYTHONHASHSEED": "0",
        "TOKENIZERS_PARALLELISM": "false",
    }
    return {**os.environ, **fixed, "PYTHONPATH": str(library)}


def execute(path, output=None, library=ROOT):
    """Run one notebook from top to bottom where it lies, and write it, less what differs from run to run.

    It goes to `output`, or in place if there is none."""
    words = ["--to", "notebook", "--execute", str(path), "--log-level=WARN", "--output", str(output or path)]
    settings = {"timeout": LONGEST_CELL, "store_widget_state": False}
    words += [f"--ExecutePreprocessor.{name}={value}" for name, value in settings.items()]
    command = [sys.executable, "-m", "nbconvert", *words]
    environment = quiet_environment(library)
    done = subprocess.run(command, env=environment, cwd=path.parent, capture_output=True, text=True)
    if done.returncode:
        said = done.stderr.split("An error occurred while executing the following cell:")[-1]
        sys.exit(f"{path.name} failed:\n{said[:3000]}")
    quiet(output or path)


def quiet(path):
    """Take out what differs from run to run.

    That is views of widgets, dead without the process that made them (a live picture keeps its placeholder),
    and where one print ended and the next began."""
    from nbconvert.preprocessors import CoalesceStreamsPreprocessor

    notebook = CoalesceStreamsPreprocessor(enabled=True).preprocess(read(path), {})[0]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            shown = [(output, output.get("data", {}).pop(VIEW, None)) for output in cell.outputs]
            cell.outputs = [one for one, view in shown if view is None or "text/html" in one.data]
    path.write_text(dump(notebook), encoding="utf-8")


def clean():
    "Clean the notebooks and export the library."
    subprocess.run(["nbdev_clean"], check=True, cwd=ROOT)
    subprocess.run(["nbdev_export"], check=True, cwd=ROOT)


def run(names):
    "Execute the notebooks whose path contains one of `names` (all of them if there is none), clean, export."
    for path in notebooks():
        if not names or any(name in str(path.relative_to(NOTEBOOKS)) for name in names):
            print("running", path.relative_to(ROOT), flush=True)
            execute(path)
    clean()
