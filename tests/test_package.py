"What a stranger gets: a light import, a small wheel without tools, one message from a broken torchaudio."

import os
import subprocess
import sys
import zipfile
from configparser import ConfigParser

import pytest
from conftest import ROOT

HEAVY = {"torch", "librosa", "transformers", "sklearn", "scipy", "matplotlib"}
OPTIONAL = (
    "ipywidgets",
    "anywidget",
    "dask",
    "distributed",
    "espeakng_loader",
    "swift_f0",
    "statsmodels",
    "silero_vad",
    "av",
)


def run(code, **options):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, **options)


def cpu_seconds(code):
    "Processor time of a fresh interpreter, the least of three: other work on the machine does not count."
    spent = []
    for _ in range(3):
        before = sum(os.times()[2:4])
        done = run(code)
        spent.append(sum(os.times()[2:4]) - before)
        assert done.returncode == 0, done.stderr
    return min(spent)


@pytest.fixture(scope="module")
def pandas_seconds():
    "What importing pandas costs here: the measure of what is light, on a slow machine as on a fast one."
    return cpu_seconds("import pandas") - cpu_seconds("pass")


def test_import_is_light(pandas_seconds):
    code = f"import sys, sere_nb; print(sorted({HEAVY | {'pandas', 'numpy'}} & set(sys.modules)))"
    assert run(code).stdout.strip() == "[]"
    assert cpu_seconds("import sere_nb") - cpu_seconds("pass") < pandas_seconds / 2


def test_the_command_does_not_import_torch_for_its_help(pandas_seconds):
    code = f"import sys, sere_nb.command.cli; print(sorted({HEAVY} & set(sys.modules)))"
    assert run(code).stdout.strip() == "[]"
    help_ = "import sys; sys.argv = ['sere', '--help']; from sere_nb.command.cli import main; main()"
    assert cpu_seconds(help_) - cpu_seconds("pass") < 2 * pandas_seconds


def test_the_command_needs_no_extra(installed, tmp_path):
    "A study with its report and its model, where every optional package is missing."
    for name in OPTIONAL:
        (tmp_path / f"{name}.py").write_text(f"raise ImportError('{name} is not installed here')")
    path = os.pathsep.join([str(tmp_path), str(installed)])
    command = [sys.executable, "-m", "sere_nb.command.cli", "demo", "--out", str(tmp_path / "study")]
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "study" / "report.html").exists()


def test_broken_torchaudio_gives_one_line(tmp_path):
    reason = "libc10_cuda.so: cannot open shared object file: No such file or directory"
    (tmp_path / "torchaudio.py").write_text(f"raise OSError({reason!r})")
    code = """
from sere_nb.base.core import require
try:
    require('torchaudio')
except ValueError as error:
    print(error)
"""
    own = os.pathsep.join([str(tmp_path), str(ROOT)])
    said = run(code, env={**os.environ, "PYTHONPATH": own}).stdout
    assert "torchaudio is installed but cannot be loaded (libc10_cuda.so" in said


def test_wheel_holds_the_package_and_stays_small(wheel):
    assert wheel.stat().st_size < 15 * 2**20
    names = zipfile.ZipFile(wheel).namelist()
    needed = {str(path.relative_to(ROOT)) for path in (ROOT / "sere_nb").rglob("*.py")}
    needed |= {"sere_nb/bundled/mini/metadata.csv", "sere_nb/bundled/encoder/model.safetensors"}
    assert needed <= set(names)
    assert not [name for name in names if name.startswith(("nbs/", "tests/", "tools/"))]


def test_nothing_is_packed_by_accident(wheel):
    "setuptools says so where a folder is packed that nobody declared."
    said = wheel.with_name("build.log").read_text(encoding="utf-8")
    assert "Successfully built" in said and "would be ignored" not in said and "absent from the" not in said


def test_results_that_are_quoted_travel_and_no_others(wheel):
    parser = ConfigParser(delimiters=["="])
    parser.read(ROOT / "settings.ini", encoding="utf-8")
    folder, place = ROOT / parser["DEFAULT"]["results_path"], "sere_nb/bundled/results/"
    quoted = parser["DEFAULT"]["quoted_results"].split()
    listed = {path.relative_to(folder).as_posix() for pattern in quoted for path in folder.glob(pattern)}
    archive = zipfile.ZipFile(wheel)
    packed = [name for name in archive.namelist() if name.startswith(place)]
    assert listed and {name.removeprefix(place) for name in packed} == listed
    assert sum(archive.getinfo(name).compress_size for name in packed) < 2**20  # what a download pays


def test_wheel_asks_for_lower_bounds_only(wheel):
    archive = zipfile.ZipFile(wheel)
    metadata = archive.read(next(name for name in archive.namelist() if name.endswith("METADATA"))).decode()
    runtime = [
        line for line in metadata.splitlines() if line.startswith("Requires-Dist:") and "extra ==" not in line
    ]
    assert any(line.split()[1].startswith("torch>=") for line in runtime), runtime
    assert not [line for line in runtime if "==" in line or "<" in line or "nbdev" in line]


def test_wheel_runs_without_the_repository(installed, tmp_path):
    code = "import sere_nb; from sere_nb.corpus.data import mini_corpus; "
    code += "print(sere_nb.__file__, len(mini_corpus()))"
    done = run(code, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(installed)})
    assert str(installed) in done.stdout and int(done.stdout.split()[-1]) > 100, done.stderr
