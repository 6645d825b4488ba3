"""The newcomer's path as it is printed: every command of `First steps`, in order, in an empty folder.

What it prints is what the page says."""

import os
import re
import subprocess
import sys

import pytest
from conftest import ROOT

BLOCKS = re.compile(r"^```(sh)?\n(.*?)^```$", re.M | re.S)
NUMBER = re.compile(r"\d+(?:\.\d+)?")
RANKED = re.compile(r"\(([^()]*%[^();]*)")  # the emotions of a prediction and their percentages
BY_HAND = ("pip install", "git clone", "jupyter lab")


def by_name(text):
    "The text with the emotions of each prediction by name: among near equals a percent decides their order."
    return RANKED.sub(lambda found: "(" + ", ".join(sorted(found[1].split(", "))), text)


def steps():
    "(command, what the page says it prints, or None)"
    found = BLOCKS.findall((ROOT / "nbs" / "first_steps.md").read_text(encoding="utf-8"))
    for place, (language, text) in enumerate(found):
        if language == "sh":
            printed = found[place + 1][1] if place + 1 < len(found) and not found[place + 1][0] else None
            yield text, printed


def put_on_path(folder):
    """Write `sere` and `python` into a folder, as small scripts.

    A link to the interpreter of a virtual environment would not find its packages from there."""
    folder.mkdir()
    for name, words in {"sere": "-m sere_nb.command.cli", "python": ""}.items():
        (folder / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
        (folder / name).chmod(0o755)


def agrees(said, printed):
    "Whether a command said what the page prints; another processor may round a probability differently."
    assert NUMBER.sub("#", said).strip() == NUMBER.sub("#", printed).strip()
    pairs = zip(NUMBER.findall(said), NUMBER.findall(printed))
    return max((abs(float(one) - float(other)) for one, other in pairs), default=0) < 3


@pytest.mark.skipif(os.name == "nt", reason="the page prints commands for a Unix shell")
def test_the_path_ends_where_the_page_says(tmp_path, installed):
    put_on_path(tmp_path / "bin")
    folder = tmp_path / "empty"
    folder.mkdir()
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    own = {"PATH": path, "PYTHONPATH": str(installed), "COLUMNS": "200", "LC_ALL": "C.UTF-8"}
    options = dict(cwd=folder, env={**os.environ, **own}, capture_output=True, text=True, timeout=600)
    ran = 0
    for text, printed in steps():
        if text.startswith(BY_HAND):
            continue
        done = subprocess.run(["sh", "-e", "-c", text], **options)
        assert done.returncode == 0, f"{text}\n{done.stderr}"
        if printed and text.startswith("sere demo"):  # the page shows the end: what `ls` said
            assert agrees(done.stdout[-len(printed) :], printed), f"{text}\n{done.stdout}"
        elif printed:
            assert agrees(by_name(done.stdout), by_name(printed)), f"{text}\n{done.stdout}"
        ran += 1
    assert ran == 10 and (folder / "study" / "report.html").exists()
