#!/usr/bin/env python3
"""Features of all corpora in one folder, so that a machine without the recordings can measure: other scripts
take it with --stored. With --sample N also those of N recordings of each corpus through every channel.

    python evidence/stored.py --corpora FOLDER --out FOLDER [--sample 160]"""

from pathlib import Path

from common import Corpora, arguments, parsed
from conditions import SIX, sampled

from sere_nb.sound.channels import CHANNELS
from sere_nb.study.store import store_features
from sere_nb.study.study import feature_name
from sere_nb.tasks.conditions import through


def main():
    "Extract, and write."
    parser = arguments(__doc__, draws=0, features=("both",))
    parser.set_defaults(names=list(SIX), allow_dirty=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sample", type=int, default=160)
    options = parsed(parser)
    told = dict(features="both", encoder="bundled", jobs=options.jobs)
    for name, table in Corpora(options).tables.items():
        store_features(table, options.out, name, **told)
        for channel in CHANNELS if options.sample else ():
            heard = through(channel, sampled(table, options.sample), options.out / "recordings")
            store_features(
                heard, options.out, feature_name(name, channel), "both", "bundled", jobs=options.jobs
            )


if __name__ == "__main__":
    main()
