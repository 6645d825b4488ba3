#!/usr/bin/env python3
"""Recordings as people have them: each shared corpus is copied under meaningless names into a folder without
any table. What does the ready model say of it, and what `sere adapt` on that folder?

    python evidence/own.py --corpora FOLDER

Rivals, and `sere`, get what `sere adapt` gets: all labels of the ready pack, all recordings of the folder, no
speakers. Each rival is also asked on features without the voices that `sere adapt` finds.
Every temperature is chosen on the other four corpora; that of `adapted` by the line of agreement.py. Emotions
that no model knows stay in the folder while it is adapted to; the figures are of the other recordings, and
`accuracy_all` is of all."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from agreement import by_line
from common import Corpora, arguments, parsed, save
from ready import SIX, calibrated

from sere_nb.core import generator
from sere_nb.features import extract
from sere_nb.own import own_table, ready_pack
from sere_nb.recogniser import load
from sere_nb.recordings import NO_SPEECH
from sere_nb.study import METHODS
from sere_nb.tasks import prepare
from sere_nb.voices import grouped, voices_out

RIVALS = ("logreg", "logreg-balanced", "selftrain")
AIMS = (("ready", ("emovo", "nemo"), 0.45), ("adapted", ("emovo", "nemo"), 0.55))
ASKED = 12  # files of each corpus that are put to `sere predict`, one by one


def copied(table, folder):
    "The corpus under meaningless names, in a meaningless order: name -> emotion."
    order, truth = generator("names", len(table)).permutation(len(table)), {}
    for number, row in enumerate(order):
        path = table.path.iloc[row]
        name = f"{number:05}{path.suffix}"
        shutil.copy(path, folder / name)
        truth[name] = table.emotion.iloc[row]
    return truth


def sere(*words):
    "What the command prints."
    command = [sys.executable, "-m", "sere_nb.cli", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "SERE_PROGRESS": "0"})
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


def ready(table):
    "What the ready model says, by features that are kept; the command says the same of a few, or no speech."
    model = load()
    said = model.probabilities(model.normaliser.apply(extract(table, "both", "bundled")))
    few = list(table.path[:ASKED])
    for line, row in zip(sere("predict", *few, "--json").splitlines(), said):
        one = json.loads(line)
        shares = [one["probabilities"].get(name, np.nan) for name in model.classes]
        assert one["emotion"] == NO_SPEECH or np.allclose(shares, row, atol=0.02), line
    return said, list(model.classes)


def adapted(folder, out):
    "What `sere adapt` writes."
    sere("adapt", folder, "--out", out)
    answers = pd.read_csv(out / "predictions.csv")
    classes = list(load(out).classes)
    return answers[classes].to_numpy(), classes


def rivals(table):
    "What the ladder makes of the same: name -> (probabilities, emotions)."
    labelled, X, _ = ready_pack()
    pair = prepare(labelled, X, table, extract(table, "both", "bundled"), "corpus", semantic_width=384)
    tasks = {name: (name, pair.task) for name in (*RIVALS, "sere")}
    without = voices_out(grouped(pair.task))
    tasks.update({f"{name}, like voices": (name, without) for name in RIVALS})
    return {told: (METHODS[name].run(task), list(task.classes)) for told, (name, task) in tasks.items()}


def answers(table):
    "All that is said of one corpus: (what -> (probabilities, emotions), truth)."
    with tempfile.TemporaryDirectory(prefix="sere-own-") as place:
        folder = Path(place) / "recordings"
        folder.mkdir()
        truth = copied(table, folder)
        bare = own_table(folder)
        assert bare.emotion.isna().all() and len(bare) == len(truth)
        found = {"ready": ready(bare), "adapted": adapted(folder, Path(place) / "model"), **rivals(bare)}
        return found, np.array([str(truth[path.name]) for path in bare.path])


def by_agreement(said, truths):
    "Figures of the adapted models, each at the temperature of the line through the other four corpora."
    adapted, other = said["adapted"], said["logreg, like voices"]
    values = {name: (adapted[name][0].argmax(1) == other[name][0].argmax(1)).mean() for name in truths}
    accuracy = {row["corpus"]: row["accuracy"] for row in calibrated(adapted, truths)}
    lines = [by_line(values, accuracy, adapted, truths, name) for name in truths]
    return pd.DataFrame(lines).drop(columns=["value", "expected"])


def main():
    "Ask, measure, print what is reached."
    parser = arguments(__doc__, draws=0, features=("both",))
    parser.set_defaults(names=list(SIX[1:]))
    options = parsed(parser)
    said, truths = {}, {}
    for name, table in Corpora(options).tables.items():
        found, truths[name] = answers(table)
        for what, one in found.items():
            said.setdefault(what, {})[name] = one
        print(name, "answered", flush=True)
    parts = [pd.DataFrame(calibrated(found, truths)).assign(what=what) for what, found in said.items()]
    parts[list(said).index("adapted")] = by_agreement(said, truths).assign(what="adapted")
    rows = pd.concat(parts, ignore_index=True)
    every = [
        np.mean(np.array(said[w][c][1])[said[w][c][0].argmax(axis=1)] == truths[c])
        for w, c in zip(rows.what, rows.corpus)
    ]
    rows = rows.assign(accuracy_all=every)
    print(rows.round(3).to_string())
    table = rows.set_index(["what", "corpus"])
    for what, names, aim in AIMS:
        for name in (name for name in names if name in truths):
            got, gap = table.uar[what, name], table.ece[what, name]
            told = "reached" if got >= aim else "NOT reached"
            print(f"{what} {name}: UAR {got:.1%}, aim {aim:.0%} {told}; ECE {gap:.3f}, aim .10", end=" ")
            print("reached" if gap <= 0.10 else "NOT reached")
    means = rows.groupby("what").uar.mean()
    best = means.drop(["ready", "adapted", "sere"]).idxmax()
    told = f"adapted {means.adapted:.1%}, sere {means.sere:.1%}"
    print(f"{told}, best rival {best} {means[best]:.1%} (mean UAR)")
    save("own", {"folders": rows}, options, aims=AIMS)


if __name__ == "__main__":
    main()
