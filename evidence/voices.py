#!/usr/bin/env python3
"""Does it help to take voices out only as far as they can be told from feelings? The joint field on thirty
ordered tasks among six corpora, as recorded, as talk shows (each target speaker keeps one or two emotions)
and without any speaker's name. The ladder stands beside it at both normalisations.

    python evidence/voices.py --corpora FOLDER [--draws 5] [--work FOLDER]

Four settings are compared. For each target the one is taken that is best on all tasks without that corpus;
the figure of the single setting that ships stands beside it."""

from itertools import product
from unittest.mock import patch

import numpy as np
import pandas as pd
from common import Corpora, arguments, each_pair, parsed, save, told_means

from sere_nb.core import generator
from sere_nb.study import COLUMNS, METHODS
from sere_nb.tasks import prepare, run_task
from sere_nb.voices import JOINT

SIX = ("emodb", "emovo", "ravdess", "nemo", "casia", "urdu")
LADDER = (
    "logreg-balanced",
    "selftrain",
    "sere",
)  # what was best at one normalisation or the other, as recorded
SETTINGS = {
    f"anchors {anchors}, centre {centre}": dict(ANCHORS=anchors, CENTRE=centre)
    for anchors, centre in product((0.3, 1.0), (0.40, 0.45))
}


def talk_show(table, emotions):
    "Positions of what stays if every speaker keeps one or two of the emotions, drawn by chance."
    random, stay = generator("talk show", table.corpus.iloc[0]), np.zeros(len(table), dtype=bool)
    for speaker in sorted(table.speaker.unique()):
        own = (table.speaker == speaker).to_numpy()
        shown = sorted(set(table.emotion[own]) & set(emotions))
        kept = random.permutation(shown)[: random.integers(1, 3)]
        stay |= own & table.emotion.isin(kept).to_numpy()
    return np.flatnonzero(stay)


def sides(corpora, kind, source, target, condition):
    "(source, features, target, features) under a condition."
    tables = [corpora.tables[name] for name in (source, target)]
    features = [corpora.features(kind, name) for name in (source, target)]
    if condition == "talk show":
        rows = talk_show(tables[1], set(tables[0].emotion) & set(tables[1].emotion))
        tables[1], features[1] = tables[1].iloc[rows], features[1][rows]
    if condition == "no names":
        tables = [table.assign(speaker=None) for table in tables]
    return tables[0], features[0], tables[1], features[1]


def rows_of(corpora, kind, source, target, condition, norm, methods):
    "All rows of one pair."
    asked = prepare(*sides(corpora, kind, source, target, condition), norm, semantic_width=384)
    rows = run_task(asked, methods, draws=corpora.options.draws)
    return pd.DataFrame(rows).assign(norm=norm, unheard=False, encoder="bundled+prosody")[COLUMNS]


def main():
    "Measure, and write."
    parser = arguments(__doc__, draws=5, features=("both",))
    parser.set_defaults(names=list(SIX))
    options = parsed(parser)
    corpora, tables = Corpora(options), {}
    for name, setting in SETTINGS.items():
        with patch.multiple("sere_nb.voices", **setting):
            work = ("as recorded", "corpus", {"sere-joint": JOINT})
            found = each_pair(
                corpora, f"both-{name}", lambda *pair, work=work: rows_of(corpora, "both", *pair, *work)
            )
        tables[name] = found.assign(setting=name)
    tables = {"settings": pd.concat(tables.values(), ignore_index=True)}
    told_means(tables["settings"].assign(method=tables["settings"].setting), "settings")
    ladder = {name: METHODS[name] for name in LADDER}
    for condition, norm in (("talk show", "corpus"), ("talk show", "speaker"), ("no names", "corpus")):
        methods = {**ladder, "sere-joint": JOINT} if norm == "corpus" else ladder
        name, work = f"{condition.replace(' ', '_')}_{norm}", (condition, norm, methods)
        tables[name] = each_pair(
            corpora, name, lambda *pair, work=work: rows_of(corpora, "both", *pair, *work)
        )
        told_means(tables[name], name)
    save("voices", tables, options, features="both", settings=SETTINGS)


if __name__ == "__main__":
    main()
