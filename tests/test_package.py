"What a stranger gets: a light import, a small wheel without development tools, one clear message from a broken torchaudio."

import os
import subprocess
import sys
import zipfile


def run(code, **options):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, **options)


def cpu_seconds(code):
    "Processor time of a fresh interpreter, the least of three: other work on the machine does not count."
    spent = []
    for _ in range(3):
        before = sum(os.times()[2:4])
        run(code)
        spent.append(sum(os.times()[2:4]) - before)
    return min(spent)


def test_import_is_light():
    code = "import sys, sere_nb; print(sorted({'torch', 'librosa', 'transformers', 'pandas', 'numpy'} & set(sys.modules)))"
    assert run(code).stdout.strip() == "[]"
    assert cpu_seconds("import sere_nb") - cpu_seconds("pass") < 0.3


def test_the_command_does_not_import_torch_for_its_help():
    code = "import sys, sere_nb.cli; print(sorted({'torch', 'librosa', 'transformers', 'sklearn'} & set(sys.modules)))"
    assert run(code).stdout.strip() == "[]"
    assert (
        cpu_seconds("import sys; sys.argv = ['sere', '--help']; import sere_nb.cli; sere_nb.cli.main()") < 1
    )


def test_broken_torchaudio_gives_one_line(tmp_path):
    (tmp_path / "torchaudio.py").write_text(
        "raise OSError('libc10_cuda.so: cannot open shared object file: No such file or directory')"
    )
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\nfrom sere_nb.core import require\ntry: require('torchaudio')\nexcept ValueError as error: print(error)"
    assert "torchaudio is installed but cannot be loaded (libc10_cuda.so" in run(code).stdout


def test_wheel_holds_the_package_and_stays_small(wheel):
    assert wheel.stat().st_size < 15 * 2**20
    names = zipfile.ZipFile(wheel).namelist()
    for needed in (
        "sere_nb/cli.py",
        "sere_nb/bundled/mini/metadata.csv",
        "sere_nb/bundled/results/matrix_prosody.csv",
    ):
        assert needed in names
    assert not [name for name in names if name.startswith(("nbs/", "tests/", "tools/"))]


def test_wheel_asks_for_lower_bounds_only(wheel):
    archive = zipfile.ZipFile(wheel)
    metadata = archive.read(next(name for name in archive.namelist() if name.endswith("METADATA"))).decode()
    runtime = [
        line for line in metadata.splitlines() if line.startswith("Requires-Dist:") and "extra ==" not in line
    ]
    assert any(line.split()[1].startswith("torch>=") for line in runtime), runtime
    assert not [line for line in runtime if "==" in line or "<" in line or "nbdev" in line]


def test_wheel_runs_without_the_repository(installed, tmp_path):
    code = f"import sys; sys.path = [{str(installed)!r}] + [p for p in sys.path if p]\nimport sere_nb; from sere_nb.data import mini_corpus; print(sere_nb.__file__, len(mini_corpus()))"
    done = run(code, cwd=tmp_path)
    assert str(installed) in done.stdout and int(done.stdout.split()[-1]) > 100, done.stderr
