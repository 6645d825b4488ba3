#!/usr/bin/env python3
"""Does it carry over: to unknown speakers, to unequal and strange emotions, to little speech, to bad lines?
The ladder at both normalisations and `sere` on thirty ordered tasks among six corpora, under every condition
of chapter conditions, with one and two labels, and on speakers that were not adapted to.

    python evidence/conditions.py --corpora FOLDER [--draws 20] [--others 5] [--jobs 2] [--work FOLDER]

`recorded` has a row per draw; `conditions` has the mean of each task. The target of a channel is a sample,
the one that stored.py took."""

from functools import partial

import pandas as pd
from common import Corpora, arguments, each_part, parsed, save, told_means

from sere_nb.answers.recogniser import semantic_width
from sere_nb.base.core import generator
from sere_nb.study.store import stored_features
from sere_nb.study.study import METHODS, feature_name
from sere_nb.tasks.conditions import CONDITIONS, arrange
from sere_nb.tasks.tasks import SCORES, prepare, run_task

SIX = ("emodb", "emovo", "ravdess", "nemo", "casia", "urdu")
LADDER = {name: method for name, method in METHODS.items() if name != "sere-network"}
NAMELESS = ("nameless", "one-each")  # nobody can be centred there
LABELS = {"one label": 1, "two labels": 2}


def sampled(table, count):
    "As many recordings of a corpus, at random."
    if len(table) <= count:
        return table
    rows = generator("sample", table.corpus.iloc[0]).permutation(len(table))[:count]
    return table.iloc[sorted(rows)].reset_index(drop=True)


def target_of(corpora, condition, name):
    "Table and features of a target, through a channel if the condition has one."
    channel = CONDITIONS[condition].channel
    if channel is None:
        return corpora.tables[name], corpora.features("both", name)
    return stored_features(corpora.options.stored, feature_name(name, channel))


def pair_of(corpora, condition, source, target, norm, unheard=False):
    "Two corpora made ready for each other under a condition."
    X = corpora.features("both", source)
    table, Y = target_of(corpora, condition, target)
    made = arrange(condition, corpora.tables[source], table)
    told = dict(semantic_width=semantic_width("both", X.shape[1]), emotions=made.emotions)
    sides = made.source, X[made.source.index], made.target, Y[made.target.index]
    return prepare(*sides, norm, unheard, strange=made.strange, **told)


def rows_of(corpora, part, draws, source, target):
    "All rows of one pair under a condition, with few labels, or on unheard speakers."
    condition, unheard = part if part in CONDITIONS else "recorded", part == "unheard"
    rows = []
    for norm in ("corpus",) if part in NAMELESS else ("speaker", "corpus"):
        own = {name: method for name, method in LADDER.items() if method.norm in (None, norm)}
        able = {name: method for name, method in own.items() if method.fit or not unheard}
        pair = pair_of(corpora, condition, source, target, norm, unheard)
        found = run_task(pair, able, LABELS.get(part, 5), draws)
        rows += [dict(row, norm=norm) for row in found]
    columns = ["source", "target", "draw", "method", "norm", *SCORES, "classes", "target_size", "seconds"]
    return pd.DataFrame(rows)[columns]


def per_task(rows):
    "Mean over the draws of each task, method and normalisation."
    keys = ["condition", "source", "target", "method", "norm"]
    means = rows.groupby(keys, sort=False)[[*SCORES]].mean()
    return means.assign(draws=rows.groupby(keys, sort=False).draw.nunique()).reset_index()


def main():
    "Measure, and write."
    parser = arguments(__doc__, features=("both",))
    parser.set_defaults(names=list(SIX))
    parser.add_argument("--others", type=int, default=5, help="draws of all conditions but the first")
    parser.add_argument("--parts", nargs="+", help="some of the conditions")
    options = parsed(parser)
    corpora = Corpora(options)
    parts = options.parts or [*CONDITIONS, *LABELS, "unheard"]
    if options.stored is None:
        parts = [name for name in parts if name not in CONDITIONS or not CONDITIONS[name].channel]
    draws = {part: options.draws if part == "recorded" else options.others for part in parts}
    found = each_part(corpora, {part: partial(rows_of, corpora, part, draws[part]) for part in parts})
    for part, rows in found.items():
        told_means(rows.assign(method=rows.method + " " + rows.norm), part)
    tables = {"recorded": found["recorded"]} if "recorded" in found else {}
    rest = [rows.assign(condition=part) for part, rows in found.items()]
    save("conditions", {**tables, "conditions": per_task(pd.concat(rest))}, options, features="both")


if __name__ == "__main__":
    main()
