#!/usr/bin/env python3
"""Does the lead carry over? The field and the ladder on thirty ordered tasks among six corpora, two of which
(Mandarin, Urdu) had no part in its making, with speakers known and unknown.

    python evidence/six.py --corpora FOLDER [--draws 5] [--work FOLDER]

One setting for all tasks: the defaults of every method. The network is left out: chapter 09 measures it."""

from common import Corpora, arguments, parsed, plain, save, study, told_means

from sere_nb.study import METHODS

SIX = ("emodb", "emovo", "ravdess", "nemo", "casia", "urdu")


def main():
    "Measure at both normalisations, and write."
    parser = arguments(__doc__, draws=5, features=("both",))
    parser.set_defaults(names=list(SIX))
    options = parsed(parser)
    corpora = Corpora(options)
    methods = {name: method for name, method in METHODS.items() if name != "sere-network"}
    for norm in ("speaker", "corpus"):
        results = study(corpora, "both", methods, part=norm, norm=norm)
        told_means(results, norm)
        save("six", {norm: plain(results)}, options, features="both", norm=norm)


if __name__ == "__main__":
    main()
