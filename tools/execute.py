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


def execute(path, output=None, library=ROOT, kernels=None):
    """Run one notebook from top to bottom where it lies, and write it, less what differs from run to run.

    It goes to `output`, or in place if there is none. `kernels`: the folder of `warm.kernels`, for a
    kernel that has its imports behind it."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    notebook, warm = read(path), {}
    if kernels:
        specs = KernelSpecManager(kernel_dirs=[str(kernels)], ensure_native_kernel=False)
        warm["km"] = AsyncKernelManager(kernel_name="warm", kernel_spec_manager=specs)
    settings = {"timeout": LONGEST_CELL, "store_widget_state": False, "resources": {"metadata": {}}}
    settings["extra_arguments"] = ["--IPKernelApp.log_level=40"]
    client = NotebookClient(notebook, **settings, **warm)
    client.owns_km = True  # it ends the kernel, too
    try:
        client.execute(env=quiet_environment(library), cwd=str(path.parent))
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        sys.exit(f"{path.name} failed:\n{str(error)[:3000]}")
    (output or path).write_text(dump(notebook), encoding="utf-8")
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
