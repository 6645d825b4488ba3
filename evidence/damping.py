#!/usr/bin/env python3
"""How the damping for few labels was chosen: the field for each number of labels and each λ, on draws that
no result uses.

    python evidence/damping.py --corpora FOLDER [--features prosody both] [--draws 5]
    python evidence/damping.py --of sere --names emodb emovo ravdess nemo casia urdu --corpora FOLDER
        --features both whisper-tiny+prosody --whisper SCRIPT

That the field lost with one and two labels had been seen with `shots.py`, which uses other draws of the
same tasks. With `--of sere`: `sere` with each λ, beside the field and all labels, by encoder."""

from functools import partial

from common import Corpora, arguments, parsed, save, study

from sere_nb.field.irf import FEW, settled
from sere_nb.field.voices import SERE_METHOD, WHOLE, sere
from sere_nb.study.study import METHODS
from sere_nb.tasks.tasks import Method

SHOTS, VALUES, FIRST = (1, 2, 5, 10), (3e-4, 1e-3, 3e-3, 1e-2), 100


def damped(task, value):
    "The field with this λ, whatever the number of labels would make of it."
    shots = (task.source_y >= 0).sum() / len(task.classes)
    return settled(task, damping=value / max(1.0, FEW / shots))


def compared(of):
    "The methods, and the numbers of labels they get."
    if of == "field":
        fields = {f"λ {v:g}": Method(partial(damped, value=v), f"the field with λ {v:g}") for v in VALUES}
        return {"selftrain": METHODS["selftrain"], **fields}, SHOTS
    others = {name: METHODS[name] for name in ("selftrain", "field", "logreg-all")}
    line = "sere with λ {:g}"
    seres = {
        f"λ {v:g}": Method(partial(sere, damping=v), line.format(v), norm=SERE_METHOD.norm) for v in VALUES
    }
    return {**others, "whole": WHOLE, **seres}, (5,)


def main():
    "Measure, and write."
    parser = arguments(__doc__, draws=5)
    parser.add_argument("--of", choices=("field", "sere"), default="field")
    options = parsed(parser)
    corpora, (methods, shots) = Corpora(options), compared(options.of)
    numbers, prefix = range(FIRST, FIRST + options.draws), "sere-" if options.of == "sere" else ""
    for kind in options.features:
        rows = study(corpora, kind, methods, options.of, shots=shots, draws=numbers)
        table = rows.pivot_table(index="method", columns="shots", values="uar")
        print(kind, table.mul(100).round(1).to_string(), sep="\n", flush=True)
        told = dict(features=kind, shots=shots, seeds=f"draw numbers {FIRST} to {numbers[-1]}")
        kept = ["source", "target", "shots", "draw", "method", "uar"]
        save("damping", {f"{prefix}{kind}": rows[kept]}, options, **told)


if __name__ == "__main__":
    main()
