#!/usr/bin/env python3
"""Does it help to take voices out only as far as they can be told from feelings? The joint field of chapter
06b on thirty ordered tasks among six corpora; the ladder on the same draws is that of six.py.

    python evidence/voices.py --corpora FOLDER [--draws 3] [--work FOLDER]

Four settings are compared, so that the one of each target can be chosen on tasks without that corpus."""

from itertools import product
from unittest.mock import patch

import pandas as pd
from common import Corpora, arguments, each_pair, parsed, save, told_means

from sere_nb.study import COLUMNS
from sere_nb.tasks import run_task
from sere_nb.voices import JOINT

SIX = ("emodb", "emovo", "ravdess", "nemo", "casia", "urdu")
SETTINGS = {
    f"anchors {anchors}, centre {centre}": dict(ANCHORS=anchors, CENTRE=centre)
    for anchors, centre in product((0.3, 1.0), (0.40, 0.45))
}


def rows_of(corpora, source, target):
    "All rows of one pair."
    rows = run_task(
        corpora.pair("both", source, target, "corpus"), {"sere-joint": JOINT}, draws=corpora.options.draws
    )
    return pd.DataFrame(rows).assign(norm="corpus", unheard=False, encoder="bundled+prosody")[COLUMNS]


def main():
    "Measure, and write."
    parser = arguments(__doc__, draws=3, features=("both",))
    parser.set_defaults(names=list(SIX))
    options = parsed(parser)
    corpora, parts = Corpora(options), []
    for name, setting in SETTINGS.items():
        with patch.multiple("sere_nb.voices", **setting):
            found = each_pair(corpora, f"both-{name}", lambda *pair: rows_of(corpora, *pair))
        parts.append(found.assign(setting=name))
    rows = pd.concat(parts, ignore_index=True)
    told_means(rows.assign(method=rows.setting), "settings")
    save("voices", {"settings": rows}, options, features="both", settings=SETTINGS)


if __name__ == "__main__":
    main()
