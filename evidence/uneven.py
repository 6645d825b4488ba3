#!/usr/bin/env python3
"""Can `sere` do without the assumption that emotions are equally frequent? Five labels, thirty ordered tasks
among six corpora: as recorded, with unequal emotions, with one that is missing, and as talk shows.

    python evidence/uneven.py --corpora FOLDER [--draws 3] [--jobs 2] [--work FOLDER]

Its balance constraint is weakened or dropped, and the target's mean, which line 1 takes away, is given back
as far as its answers explain it (chapter folder), all of it or half. What the source believes of its own
utterances gives the means of the emotions. No number is fitted: every setting is run as it stands."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
from common import Corpora, arguments, each_part, parsed, save
from conditions import SIX, pair_of

from sere_nb.field.folder import shares_of
from sere_nb.field.voices import BALANCE, sere_model
from sere_nb.tasks.metrics import uar, war

CONDITIONS = ("recorded", "uneven", "missing", "talk-show")
SETTINGS = {  # name -> (balance constraint, how much of the explained mean is given back)
    "as shipped": (BALANCE, 0.0),
    "half the constraint": (BALANCE / 2, 0.0),
    "no constraint": (0.0, 0.0),
    "mean given back": (BALANCE, 1.0),
    "half of it": (BALANCE, 0.5),
    "half of both": (BALANCE / 2, 0.5),
}


def given_back(task, table, part):
    "The task with the part of the target's mean that answers explain put back."
    source, target = np.split(table, [len(task.source_X)])
    means = source.T @ task.source_X / np.maximum(source.sum(axis=0), 1e-9)[:, None]
    return replace(task, target_X=task.target_X + part * shares_of(target) @ means)


def answers(task, balance, part):
    "Probabilities of the target under a setting."
    table = sere_model(task, balance=balance).label_distributions_
    if part:
        table = sere_model(given_back(task, table, part), balance=balance).label_distributions_
    return table[len(task.source_X) :]


def rows_of(corpora, condition, draws, source, target):
    "Scores of every setting on one pair."
    pair, rows = pair_of(corpora, condition, source, target, "corpus"), []
    for draw in range(draws):
        task = pair.draw(5, draw)
        for name, setting in SETTINGS.items():
            said = answers(task, *setting).argmax(axis=1)
            scores = dict(uar=uar(pair.truth, said), war=war(pair.truth, said))
            rows.append(dict(source=source, target=target, draw=draw, setting=name, **scores))
    return pd.DataFrame(rows)


def main():
    "Run it."
    parser = arguments(__doc__, draws=3, features=("both",))
    parser.set_defaults(names=list(SIX), norm="corpus")
    options = parsed(parser)
    corpora = Corpora(options)
    parts = {name: partial(rows_of, corpora, name, options.draws) for name in CONDITIONS}
    found = each_part(corpora, parts)
    rows = pd.concat([found[name].assign(condition=name) for name in CONDITIONS], ignore_index=True)
    keys = ["condition", "setting", "source", "target"]
    tasks = rows.groupby(keys, sort=False)[["uar", "war"]].mean().round(5).reset_index()
    print(tasks.groupby(["condition", "setting"], sort=False)[["uar", "war"]].mean().mul(100).round(1))
    save("uneven", {"tasks": tasks}, options, settings=len(SETTINGS))


if __name__ == "__main__":
    main()
