#!/usr/bin/env python3
"""The resonance field against the ladder on real recordings: 12 ordered tasks among four corpora. Writes results/sere_FEATURES.csv.

    python benchmarks/sere.py --corpora ../shared/corpora --features prosody encoder encoder_prosody [--draws 20] [--jobs 2] [--norm corpus] [--ablations] [--skewed]
    python benchmarks/sere.py --corpora ../shared/corpora --features whisper-tiny whisper-tiny+prosody --whisper whisper_tiny.py

`encoder` is the bundled encoder's vector, `encoder_prosody` that beside the prosodic functionals. Their equal-share runs at speaker normalisation are part of `benchmarks/matrix.py`. One setting for all tasks and features: the defaults of `ResonanceClassifier`.
They were chosen on draws 100 to 104 of these same tasks, with Whisper-tiny and eGeMAPS features; the draws reported here had no part in it.
"""

import argparse
import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from ladder import NAMES, RESULTS, whisper

from sere_nb import baselines
from sere_nb.core import atomic_path, generator, provenance
from sere_nb.data import load_corpus
from sere_nb.features import extract
from sere_nb.irf import sere
from sere_nb.study import COLUMNS


def without_source(task):
    "Without the unlabelled source utterances."
    known = task.source_y >= 0
    return sere(
        replace(
            task,
            source_X=task.source_X[known],
            source_y=task.source_y[known],
            source_speaker=task.source_speaker[known],
        )
    )


METHODS = {name: baselines.BASELINES[name] for name in ("logreg", "logreg-balanced", "selftrain")} | {
    "sere": (sere, "source-shots"),
    "logreg-all": baselines.BASELINES["logreg-all"],
}
ABLATIONS = {
    "sere": (sere, "source-shots"),
    "sere-unbalanced": (lambda task: sere(task, balance=0.0), "source-shots"),
    "sere-nosource": (without_source, "source-shots"),
    "sere-narrow": (lambda task: sere(task, bandwidth=0.5), "source-shots"),
    "sere-oneround": (lambda task: sere(task, rounds=1), "source-shots"),
}


def run_pair(source, target, tables, features, label, methods, options):
    "All rows of one ordered pair, without what rides along."
    kept = skewed(tables[target]) if options.skewed else np.arange(len(tables[target]))
    rows = baselines.run_task(
        tables[source],
        features[source],
        tables[target].iloc[kept].reset_index(drop=True),
        features[target][kept],
        methods,
        draws=options.draws,
        norm=options.norm,
    )
    return pd.DataFrame(rows).assign(encoder=label)[COLUMNS]


def skewed(table, share=0.25):
    "Positions of the utterances that stay when three quarters of the first half of the emotions (in the order of their names) are taken away."
    rare = table.emotion.isin(sorted(table.emotion.unique())[: table.emotion.nunique() // 2])
    return np.flatnonzero(~rare | (generator("skewed", table.corpus.iloc[0]).random(len(table)) < share))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpora", type=Path, required=True)
    parser.add_argument("--features", nargs="*", default=["prosody", "encoder", "encoder_prosody"])
    parser.add_argument("--whisper", type=Path, help="script that loads Whisper-tiny")
    parser.add_argument("--norm", default="speaker")
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument(
        "--ablations",
        action="store_true",
        help="leave parts out instead; writes results/sere_ablations_FEATURES.csv",
    )
    parser.add_argument(
        "--skewed",
        action="store_true",
        help="targets of unequal shares; writes results/sere_skewed_FEATURES.csv",
    )
    options = parser.parse_args()
    tables = {name: load_corpus(name, options.corpora / name) for name in NAMES}
    semantic = cache(lambda name: whisper(options.whisper)(tables[name]))
    prosodic = cache(lambda name: extract(tables[name], features="prosody"))
    bundled = cache(lambda name: extract(tables[name], features="encoder"))
    kinds = {
        "prosody": prosodic,
        "encoder": bundled,
        "encoder_prosody": lambda name: np.hstack([bundled(name), prosodic(name)]),
        "whisper-tiny": semantic,
        "whisper-tiny+prosody": lambda name: np.hstack([semantic(name), prosodic(name)]),
    }
    for kind in options.features:
        features = {name: kinds[kind](name) for name in NAMES}
        pairs = [(source, target) for source in NAMES for target in NAMES if source != target]
        rows = pd.concat(
            Parallel(n_jobs=options.jobs)(
                delayed(run_pair)(
                    *pair, tables, features, kind, ABLATIONS if options.ablations else METHODS, options
                )
                for pair in pairs
            )
        )
        print(kind, rows.groupby("method", sort=False).uar.mean().mul(100).round(1).to_dict(), flush=True)
        stem = (
            f"sere_{'skewed_' if options.skewed else ''}{'ablations_' if options.ablations else ''}{kind}"
            + ("" if options.norm == "speaker" else f"_{options.norm}")
        )
        with atomic_path(RESULTS / f"{stem}.csv") as path:
            rows.to_csv(path, index=False, float_format="%.6f")
        with atomic_path(RESULTS / f"{stem}.json") as path:
            origin = provenance(
                script="benchmarks/sere.py",
                features=kind,
                corpora=NAMES,
                norm=options.norm,
                shots=5,
                draws=options.draws,
                skewed=options.skewed,
                seeds=f"draw numbers 0 to {options.draws - 1}",
                setting="defaults of ResonanceClassifier, chosen on draws 100 to 104",
            )
            path.write_text(json.dumps(origin, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
