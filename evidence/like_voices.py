#!/usr/bin/env python3
"""What are names of speakers worth, and can groups of like voices stand in for them? Thirty ordered tasks of
six corpora; the source's speakers are known, the target's are unknown, grouped as in chapter
voices, or known.

    python evidence/like_voices.py --corpora FOLDER [--draws 5] [--jobs 2] [--work FOLDER]
    python evidence/like_voices.py --stored FOLDER      # where there is no audio

Ten settings of the groups are compared by `sere` on draw 100. For each target, the setting is the one that is
best on the tasks in which its corpus has no part; `setting` in tasks.csv tells it. `sere` and self-training
have five labels per emotion; `whole` has all, and one draw."""

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
from common import Corpora, arguments, each_part, parsed, save
from conditions import SIX, pair_of
from relatives import nested
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from sere_nb.field.voices import SERE_METHOD, WHOLE, grouped, voices_out
from sere_nb.tasks.baselines import selftrain
from sere_nb.tasks.tasks import Method, run_task

SETTINGS = {
    f"{most} groups, shrunk by {shrink}": dict(most=most, shrink=shrink)
    for most, shrink in product((6, 10, 15, 20, 30), (0.3, 0.5))
}
METHODS = {
    "sere": SERE_METHOD,
    "selftrain": Method(lambda task: selftrain(voices_out(task)), "self-training without voices"),
    "whole": replace(WHOLE, labels="source-all"),
}


def called(pair, speakers):
    "The pair with other names of the target's speakers."
    return replace(pair, task=replace(pair.task, target_speaker=speakers))


def grouped_by(pair, setting):
    "The pair whose target speakers nobody named, and groups of like voices that stand in for them."
    nobody = np.full(len(pair.task.target_X), None)
    return replace(pair, task=grouped(called(pair, nobody).task, **SETTINGS[setting]))


def rows_of(pair, methods, draws, **told):
    "Rows of some methods on one pair."
    with threadpool_limits(1):
        rows = pd.DataFrame(run_task(pair, methods, 5, draws))
    return rows[["source", "target", "draw", "method", "uar", "war", "ece", "sure"]].assign(**told)


def tried(corpora):
    "A function for `each_part`: rows of all settings on draw 100."

    def function(*names):
        pair = pair_of(corpora, "recorded", *names, "corpus")
        asked = {"sere": SERE_METHOD}
        rows = [rows_of(grouped_by(pair, one), asked, (100,), setting=one) for one in SETTINGS]
        return pd.concat(rows).to_dict("records")

    return function


def measured(corpora, chosen):
    "A function for `each_part`: rows without names, with groups, with names."

    def function(source, target):
        pair = pair_of(corpora, "recorded", source, target, "corpus")
        setting, draws = chosen["sere", target], range(corpora.options.draws)
        found = grouped_by(pair, setting)
        groups = found.task.target_speaker.astype(str)
        said = {"none": called(pair, np.full(len(groups), "nobody")), "like voices": found, "known": pair}
        rows = pd.concat([rows_of(one, METHODS, draws, names=name) for name, one in said.items()])
        told = dict(with_speakers=pair.task.target_speaker.astype(str), with_emotions=pair.truth)
        agreement = {name: adjusted_rand_score(one, groups) for name, one in told.items()}
        return rows.assign(setting=setting, **agreement).to_dict("records")

    return function


def main():
    "Choose, measure, and write."
    parser = arguments(__doc__, draws=5, features=("both",))
    parser.set_defaults(names=list(SIX))
    options = parsed(parser)
    corpora = Corpora(options)
    settings = each_part(corpora, {"tried": tried(corpora)})["tried"]
    print(settings.groupby("setting", sort=False).uar.mean().mul(100).round(2).to_string())
    chosen = nested(settings)
    rows = each_part(corpora, {"tasks": measured(corpora, chosen)})["tasks"]
    print(chosen, rows.pivot_table(index="names", columns="method", values="uar").mul(100).round(1), sep="\n")
    save("like_voices", {"settings": settings, "tasks": rows}, options, tuned="draw 100", settings=SETTINGS)


if __name__ == "__main__":
    main()
