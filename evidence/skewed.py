#!/usr/bin/env python3
"""Targets of unequal shares: three quarters of the first half of the emotions are taken away. Does a wish
for equal shares hurt?

python evidence/skewed.py --corpora FOLDER [--features prosody whisper-tiny --whisper SCRIPT] [--draws 5]
"""

import pandas as pd
from common import Corpora, arguments, each_pair, parsed, save, told_means

from sere_nb.base.core import generator
from sere_nb.study.study import COLUMNS, METHODS
from sere_nb.tasks.tasks import prepare, run_task

CHOSEN = ("logreg", "logreg-balanced", "selftrain", "field", "logreg-all")


def skewed(table, share=0.25):
    "Which utterances stay: of the emotions that come first by name, a quarter."
    rare = table.emotion.isin(sorted(table.emotion.unique())[: table.emotion.nunique() // 2])
    return ~rare | (generator("skewed", table.corpus.iloc[0]).random(len(table)) < share)


def rows_of(corpora, kind, source, target):
    "All rows of one pair whose target is skewed."
    stay, options = skewed(corpora.tables[target]).to_numpy(), corpora.options
    X, Y = (corpora.features(kind, name) for name in (source, target))
    pair = prepare(corpora.tables[source], X, corpora.tables[target][stay], Y[stay], options.norm)
    rows = run_task(pair, {name: METHODS[name] for name in CHOSEN}, draws=options.draws)
    told = dict(norm=options.norm, norm_asked=options.norm, unheard=False, encoder=kind, condition="skewed")
    return pd.DataFrame(rows).assign(**told)[COLUMNS]


def main():
    "Measure, and write."
    options = parsed(arguments(__doc__, draws=5, features=("prosody", "whisper-tiny")))
    corpora = Corpora(options)
    for kind in options.features:
        results = each_pair(corpora, kind, lambda *names, kind=kind: rows_of(corpora, kind, *names))
        told_means(results, kind)
        save("skewed", {kind: results}, options, features=kind)


if __name__ == "__main__":
    main()
