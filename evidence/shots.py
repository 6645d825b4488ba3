#!/usr/bin/env python3
"""How much does one more label buy? 1, 2, 5, 10 and 20 labelled source utterances per emotion.

python evidence/shots.py --corpora FOLDER [--features both] [--draws 10] [--shots 1 2 5 10 20]

Settings are those of five shots throughout. It stops if an emotion of a task has fewer utterances than
shots."""

import pandas as pd
from common import Corpora, arguments, parsed, plain, save, study

from sere_nb.study.study import METHODS
from sere_nb.tasks.metrics import bootstrap_mean, score_array

CHOSEN = ("logreg", "logreg-balanced", "selftrain", "field", "logreg-all")


def main():
    "Measure, and write."
    parser = arguments(__doc__, draws=10, features=("both",))
    parser.add_argument("--shots", type=int, nargs="+", default=[1, 2, 5, 10, 20])
    options = parsed(parser)
    if options.quick:
        options.shots = [1, 5]
    corpora = Corpora(options)
    for kind in options.features:
        rows = study(corpora, kind, {name: METHODS[name] for name in CHOSEN}, shots=options.shots)
        table = {
            count: {name: f"{bootstrap_mean(score_array(part, name))}" for name in CHOSEN}
            for count, part in rows.groupby("shots")
        }
        print(kind, pd.DataFrame(table).to_string(), sep="\n", flush=True)
        save("shots", {kind: plain(rows)}, options, features=kind)


if __name__ == "__main__":
    main()
