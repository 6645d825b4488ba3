#!/usr/bin/env python3
"""What learning a metric does to the resonance field on real recordings: 12 ordered tasks among four corpora. Writes results/tric_FEATURES.csv.

    python benchmarks/tric.py --corpora ../shared/corpora --features prosody both --whisper whisper_tiny.py [--draws 5] [--criterion]

A linear metric starts at the identity in the field's whitened coordinates, is trained by the terms of chapter 07, and the same field is fitted again in what it
learned; `field` is the field without learning. `both` is the bundled encoder's vector and the prosodic functionals side by side; with `--whisper`, the features
`whisper-tiny` and `whisper-tiny+prosody` are there too. Settings were looked at on draws 100 and 101 of these tasks; the draws reported here had no part in it.
`--criterion` asks instead whether the loss terms, computed without any learning, tell which whitening suits the field: results/tric_criterion_FEATURES.csv.
"""

import argparse
import json
from functools import cache
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
import torch
from joblib import Parallel, delayed
from ladder import NAMES, RESULTS, whisper

from sere_nb.core import atomic_path, provenance
from sere_nb.data import load_corpus
from sere_nb.features import extract
from sere_nb.irf import ResonanceClassifier
from sere_nb.metrics import uar
from sere_nb.tasks import few_shot, make_task
from sere_nb.tric import learn_metric, tric

METHODS = {  # name -> setting of `learn_metric`; beliefs=True stands for the field's own
    "contrast, matrix": dict(parts=(1, 0, 0), full=True),
    "chain, matrix": dict(parts=(0, 1, 0), full=True),
    "chain, gains": dict(parts=(0, 1, 0)),
    "tric, gains": {},
    "beliefs, matrix": dict(parts=(0, 0, 0), full=True, beliefs=True),
    "beliefs + tric, matrix": dict(full=True, beliefs=True),
}
WHITENINGS = (0.0, 0.25, 0.5, 0.75)


def samples(task):
    "What the field is fitted on: features, classes with -1 for unknown, speakers, corpora."
    return (
        np.vstack([task.source_X, task.target_X]),
        np.concatenate([task.source_y, np.full(len(task.target_X), -1)]),
        np.concatenate([task.source_speaker, task.target_speaker]).astype(str),
        np.repeat([0, 1], [len(task.source_X), len(task.target_X)]),
    )


def learned_rows(task, truth):
    "The field, and the field in each learned metric."
    X, y, speakers, corpora = samples(task)
    guess = lambda model: model.label_distributions_[len(task.source_X) :].argmax(axis=1)
    start = perf_counter()
    field = ResonanceClassifier().fit(X, y, speakers=speakers, corpora=corpora)
    coordinates = (X - field.mean_) @ field.axes_
    yield dict(method="field", uar=uar(truth, guess(field)), seconds=perf_counter() - start)
    for name, setting in METHODS.items():
        start = perf_counter()
        if setting.get("beliefs"):
            setting = {**setting, "beliefs": field.label_distributions_}
        metric = learn_metric(coordinates, y, seed=task.seed, **setting)
        again = ResonanceClassifier(whitening=0.0).fit(
            coordinates @ metric, y, speakers=speakers, corpora=corpora
        )
        yield dict(method=name, uar=uar(truth, guess(again)), seconds=perf_counter() - start)


def criterion_rows(task, truth):
    "UAR of the field for several whitenings, and the loss terms of the same coordinates, nothing learned."
    X, y, speakers, corpora = samples(task)
    for whitening in WHITENINGS:
        field = ResonanceClassifier(whitening=whitening).fit(X, y, speakers=speakers, corpora=corpora)
        Z = torch.tensor((X - field.mean_) @ field.axes_)
        loss = tric(
            Z[y >= 0],
            torch.tensor(y[y >= 0]),
            Z[y < 0],
            bandwidth=float((2 * Z.square().sum(1).mean()).sqrt()),
        )
        yield dict(
            method=f"whitening {whitening}",
            uar=uar(truth, field.label_distributions_[len(task.source_X) :].argmax(axis=1)),
            contrast=loss.contrast.item(),
            chain=loss.chain.item(),
            visit=loss.visit.item(),
        )


def kept(name, compute, folder):
    "The yardstick's vectors of one corpus, from `folder` if they are there."
    path = folder and folder / f"whisper-tiny_{name}.npy"
    if path and path.is_file():
        return np.load(path)
    vectors = compute()
    if path:
        with atomic_path(path) as temporary, open(temporary, "wb") as file:
            np.save(file, vectors)
    return vectors


def run_pair(source, target, tables, features, label, options):
    "All rows of one ordered pair."
    torch.set_num_threads(1)
    everything, truth, kept = make_task(tables[source], features[source], tables[target], features[target])
    kind = criterion_rows if options.criterion else learned_rows
    return [
        dict(
            source=source,
            target=target,
            draw=draw,
            shots=5,
            norm="speaker",
            encoder=label,
            labels_used="source-shots",
            **row,
        )
        for draw in range(options.first, options.first + options.draws)
        for row in kind(few_shot(everything, kept, tables[source], 5, draw), truth)
    ]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpora", type=Path, required=True)
    parser.add_argument("--features", nargs="*", default=["prosody", "both"])
    parser.add_argument("--whisper", type=Path, help="script that loads Whisper-tiny")
    parser.add_argument(
        "--keep", type=Path, help="folder in which the yardstick's vectors are kept from run to run"
    )
    parser.add_argument("--first", type=int, default=0, help="number of the first draw")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument(
        "--criterion",
        action="store_true",
        help="do the terms tell which whitening suits? writes results/tric_criterion_FEATURES.csv",
    )
    options = parser.parse_args()
    tables = {name: load_corpus(name, options.corpora / name) for name in NAMES}
    semantic = cache(lambda name: kept(name, lambda: whisper(options.whisper)(tables[name]), options.keep))
    prosodic = cache(lambda name: extract(tables[name], features="prosody"))
    kinds = {
        "prosody": prosodic,
        "both": lambda name: extract(tables[name], features="both"),
        "whisper-tiny": semantic,
        "whisper-tiny+prosody": lambda name: np.hstack([semantic(name), prosodic(name)]),
    }
    for kind in options.features:
        features = {name: kinds[kind](name) for name in NAMES}
        pairs = [(source, target) for source in NAMES for target in NAMES if source != target]
        parts = Parallel(n_jobs=options.jobs)(
            delayed(run_pair)(*pair, tables, features, kind, options) for pair in pairs
        )
        rows = pd.DataFrame([row for part in parts for row in part])
        print(kind, rows.groupby("method", sort=False).uar.mean().mul(100).round(1).to_dict(), flush=True)
        stem = f"tric_{'criterion_' if options.criterion else ''}{kind}"
        with atomic_path(RESULTS / f"{stem}.csv") as path:
            rows.to_csv(path, index=False, float_format="%.6f")
        with atomic_path(RESULTS / f"{stem}.json") as path:
            settings = WHITENINGS if options.criterion else METHODS
            origin = provenance(
                script="benchmarks/tric.py",
                features=kind,
                corpora=NAMES,
                norm="speaker",
                shots=5,
                first_draw=options.first,
                draws=options.draws,
                seeds="the number of the draw",
                settings=settings,
                chosen="looked at on draws 100 and 101",
            )
            path.write_text(json.dumps(origin, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
