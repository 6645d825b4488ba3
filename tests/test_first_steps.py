"The newcomer's path as it is printed: every command of `First steps`, in order, in an empty folder; what it prints is what the page says."

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
    "The text with the emotions of each prediction in the order of their names: among near equals a percent decides their order."
    return RANKED.sub(lambda found: "(" + ", ".join(sorted(found[1].split(", "))), text)


def steps():
    "(command, what the page says it prints, or None)"
    found = BLOCKS.findall((ROOT / "nbs" / "first_steps.md").read_text(encoding="utf-8"))
    for place, (language, text) in enumerate(found):
        if language == "sh":
            printed = found[place + 1][1] if place + 1 < len(found) and not found[place + 1][0] else None
            yield text, printed


@pytest.mark.skipif(os.name == "nt", reason="the page prints commands for a Unix shell")
def test_the_path_ends_where_the_page_says(tmp_path, installed):
    command = tmp_path / "bin" / "sere"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m sere_nb.cli "$@"\n')
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    command.chmod(0o755)
    folder = tmp_path / "empty"
    folder.mkdir()
    environment = {
        **os.environ,
        "PATH": f"{command.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(installed),
        "COLUMNS": "200",
    }
    ran = 0
    for text, printed in steps():
        if text.startswith(BY_HAND):
            continue
        done = subprocess.run(
            ["sh", "-e", "-c", text], cwd=folder, env=environment, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, f"{text}\n{done.stderr}"
        if printed:
            printed = by_name(printed)
            said = (
                done.stdout[-len(printed) :] if text.startswith("sere demo") else by_name(done.stdout)
            )  # `ls` comes last there
            assert NUMBER.sub("#", said).strip() == NUMBER.sub("#", printed).strip(), f"{text}\n{done.stdout}"
            differences = [
                abs(float(a) - float(b)) for a, b in zip(NUMBER.findall(said), NUMBER.findall(printed))
            ]
            assert max(differences, default=0) < 3, (
                f"{text}\n{done.stdout}"
            )  # another processor may round a probability
        ran += 1
    assert ran == 6 and (folder / "study" / "report.html").exists()
