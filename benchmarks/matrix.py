#!/usr/bin/env python3
"""The transfer matrix on real recordings: 12 ordered tasks among four corpora, 20 draws, the ladder and SERE. Writes results/matrix_FEATURES*.csv.

    python benchmarks/matrix.py --corpora ../shared/corpora --features both [--encoder bundled] [--jobs 2] [--work DIR]
    python benchmarks/matrix.py --corpora ../shared/corpora --speed [--draws 20] [--repeats 3]

The first line goes on where it was interrupted if it is given the same `--work` folder. The second measures what parallel work gains and what a job costs beside its own
time, from features that are extracted already; it writes results/matrix_speed.csv.
"""

import argparse
import json
import os
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from joblib.externals.loky import get_reusable_executor

from sere_nb.core import atomic_path, provenance
from sere_nb.data import load_corpus
from sere_nb.features import extract
from sere_nb.irf import ResonanceClassifier
from sere_nb.metrics import confusion
from sere_nb.report import best_method, default_baseline, plot_study, statistics
from sere_nb.study import COLUMNS, METHODS, run_study
from sere_nb.tasks import few_shot, make_task

RESULTS = Path(__file__).resolve().parent.parent / "results"
NAMES = ["emodb", "emovo", "ravdess", "nemo"]
MAPPED = ("emodb", "emovo")  # the pair whose maps are drawn


def save(sheet, stem, **origin):
    "A table and where it comes from, side by side."
    with atomic_path(RESULTS / f"{stem}.csv") as path:
        sheet.to_csv(path, index=False, float_format="%.6f")
    if origin:
        with atomic_path(RESULTS / f"{stem}.json") as path:
            path.write_text(
                json.dumps(provenance(script="benchmarks/matrix.py", corpora=NAMES, **origin), indent=1)
                + "\n",
                encoding="utf-8",
            )


def confusions(results, method):
    "Mean confusion of one method per task, a row per pair of emotions."
    rows = []
    for (source, target), group in results[results.method == method].groupby(
        ["source", "target"], sort=False
    ):
        mean = np.mean(
            [confusion(row.truth, row.probabilities.argmax(1), row.classes) for row in group.itertuples()],
            axis=0,
        )
        emotions = group.emotions.iloc[0]
        rows += [
            dict(
                source=source,
                target=target,
                method=method,
                spoken=emotions[i],
                recognised=emotions[j],
                share=share,
            )
            for (i, j), share in np.ndenumerate(mean)
        ]
    return pd.DataFrame(rows)


def flat(X, seed=0):
    "Two coordinates that keep neighbours together: t-SNE of the first principal components."
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    X = PCA(min(30, *X.shape), random_state=seed).fit_transform(X)
    return TSNE(perplexity=30, init="pca", random_state=seed).fit_transform(X)


def maps(tables, features, encoder):
    "Utterances of one pair as points: raw features, normalised per speaker, and organised by the field from five labels per emotion."
    source, target = (tables[name] for name in MAPPED)
    raw = [extract(table, features=features, encoder=encoder) for table in (source, target)]
    everything, truth, rows = make_task(source, raw[0], target, raw[1], "none")
    normal = make_task(source, raw[0], target, raw[1], "speaker")[0]
    task = few_shot(normal, rows, source, 5, 0)
    X = np.vstack([task.source_X, task.target_X])
    model = ResonanceClassifier().fit(
        X,
        np.concatenate([task.source_y, np.full(len(truth), -1)]),
        speakers=np.concatenate([task.source_speaker, task.target_speaker]).astype(str),
        corpora=np.repeat([0, 1], [len(task.source_X), len(task.target_X)]),
    )
    raw_X = np.vstack([everything.source_X, everything.target_X])
    stages = {
        "raw": raw_X / np.where(raw_X.std(axis=0) > 0, raw_X.std(axis=0), 1),
        "normalised": X,
        "organised": np.log(np.clip(model.label_distributions_, 1e-6, None)),
    }
    known = pd.DataFrame(
        {
            "corpus": np.repeat(MAPPED, [len(task.source_X), len(truth)]),
            "emotion": np.array(task.classes)[np.concatenate([everything.source_y, truth])],
            "labelled": np.concatenate([task.source_y >= 0, np.zeros(len(truth), bool)]),
        }
    )
    return pd.concat(
        [
            known.assign(stage=stage, x=points[:, 0], y=points[:, 1])
            for stage, points in ((stage, flat(Z)) for stage, Z in stages.items())
        ]
    )


