#!/usr/bin/env python3
"""Are "unfamiliar" answers of the bundled model less often right, or too confident? Recordings of five
corpora that it did not learn from, as recorded and through every channel, each on its own as `sere predict`
hears it.

    python evidence/unfamiliar.py --corpora FOLDER [--sample 100] [--jobs 2]

A recording is unfamiliar beyond the distance that chapter recogniser sets. Nothing is fitted. Recordings of
emotions that the model does not know are left out."""

import tempfile

import numpy as np
import pandas as pd
from common import Corpora, arguments, parsed, save
from conditions import SIX, sampled

from sere_nb.answers.recogniser import UNFAMILIAR, distance, load
from sere_nb.encoding.features import extract
from sere_nb.sound.channels import CHANNELS
from sere_nb.tasks.conditions import through


def rows_of(model, table, channel, jobs):
    "Confidence, distance and whether it is right, of each recording of a corpus through a channel."
    with tempfile.TemporaryDirectory() as folder:
        heard = table if channel == "recorded" else table.assign(path=through(channel, table, folder).path)
        X = extract(heard, "both", "bundled", cache=None if channel == "recorded" else False, jobs=jobs)
    said = model.probabilities(model.normaliser.apply(X))
    right = np.array(model.classes)[said.argmax(axis=1)] == table.emotion.to_numpy()
    told = dict(corpus=table.corpus.iloc[0], channel=channel, right=right, confidence=said.max(axis=1))
    return pd.DataFrame(told).assign(distance=distance(model.normaliser, X))


def main():
    "Measure, and write."
    parser = arguments(__doc__, draws=0, features=("both",))
    parser.set_defaults(names=[name for name in SIX if name != "emodb"])
    parser.add_argument("--sample", type=int, default=100, help="recordings of each corpus")
    options = parsed(parser)
    corpora, model, rows = Corpora(options), load(), []
    for table in corpora.tables.values():
        known = table[table.emotion.isin(model.classes)].reset_index(drop=True)
        some = sampled(known, options.sample)
        rows += [rows_of(model, some, channel, options.jobs) for channel in ("recorded", *CHANNELS)]
    found = pd.concat(rows).assign(unfamiliar=lambda one: one.distance > UNFAMILIAR)
    means = dict(count=("right", "size"), right=("right", "mean"), confidence=("confidence", "mean"))
    for keys in (["unfamiliar"], ["channel", "unfamiliar"]):
        print(found.groupby(keys).agg(**means).round(3))
    table = found.groupby(["corpus", "channel", "unfamiliar"]).agg(**means).round(5).reset_index()
    save("unfamiliar", {"answers": table}, options, sample=options.sample)


if __name__ == "__main__":
    main()
