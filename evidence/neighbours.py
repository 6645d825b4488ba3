#!/usr/bin/env python3
"""SERE beside its neighbours in the field, on the same features, draws and labels, and sere minus each of
them, paired.

    pip install skada==0.5.0 skorch
    python evidence/neighbours.py --corpora FOLDER [--features prosody both] [--draws 20] [--slow-draws 5]
    python evidence/neighbours.py --corpora FOLDER --tune --features whisper-tiny --whisper SCRIPT

What every method gets: a few labelled source utterances, all other source utterances without labels,
all target utterances without labels. The methods themselves are in `rivals.py`. Each has one setting
for all tasks and features: the best of those tried on draws 100 and 101 of four of these tasks
(`--tune` writes neighbours/settings.csv)."""

from ast import literal_eval
from functools import partial

import pandas as pd
from common import RESULTS, Corpora, arguments, parsed, plain, save, study
from rivals import SLOW, TRIED

from sere_nb.metrics import paired_bootstrap, score_array
from sere_nb.study import METHODS
from sere_nb.tasks import Method

TUNED_ON = [("emodb", "nemo"), ("emovo", "ravdess"), ("ravdess", "emodb"), ("nemo", "emovo")]
LADDER = ("logreg", "selftrain", "field")


def tune(corpora, options):
    "Mean UAR of every setting tried, on draws that no result uses."
    pairs = corpora.pairs[:1] if options.quick else TUNED_ON
    for kind in options.features:
        for name, (method, tried) in TRIED.items():
            methods = {str(setting): Method(partial(method, **setting), name) for setting in tried}
            rows = study(corpora, kind, methods, pairs=pairs, draws=(100, 101), part=name)
            for setting, uar in rows.groupby("method", sort=False).uar.mean().items():
                yield dict(features=kind, method=name, setting=setting, uar=uar)


def chosen():
    "The best setting of each method, by neighbours/settings.csv."
    table = pd.read_csv(RESULTS / "neighbours" / "settings.csv")
    table = table.groupby(["method", "setting"], sort=False).uar.mean().reset_index()
    best = table.loc[table.groupby("method").uar.idxmax()]
    return {name: literal_eval(setting) for name, setting in zip(best.method, best.setting)}


def differences(rows):
    "sere minus each other method on the draws both have, with intervals over draws and over tasks."
    for name in dict.fromkeys(rows.method[rows.method != "field"]):
        draws = rows.draw[rows.method == name].unique()
        shared = rows[rows.draw.isin(draws)]
        first, second = score_array(shared, "field"), score_array(shared, name)
        here, beyond = (paired_bootstrap(first, second, over=over) for over in ("draws", "tasks"))
        row = dict(method=name, draws=len(draws), uar=second.mean(), sere=first.mean(), difference=here.mean)
        row.update(low=here.low, high=here.high, low_tasks=beyond.low, high_tasks=beyond.high)
        yield {**row, "tasks_won": int((first.mean(1) > second.mean(1)).sum())}


def measured(corpora, kind, settings, slow_draws):
    "Rows of the ladder and the quick rivals on all draws, of the networks on the first few."
    rivals = {name: Method(partial(TRIED[name][0], **settings[name]), name) for name in TRIED}
    quick = {name: METHODS[name] for name in LADDER}
    quick.update({name: method for name, method in rivals.items() if name not in SLOW})
    slow = {name: rivals[name] for name in SLOW}
    parts = study(corpora, kind, quick), study(corpora, kind, slow, draws=slow_draws, part="slow")
    return pd.concat(map(plain, parts), ignore_index=True)


def main():
    "Measure, and write."
    parser = arguments(__doc__)
    parser.add_argument("--slow-draws", type=int, default=5, help="draws of the networks, the first ones")
    parser.add_argument("--tune", action="store_true", help="choose settings instead")
    options = parsed(parser)
    corpora = Corpora(options)
    if options.tune:
        told = dict(seeds="draw numbers 100 and 101", tasks=TUNED_ON)
        return save("neighbours", {"settings": list(tune(corpora, options))}, options, **told)
    settings, slow_draws = chosen(), min(options.draws, options.slow_draws)
    for kind in options.features:
        rows = measured(corpora, kind, settings, slow_draws)
        table = pd.DataFrame(differences(rows))
        print(kind, table.round(4).to_string(), sep="\n", flush=True)
        told = dict(features=kind, slow=SLOW, settings=settings)
        save("neighbours", {kind: rows, f"{kind}_differences": table}, options, **told)


if __name__ == "__main__":
    main()
