#!/usr/bin/env python3
"""How much does one more label buy? 1, 2, 5, 10 and 20 labelled source utterances per emotion: 12 ordered tasks. Writes results/shots_FEATURES.csv.

    python benchmarks/shots.py --corpora ../shared/corpora [--features prosody encoder both] [--draws 10] [--sere sere]
    python benchmarks/shots.py --corpora ../shared/corpora --features prosody both --damping

The second line is how the damping for few labels was chosen, on draws 100 to 104 of the same tasks; that the field lost with one and two labels had been seen with the first. Writes
results/damping_FEATURES.csv.
Every emotion of every task has more than 20 utterances in each corpus (the script stops if that is not so). Settings are those of five shots throughout.
"""

from functools import partial
from itertools import product
from time import perf_counter

import pandas as pd
from common import PAIRS, Corpora, arguments, save

from sere_nb.irf import FEW, sere
from sere_nb.metrics import bootstrap_mean, score_array, uar, war
from sere_nb.study import COLUMNS, METHODS


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
                    yield dict(
                        zip(
                            COLUMNS,
                            (
                                source,
                                target,
                                draw,
                                name,
                                uar(truth, guess),
                                war(truth, guess),
                                len(task.classes),
                                len(truth),
                                count,
                                corpora.options.norm,
                                kind,
                                used,
                                perf_counter() - start,
                            ),
                        )
                    )


def dampings(corpora, kind, shots=(1, 2, 5, 10), values=(3e-4, 1e-3, 3e-3, 1e-2), draws=range(100, 105)):
    "UAR of the field for each number of shots and each λ, one row per task and draw, with self-training beside it."
    for source, target in PAIRS:
        for count, draw in product(shots, draws):
            task, truth = corpora.task(kind, source, target, draw, count)
            more = max(1.0, FEW / count)  # what the classifier itself multiplies λ by
            methods = {
                "selftrain": METHODS["selftrain"][0],
                **{f"λ {value:g}": partial(sere, damping=value / more) for value in values},
            }
            for name, method in methods.items():
                yield dict(
                    source=source,
                    target=target,
                    shots=count,
                    draw=draw,
                    method=name,
                    uar=uar(truth, method(task).argmax(axis=1)),
                )


def main():
    parser = arguments(__doc__, draws=10)
    parser.add_argument("--shots", type=int, nargs="+", default=[1, 2, 5, 10, 20])
    parser.add_argument("--sere", default="sere", help="name in sere_nb.transfer.METHODS")
    parser.add_argument("--damping", action="store_true", help="how the damping was chosen, instead")
    options = parser.parse_args()
    corpora = Corpora(options)
    if options.damping:
        for kind in options.features:
            rows = pd.DataFrame(dampings(corpora, kind))
            print(
                kind,
                rows.pivot_table(index="method", columns="shots", values="uar").mul(100).round(1).to_string(),
                sep="\n",
                flush=True,
            )
            save(
                rows,
                f"damping_{kind}",
                "shots.py",
                features=kind,
                encoder=options.encoder,
                norm=options.norm,
                seeds="draw numbers 100 to 104",
            )
        return
    methods = {
        name: METHODS[name] for name in ("logreg", "logreg-balanced", "selftrain", options.sere, "logreg-all")
    }
    for kind in options.features:
        rows = pd.DataFrame(run(corpora, kind, methods, options.shots, options.draws))
        table = {
            count: {name: f"{bootstrap_mean(score_array(part, name))}" for name in methods}
            for count, part in rows.groupby("shots")
        }
        print(kind, pd.DataFrame(table).to_string(), sep="\n", flush=True)
        save(
            rows,
            f"shots_{kind}",
            "shots.py",
            features=kind,
            encoder=options.encoder,
            norm=options.norm,
            shots=options.shots,
            draws=options.draws,
            seeds=f"draw numbers 0 to {options.draws - 1}",
        )


if __name__ == "__main__":
    main()
