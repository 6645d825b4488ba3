#!/usr/bin/env python3
"""How the damping for few labels was chosen: the field for each number of labels and each λ, on draws that
no result uses.

python evidence/damping.py --corpora FOLDER [--features prosody both] [--draws 5]

That the field lost with one and two labels had been seen with `shots.py`, which uses other draws of the
same tasks."""

from functools import partial

from common import Corpora, arguments, parsed, save, study

from sere_nb.irf import FEW, settled
from sere_nb.study import METHODS
from sere_nb.tasks import Method

SHOTS, VALUES, FIRST = (1, 2, 5, 10), (3e-4, 1e-3, 3e-3, 1e-2), 100


def damped(task, value):
    "The field with this λ, whatever the number of labels would make of it."
    shots = (task.source_y >= 0).sum() / len(task.classes)
    return settled(task, damping=value / max(1.0, FEW / shots))


def main():
    "Measure, and write."
    options = parsed(arguments(__doc__, draws=5))
    corpora, methods = Corpora(options), {"selftrain": METHODS["selftrain"]}
    for value in VALUES:
        methods[f"λ {value:g}"] = Method(partial(damped, value=value), f"the field with λ {value:g}")
    numbers = range(FIRST, FIRST + options.draws)
    for kind in options.features:
        rows = study(corpora, kind, methods, shots=SHOTS, draws=numbers)
        table = rows.pivot_table(index="method", columns="shots", values="uar")
        print(kind, table.mul(100).round(1).to_string(), sep="\n", flush=True)
        told = dict(features=kind, shots=SHOTS, seeds=f"draw numbers {FIRST} to {numbers[-1]}")
        kept = ["source", "target", "shots", "draw", "method", "uar"]
        save("damping", {kind: rows[kept]}, options, **told)


if __name__ == "__main__":
    main()
