#!/usr/bin/env python3
"""The field with one part left out at a time: balance, unlabelled source, long reach, more than one round.

python evidence/ablations.py --corpora FOLDER [--features prosody whisper-tiny --whisper SCRIPT]
[--draws 5]"""

from dataclasses import replace
from functools import partial

from common import Corpora, arguments, parsed, plain, save, study, told_means

from sere_nb.field.irf import FIELD, settled
from sere_nb.tasks.tasks import Method


def without_source(task):
    "The field without the unlabelled source utterances."
    known = task.source_y >= 0
    sides = dict(source_X=task.source_X[known], source_speaker=task.source_speaker[known])
    return settled(replace(task, source_y=task.source_y[known], **sides))


ABLATIONS = {
    "field": FIELD,
    "field-unbalanced": Method(partial(settled, balance=0.0), "the field without a wish for equal shares"),
    "field-nosource": Method(without_source, "the field without unlabelled source utterances"),
    "field-narrow": Method(partial(settled, bandwidth=0.5), "the field with a short reach"),
    "field-oneround": Method(partial(settled, rounds=1), "the field that answers itself once"),
}


def main():
    "Measure, and write."
    options = parsed(arguments(__doc__, draws=5, features=("prosody", "whisper-tiny")))
    corpora = Corpora(options)
    for kind in options.features:
        results = study(corpora, kind, ABLATIONS)
        told_means(results, kind)
        save("ablations", {kind: plain(results)}, options, features=kind)


if __name__ == "__main__":
    main()
