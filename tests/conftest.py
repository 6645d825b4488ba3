"What all tests share: one thread, no network, no progress bars, and the real corpora if they are there."
import os
from pathlib import Path

os.environ.update(HF_HUB_OFFLINE="1", OMP_NUM_THREADS="1", SERE_PROGRESS="0", TOKENIZERS_PARALLELISM="false")

import pytest

ROOT = Path(__file__).resolve().parent.parent
CORPORA = ROOT.parent / "shared" / "corpora"


@pytest.fixture(scope="session")
def real_corpora():
    "Folder with emodb, emovo, ravdess and nemo; tests that need it are skipped by name elsewhere."
    if not CORPORA.is_dir():
        pytest.skip(f"real corpora are not at {CORPORA}")
    return CORPORA


@pytest.fixture
def sere(tmp_path):
    "Run the command as a terminal would."
    import subprocess
    import sys

    def run(*words, cwd=tmp_path, **options):
        return subprocess.run([sys.executable, "-m", "sere_nb.cli", *map(str, words)], capture_output=True, text=True, cwd=cwd, timeout=900, **options)
    return run


def one_line(done):
    "What a failed command said: exactly one line on stderr, and no traceback."
    lines = done.stderr.strip().splitlines()
    assert done.returncode != 0, done.stdout
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.fixture(scope="module")
def browser():
    "Chromium, driven by Playwright; a machine without it skips, except where `.ci/run` has installed it."
    import shutil
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        if os.environ.get("SERE_CI"):
            pytest.fail("no Chromium although .ci/run installs it")
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    from playwright.sync_api import sync_playwright
    quiet = ("--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync "
             "--autoplay-policy=no-user-gesture-required --use-fake-ui-for-media-stream --use-fake-device-for-media-stream")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=quiet.split())
        yield chromium
        chromium.close()
