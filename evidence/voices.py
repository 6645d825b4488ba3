#!/usr/bin/env python3
"""Does it help to take voices out only as far as they can be told from feelings? `sere` of chapter voices on
thirty ordered tasks among six corpora; the ladder on the same draws is that of conditions.py.

    python evidence/voices.py --corpora FOLDER [--draws 20] [--few 3] [--jobs 2] [--work FOLDER]

Four settings are compared, so that the one of each target can be chosen on tasks without that corpus.
`ideas` is `sere` without each of its parts, and with others that were left out, on a few draws. `shares`
tells how much of the variance lies between the speakers of corpora as they are, and of talk shows made of
them."""

from dataclasses import replace
from functools import partial
from itertools import product
from unittest.mock import patch

import numpy as np
import pandas as pd
from common import Corpora, arguments, each_part, parsed, save, told_means
from conditions import SIX, pair_of

from sere_nb.field import voices
from sere_nb.field.voices import SERE_METHOD, sere, sere_model
from sere_nb.tasks.baselines import self_train, selftrain
from sere_nb.tasks.tasks import Method, run_task


def equal_start(task, table):
    "Beliefs of the target that begin from equal shares."
    return np.full((len(task.target_X), len(task.classes)), 1 / len(task.classes))


def raw_share(task):
    "Scores that are the features themselves, so that trust asks how much of *them* lies between speakers."
    return task.source_X, task.target_X


def leftover(X, table, speakers, few=8.0):
    "Each speaker's mean of what beliefs leave unexplained, held back where little was heard."
    means = table.T @ X / np.maximum(table.sum(axis=0), 1e-9)[:, None]
    rest, result = X - table @ means, np.array(X, dtype=float)
    for name in pd.unique(speakers):
        own = speakers == name
        result[own] -= own.sum() / (own.sum() + few) * rest[own].mean(axis=0)
    return result


def offsets(task, rounds=3):
    "Voices estimated together with the beliefs: what a speaker's utterances have left over is the voice."
    changed, size = task, len(task.source_X)
    for _ in range(rounds):
        table = sere_model(changed, trusted=(0.0, 0.0)).label_distributions_
        here = leftover(task.source_X, table[:size], task.source_speaker)
        there = leftover(task.target_X, table[size:], task.target_speaker)
        changed = replace(task, source_X=here, target_X=there)
    return sere(changed, trusted=(0.0, 0.0))


def views(task):
    "Two classifiers, of the encoder and of prosody, that teach themselves; the mean of what they say."
    task, said = voices.voices_out(task), []
    for part in (slice(0, task.semantic_width), slice(task.semantic_width, None)):
        one = replace(task, source_X=task.source_X[:, part], target_X=task.target_X[:, part])
        here, there = voices._sides(one)
        known = one.source_y >= 0
        said.append(
            self_train(voices._regression, here[known], one.source_y[known], there).predict_proba(there)
        )
    return np.mean(said, axis=0)


def blended(task, other):
    "The mean of `sere` and of another method's answer."
    return (sere(task) + other(task)) / 2


def with_setting(**setting):
    "`sere` with other numbers than its own."
    return Method(partial(sere, **setting), SERE_METHOD.line, fit=partial(sere_model, **setting))


SETTINGS = {  # name -> (what is changed in chapter voices, method)
    f"anchors {anchors}, centre {centre}": (dict(CENTRE=centre), with_setting(anchor_weight=anchors))
    for anchors, centre in product((0.3, 1.0), (0.40, 0.45))
}
IDEAS = {  # the same
    "as shipped": ({}, SERE_METHOD),
    "speakers always trusted": (dict(trust=lambda share: 1.0), SERE_METHOD),
    "speakers never trusted": (dict(trust=lambda share: 0.0), SERE_METHOD),
    "trust by raw features": (dict(_first_scores=raw_share, CENTRE=0.25), SERE_METHOD),
    "anchors weigh 1": ({}, with_setting(anchor_weight=1.0)),
    "prosody counted once": ({}, with_setting(emphasis=1.0)),
    "prosody counted three times": ({}, with_setting(emphasis=3.0)),
    "beliefs begin from equal shares": (dict(_begin=equal_start), SERE_METHOD),
    "no shares wished for": ({}, with_setting(balance=0.0)),
    "shares wished for half as much": ({}, with_setting(balance=0.4)),
    "narrow resonance": ({}, with_setting(bandwidth=0.75)),
    "eight rounds": ({}, with_setting(rounds=(8, 8))),
    "one round": ({}, with_setting(rounds=(1, 1))),
    "offsets from what beliefs leave over": ({}, Method(offsets, "offsets")),
    "encoder and prosody apart": ({}, Method(views, "two views")),
    "mean with self-training": ({}, Method(partial(blended, other=selftrain), "a mean")),
    "mean with both views": ({}, Method(partial(blended, other=views), "a mean")),
}


def rows_of(corpora, change, method, draws, source, target):
    "All rows of one pair, with something of chapter voices changed."
    with patch.multiple(voices, **change) if change else patch.dict({}):
        rows = pd.DataFrame(
            run_task(corpora.pair("both", source, target, "corpus"), {"sere": method}, 5, draws)
        )
    return rows[["source", "target", "draw", "method", "uar", "war", "ece", "sure", "seconds"]]


def shares_of(corpora, draws, source, target):
    "Of features and of scores, the share between speakers: as recorded, and as a talk show."
    rows = []
    for condition in ("recorded", "talk-show"):
        pair = pair_of(corpora, condition, source, target, "corpus")
        for draw in range(draws):
            task = pair.draw(5, draw)
            told = [voices.voice_share(said, task.target_speaker) for said in seen(task)]
            found = dict(zip(("features", "scores"), told))
            rows.append(dict(source=source, target=target, condition=condition, draw=draw, **found))
    return pd.DataFrame(rows)


def seen(task):
    "Features and scores of the target."
    return task.target_X, voices._first_scores(task)[1]


def main():
    "Measure, and write."
    parser = arguments(__doc__, features=("both",))
    parser.set_defaults(names=list(SIX))
    parser.add_argument("--few", type=int, default=3, help="draws of ideas and shares")
    options = parsed(parser)
    corpora = Corpora(options)
    parts = {}
    for ideas, draws in ((SETTINGS, options.draws), (IDEAS, options.few)):
        for name, (change, method) in ideas.items():
            parts[name] = partial(rows_of, corpora, change, method, draws)
    parts["shares"] = partial(shares_of, corpora, options.few)
    found = each_part(corpora, parts)
    tables = {"shares": found.pop("shares")}
    named = {name: rows.assign(method=name) for name, rows in found.items()}
    tables["settings"] = pd.concat([named[name] for name in SETTINGS], ignore_index=True)
    tables["ideas"] = pd.concat([named[name] for name in IDEAS], ignore_index=True)
    told_means(pd.concat(named.values()), "UAR")
    save("voices", tables, options, features="both", settings=SETTINGS)


if __name__ == "__main__":
    main()