def measure(tables, options):
    "The matrix, its statistics, confusions, maps and picture."
    with tempfile.TemporaryDirectory() as scratch:
        results = run_study(
            tables,
            features=options.features,
            encoder=options.encoder,
            draws=options.draws,
            folder=options.work or scratch,
            resume=True,
            jobs=options.jobs,
        )
    best, baseline, stem = best_method(results), default_baseline(METHODS), f"matrix_{options.features}"
    save(
        results[COLUMNS],
        stem,
        features=options.features,
        encoder=options.encoder,
        norm="speaker",
        shots=5,
        draws=options.draws,
        seeds=f"draw numbers 0 to {options.draws - 1}",
        baseline=baseline,
        setting="defaults of every method",
    )
    for name, sheet in {
        **statistics(results, baseline),
        "confusion": confusions(results, best),
        "maps": maps(tables, options.features, options.encoder),
    }.items():
        save(sheet, f"{stem}_{name}")
    with atomic_path(RESULTS / f"{stem}.png") as path:
        plot_study(results, baseline).savefig(path, format="png", dpi=90)
    print(len(results), "rows;", results.groupby("method", sort=False).uar.mean().mul(100).round(1).to_dict())


def asleep(task):
    "A method that takes 50 ms and no processor."
    time.sleep(0.05)
    return np.full((len(task.target_X), len(task.classes)), 1 / len(task.classes))


def processor_seconds():
    "Processor time of this process and of its ended children; the worker processes are ended for that."
    get_reusable_executor().shutdown(wait=True)
    return sum(os.times()[:4])


def clocked(tables, study, **options):
    "Wall and processor seconds of a study whose workers and features are there, what its jobs took by their own clocks, and the load of the machine."
    with tempfile.TemporaryDirectory() as folder:
        run_study(
            tables,
            methods={"asleep": (asleep, "source-shots")},
            pairs=[MAPPED],
            features="prosody",
            draws=4,
            folder=Path(folder) / "warm",
            **options,
        )
        start, before = time.perf_counter(), sum(os.times()[:4])
        results = run_study(tables, features="prosody", folder=Path(folder) / "timed", **study, **options)
        wall, load = time.perf_counter() - start, os.getloadavg()[0]
        return dict(
            **options,
            wall_seconds=wall,
            job_seconds=results.seconds.sum(),
            processor_seconds=processor_seconds() - before,
            load=load,
        )


def speed(tables, draws, repeats):
    "Gain of two processes, cost of a job beside its own time, memory of the workers. Where other work loads the machine, believe the processor time and not the wall."
    studies = {
        f"12 tasks, {draws} draws, 8 methods": dict(draws=draws),
        "1000 jobs of 50 ms": dict(methods={"asleep": (asleep, "source-shots")}, pairs=[MAPPED], draws=1000),
    }
    table = pd.DataFrame(
        [
            dict(study=name, repeat=repeat, **clocked(tables, study, jobs=jobs))
            for repeat in range(repeats)
            for name, study in studies.items()
            for jobs in (1, 2)
        ]
    )
    table["overhead"] = table.wall_seconds / (table.job_seconds / table.jobs) - 1
    table["largest_worker_mib"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    save(table, "matrix_speed", features="prosody", cores=os.cpu_count(), draws=draws, repeats=repeats)
    print(table.round(3).to_string())


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpora", type=Path, required=True)
    parser.add_argument("--features", default="both", choices=["prosody", "encoder", "both"])
    parser.add_argument("--encoder", default="bundled")
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument(
        "--work", type=Path, help="folder for finished jobs, to go on with after an interruption"
    )
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    tables = {name: load_corpus(name, options.corpora / name) for name in NAMES}
    if options.speed:
        speed(tables, options.draws, options.repeats)
    else:
        measure(tables, options)


if __name__ == "__main__":
    main()
