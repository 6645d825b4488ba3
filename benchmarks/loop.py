#!/usr/bin/env python3
"""What each part of the loop is worth: 12 ordered tasks, 5 shots, speaker normalisation. Writes results/loop.csv.

    python benchmarks/loop.py --corpora ../shared/corpora [--encoder bundled] [--draws 5] [--jobs 2]

`network` is `semisup.learn` with its defaults; every other row changes one thing. One setting for all tasks, target labels in the scores only.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from ladder import NAMES, RESULTS

from sere_nb.baselines import logreg, selftrain
from sere_nb.core import atomic_path, provenance
from sere_nb.data import load_corpus
from sere_nb.irf import ResonanceClassifier
from sere_nb.metrics import uar
from sere_nb.model import join, recordings, standardise
from sere_nb.normalise import normalisation_groups
from sere_nb.semisup import learn, teach
from sere_nb.tasks import few_shot, make_task

OPTIONS = {  # name -> options of `learn`
    "network": {},
    "without TRIC": {"chain": 0.0},
    "TRIC ten times as strong": {"chain": 0.2},
    "without attention": {"attention": False},
    "without agreement": {"agreement": 0.0},
    "nothing hidden": {"hide": 0.0},
}


def refreshed(samples, y, classes, speakers, corpora, found):
    "The field organised again in the network's embedding, and the network taught again."
    import torch

    with torch.inference_mode():
        embedded = found.model.embed(*samples.tensors()).numpy().astype(float)
    standard = (embedded - embedded.mean(axis=0)) / np.maximum(embedded.std(axis=0), 1e-6)
    field = ResonanceClassifier().fit(standard, y, speakers=speakers, corpora=corpora)
    return teach(samples, y, field.label_distributions_, classes)[0]


def variants(samples, ruled, y, classes, speakers, corpora, task):
    "name, probabilities of all samples or of the target alone."
    here = dict(speakers=speakers, corpora=corpora)
    deaf = replace(samples, prosody=np.zeros_like(samples.prosody))
    blind = replace(samples, moments=np.zeros_like(samples.moments))
    found = learn(samples, y, classes, **here)
    yield "field", found.field.label_distributions_
    yield "network", found.model.probabilities(samples)
    for name, options in OPTIONS.items():
        if name != "network":
            yield name, learn(samples, y, classes, **here, **options).model.probabilities(samples)
    yield "highlights by rule", learn(ruled, y, classes, **here).model.probabilities(ruled)
    yield "semantic path alone", learn(deaf, y, classes, prosody=False, **here).model.probabilities(deaf)
    yield "prosodic path alone", learn(blind, y, classes, semantic=False, **here).model.probabilities(blind)
    yield "field refreshed", refreshed(samples, y, classes, speakers, corpora, found).probabilities(samples)
    known = y >= 0
    yield (
        "labels alone",
        teach(samples[known], y[known], np.eye(len(classes))[y[known]], classes)[0].probabilities(samples),
    )
    beliefs = np.vstack([np.full((len(task.source_y), len(classes)), 1 / len(classes)), selftrain(task)])
    beliefs[known] = np.eye(len(classes))[y[known]]
    kept = known | (corpora == 1)
    yield (
        "self-training teaches",
        teach(samples[kept], y[kept], beliefs[kept], classes)[0].probabilities(samples),
    )
    yield "selftrain", selftrain(task)
    yield "logreg", logreg(task)


def run_draw(source, target, tables, features, draw):
    "All rows of one draw of one ordered pair."
    import torch  # not above: joblib would have to pickle it with this function

    torch.set_num_threads(1)
    whole, truth, rows = make_task(
        tables[source], features[source]["plain"].vectors, tables[target], features[target]["plain"].vectors
    )
    classes, task = list(whole.classes), few_shot(whole, rows, tables[source], 5, draw)
    kept = np.flatnonzero(tables[target].emotion.isin(classes))
    sides = {}
    for kind in ("plain", "rule"):
        source_side = standardise(
            features[source][kind][rows], normalisation_groups(tables[source].iloc[rows], "speaker")
        )
        sides[kind] = join(
            [
                source_side,
                standardise(
                    features[target][kind][kept], normalisation_groups(tables[target].iloc[kept], "speaker")
                ),
            ]
        )
    y = np.concatenate([task.source_y, np.full(len(truth), -1)])
    speakers, corpora = (
        np.concatenate([task.source_speaker, task.target_speaker]).astype(str),
        np.repeat([0, 1], [len(rows), len(truth)]),
    )
    return [
        {
            "source": source,
            "target": target,
            "draw": draw,
            "method": name,
            "uar": uar(truth, found[-len(truth) :].argmax(axis=1)),
            "labels_used": "source-shots",
        }
        for name, found in variants(sides["plain"], sides["rule"], y, classes, speakers, corpora, task)
    ]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpora", type=Path, required=True)
    parser.add_argument("--encoder", default="bundled")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    from sere_nb.highlights import RULE, corpus_moments

    tables = {name: load_corpus(name, options.corpora / name) for name in NAMES}
    features = {}
    for name, table in tables.items():
        plain = recordings(table, options.encoder)
        moments, weights, _ = corpus_moments(table, options.encoder, rule=RULE)
        features[name] = {"plain": plain, "rule": replace(plain, moments=moments, weights=weights)}
    jobs = [
        (source, target, draw)
        for source in NAMES
        for target in NAMES
        if source != target
        for draw in range(options.draws)
    ]
    results = pd.DataFrame(
        [
            row
            for rows in Parallel(n_jobs=options.jobs, verbose=1)(
                delayed(run_draw)(source, target, tables, features, draw) for source, target, draw in jobs
            )
            for row in rows
        ]
    )
    print(results.groupby("method", sort=False).uar.mean().mul(100).round(1).to_dict())
    with atomic_path(RESULTS / "loop.csv") as path:
        results.to_csv(path, index=False, float_format="%.6f")
    with atomic_path(RESULTS / "loop.json") as path:
        origin = provenance(
            script="benchmarks/loop.py",
            encoder=options.encoder,
            corpora=NAMES,
            norm="speaker",
            shots=5,
            draws=options.draws,
            seeds=f"draw numbers 0 to {options.draws - 1}, network seed 0",
        )
        path.write_text(json.dumps(origin, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
