#!/usr/bin/env python3
"""What is it worth to say whose recordings they are? The ready model on five corpora it has not learned from:
each recording alone, beside a few others of its speaker, and beside all of them.

    python evidence/speakers.py --corpora FOLDER

A speaker's recordings are drawn at random, whatever their emotions."""

import numpy as np
import pandas as pd
from common import Corpora, arguments, parsed, save

from sere_nb.answers.recogniser import load
from sere_nb.base.core import generator
from sere_nb.tasks.confidence import UNSURE, calibration_error
from sere_nb.tasks.metrics import uar

FIVE = ("emovo", "ravdess", "nemo", "casia", "urdu")
COUNTS = (1, 3, 10, None)  # recordings of a speaker that come together; None: all


def together(ready, X, speakers, count, draw):
    "Probabilities of each recording, heard beside so many of its speaker."
    said = np.empty((len(X), len(ready.classes)))
    for speaker in np.unique(speakers):
        own = generator("speakers", speaker, draw).permutation(np.flatnonzero(speakers == speaker))
        size = count or len(own)
        for some in (own[start : start + size] for start in range(0, len(own), size)):
            normaliser = ready.normaliser.expecting(X[some]) if size > 1 else ready.normaliser
            said[some] = ready.probabilities(normaliser.apply(X[some]))
    return said


def row(ready, table, said):
    "Figures of the utterances whose emotion the model knows."
    asked = table.emotion.isin(ready.classes).to_numpy()
    truth = np.array([ready.classes.index(name) for name in table.emotion[asked]])
    said = said[asked]
    sure, right = said.max(axis=1) >= UNSURE, said.argmax(axis=1) == truth
    known = dict(uar=uar(truth, said.argmax(axis=1)), ece=calibration_error(truth, said))
    return dict(known, answered=sure.mean(), right=right[sure].mean())


def main():
    "Measure, and write."
    parser = arguments(__doc__, draws=5, features=("both",))
    parser.set_defaults(names=list(FIVE))
    options = parsed(parser)
    corpora, ready, rows = Corpora(options), load(), []
    for name, table in corpora.tables.items():
        X, speakers = corpora.features("both", name), table.speaker.to_numpy(str)
        for count in COUNTS:
            draws = range(options.draws if count not in (1, None) else 1)
            found = [row(ready, table, together(ready, X, speakers, count, draw)) for draw in draws]
            rows.append(dict(corpus=name, together=count or "all", **pd.DataFrame(found).mean()))
    print(pd.DataFrame(rows).round(3).to_string())
    save("speakers", {"ready": pd.DataFrame(rows)}, options, model="ready", unsure=UNSURE)


if __name__ == "__main__":
    main()
