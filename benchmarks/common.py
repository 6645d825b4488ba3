"""What the evidence scripts share: their arguments, features, the 12 tasks, and results that say where they come from."""

import argparse
import json
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from ladder import NAMES, RESULTS, whisper

from sere_nb.core import atomic_path, provenance
from sere_nb.data import load_corpus
from sere_nb.features import extract
from sere_nb.tasks import few_shot, make_task

PAIRS = [(source, target) for source in NAMES for target in NAMES if source != target]


def arguments(description, draws=20, features=("prosody", "whisper-tiny", "whisper-tiny+prosody")):
    "The options that all scripts have."
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpora", type=Path, required=True, help="folder with emodb, emovo, ravdess, nemo")
    parser.add_argument(
        "--features",
        nargs="+",
        default=list(features),
        choices=["prosody", "encoder", "both", "whisper-tiny", "whisper-tiny+prosody"],
        help="both: --encoder and prosody side by side",
    )
    parser.add_argument("--encoder", default="bundled")
    parser.add_argument(
        "--whisper",
        type=Path,
        help="script that loads Whisper-tiny, a yardstick that is no part of the package",
    )
    parser.add_argument(
        "--vectors", type=Path, help="folder in which Whisper-tiny's pooled vectors are kept between runs"
    )
    parser.add_argument("--norm", default="speaker")
    parser.add_argument("--draws", type=int, default=draws)
    return parser


class Corpora:
    "The four corpora and their features, read once."

    def __init__(self, options):
        self.options = options
        self.tables = {name: load_corpus(name, options.corpora / name) for name in NAMES}

    @cache
    def _whisper(self, name):
        kept = self.options.vectors / f"whisper-tiny_{name}.npy" if self.options.vectors else None
        if kept and kept.exists():
            return np.load(kept)
        vectors = whisper(self.options.whisper)(self.tables[name])
        if kept:
            with atomic_path(kept) as path, open(path, "wb") as file:
                np.save(file, vectors)
        return vectors

    @cache
    def features(self, kind, name):
        "Raw features of a corpus, (n, F)."
        if kind == "whisper-tiny":
            return self._whisper(name)
        if kind == "whisper-tiny+prosody":
            return np.hstack([self._whisper(name), self.features("prosody", name)])
        return extract(self.tables[name], features=kind, encoder=self.options.encoder)

    @cache
    def everything(self, kind, source, target):
        "(task with all source labels, true classes of the target, positions of its rows in the source table)."
        return make_task(
            self.tables[source],
            self.features(kind, source),
            self.tables[target],
            self.features(kind, target),
            self.options.norm,
        )

    def task(self, kind, source, target, draw, shots=5):
        "(task with a few source labels, true classes of the target)."
        task, truth, rows = self.everything(kind, source, target)
        return few_shot(task, rows, self.tables[source], shots, draw), truth


def save(rows, stem, script, **what):
    "Write results/STEM.csv, and where it comes from beside it."
    with atomic_path(RESULTS / f"{stem}.csv") as path:
        pd.DataFrame(rows).to_csv(path, index=False, float_format="%.6g")
    with atomic_path(RESULTS / f"{stem}.json") as path:
        origin = provenance(script=f"benchmarks/{script}", corpora=NAMES, **what)
        path.write_text(json.dumps(origin, indent=1, default=str) + "\n", encoding="utf-8")
