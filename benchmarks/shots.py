#!/usr/bin/env python3
"""How much does one more label buy? 1, 2, 5, 10 and 20 labelled source utterances per emotion: 12 ordered tasks. Writes results/shots_FEATURES.csv.

    python benchmarks/shots.py --corpora ../shared/corpora [--features prosody encoder both] [--draws 10] [--sere sere]

Every emotion of every task has more than 20 utterances in each corpus (the script stops if that is not so). Settings are those of five shots throughout.
"""
from time import perf_counter

import pandas as pd

from common import PAIRS, Corpora, arguments, save
from sere_nb.metrics import bootstrap_mean, score_array, uar, war
from sere_nb.transfer import COLUMNS, METHODS


def run(corpora, kind, methods, shots, draws):
    "One row per task, number of shots, draw and method; the oracle once per task, repeated on every draw for pairing."
    for source, target in PAIRS:
        everything, truth, _ = corpora.everything(kind, source, target)
        oracle = None
        for count in shots:
            for draw in range(draws):
                task, _ = corpora.task(kind, source, target, draw, count)
                for name, (method, used) in methods.items():
                    start = perf_counter()
                    if used == "source-all":
                        probabilities = oracle = method(everything) if oracle is None else oracle
                    else:
                        probabilities = method(task)
                    guess = probabilities.argmax(axis=1)
                    yield dict(zip(COLUMNS, (source, target, draw, name, uar(truth, guess), war(truth, guess), len(task.classes), len(truth), count,
                                             corpora.options.norm, kind, used, perf_counter() - start)))


def main():
    parser = arguments(__doc__, draws=10)
    parser.add_argument("--shots", type=int, nargs="+", default=[1, 2, 5, 10, 20])
    parser.add_argument("--sere", default="sere", help="name in sere_nb.transfer.METHODS")
    options = parser.parse_args()
    corpora = Corpora(options)
    methods = {name: METHODS[name] for name in ("logreg", "logreg-balanced", "selftrain", options.sere, "logreg-all")}
    for kind in options.features:
        rows = pd.DataFrame(run(corpora, kind, methods, options.shots, options.draws))
        table = {count: {name: f"{bootstrap_mean(score_array(part, name))}" for name in methods} for count, part in rows.groupby("shots")}
        print(kind, pd.DataFrame(table).to_string(), sep="\n", flush=True)
        save(rows, f"shots_{kind}", "shots.py", features=kind, encoder=options.encoder, norm=options.norm, shots=options.shots, draws=options.draws,
             seeds=f"draw numbers 0 to {options.draws - 1}")


if __name__ == "__main__":
    main()
