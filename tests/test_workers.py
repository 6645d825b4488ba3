"No worker process outlives the one that started it; one that is lost is named."

import os
import signal
import subprocess
import sys
import time

import pytest
from conftest import ROOT

from sere_nb.base.core import SereError
from sere_nb.corpus.data import mini_corpus
from sere_nb.encoding.features import _Recipe, _run

EXTRACTION = """
import sys
from sere_nb.corpus.data import mini_corpus
from sere_nb.encoding.features import extract
extract(mini_corpus(), "prosody", cache=sys.argv[1], jobs=2)
"""


@pytest.mark.slow
def test_extraction_whose_process_is_killed(tmp_path):
    "All of its processes write to the same pipes, which are open until the last of them has ended."
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    parent = subprocess.Popen(
        [sys.executable, "-c", EXTRACTION, tmp_path], env=environment, start_new_session=True, **pipes
    )
    end = time.monotonic() + 60
    try:
        while not list(tmp_path.rglob("*.safetensors")):  # its workers are at work
            assert parent.poll() is None and time.monotonic() < end
            time.sleep(0.02)
    finally:
        parent.kill()
    parent.wait()
    os.killpg(parent.pid, 0)  # raises if nobody is left
    parent.communicate(timeout=15)  # raises if anybody still is


def deadly(waveforms):
    "Ends the process that works on it."
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
def test_a_lost_worker_of_extraction_is_named(tmp_path):
    recipe = _Recipe([0], deadly, {}, int)
    unit = (0, recipe, {0: (mini_corpus("de").path[0], "")})
    with pytest.raises(SereError, match="a worker process was lost.*start again, with fewer jobs"):
        list(_run([unit], None, 2))
