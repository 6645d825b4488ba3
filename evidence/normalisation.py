#!/usr/bin/env python3
"""What is left where nobody knows who speaks: the field against the ladder, normalised per corpus instead
of per speaker.

python evidence/normalisation.py --corpora FOLDER [--features prosody both] [--draws 20]
"""

from common import Corpora, arguments, parsed, plain, save, study, told_means

from sere_nb.study.study import METHODS

CHOSEN = ("logreg", "logreg-balanced", "selftrain", "field", "logreg-all")


def main():
    "Measure, and write."
    parser = arguments(__doc__)
    parser.set_defaults(norm="corpus")
    options = parsed(parser)
    corpora = Corpora(options)
    for kind in options.features:
        results = study(corpora, kind, {name: METHODS[name] for name in CHOSEN})
        told_means(results, kind)
        save("normalisation", {kind: plain(results)}, options, features=kind)


if __name__ == "__main__":
    main()
