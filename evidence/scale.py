#!/usr/bin/env python3
"""What SERE costs: time and memory of one task, and how both grow with unlabelled speech.

    python evidence/scale.py --corpora FOLDER [--features both] [--methods selftrain field sere]

Every run is a process of its own on one thread; memory is the largest resident size of the process, and
what the method added to it. Rows with `real` true are tasks as they are (four of the twelve, each
corpus once source and once target); the others draw target utterances of the first pair again, with
replacement, and add Gaussian noise of 0.3 standard deviations to each feature. Speakers stay as they
are, so that the larger targets have few speakers with many utterances each."""

import json
import os
import resource
import subprocess
import sys
from dataclasses import replace
from time import perf_counter

import numpy as np
import pandas as pd
from common import Corpora, arguments, parsed, save

from sere_nb.base.core import generator
from sere_nb.study.study import METHODS
from sere_nb.tasks.tasks import answer, score

REAL = [("emodb", "nemo"), ("emovo", "ravdess"), ("ravdess", "emodb"), ("nemo", "emovo")]
MEASURES = ("processor_seconds", "added_mib")


def peak():
    "Largest resident size of this process so far, MiB."
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def enlarged(task, truth, size):
    "The task with `size` target utterances: real ones, and noisy copies of them."
    rows = generator("scale", size).integers(0, len(truth), size)
    noise = generator("scale noise", size).normal(0, 0.3, (size, task.target_X.shape[1]))
    X = (task.target_X[rows] + noise * task.target_X.std(axis=0)).astype(np.float32)
    return replace(task, target_X=X, target_speaker=task.target_speaker[rows]), truth[rows]


def measured(options):
    "One run, in this process."
    kind, source, target, size, method = options.one
    norm = METHODS[method].norm or options.norm  # what the method asks for
    pair, size = Corpora(options).pair(kind, source, target, norm), int(size)
    task, truth = pair.draw(5, 0), pair.truth
    if size:
        task, truth = enlarged(task, truth, size)
    before, start, own = peak(), perf_counter(), os.times()
    said = answer(METHODS[method], task)
    used, seconds = os.times(), perf_counter() - start
    row = dict(features=kind, width=task.target_X.shape[1], source=source, target=target, method=method)
    row.update(source_size=len(task.source_X), target_size=len(truth), seconds=seconds)
    row.update(processor_seconds=used.user + used.system - own.user - own.system)
    return dict(row, peak_mib=peak(), added_mib=peak() - before, uar=score(truth, said)["uar"], real=not size)


def run(job):
    "The row of one run in a process of its own."
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [sys.executable, __file__, *sys.argv[1:], "--one", *map(str, job)]
    done = subprocess.run(command, env={**os.environ, **threads}, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{job} failed with {done.returncode}: {done.stderr.strip().splitlines()[-1:]}")
    row = json.loads(done.stdout.splitlines()[-1])
    print(
        {key: round(value, 2) if isinstance(value, float) else value for key, value in row.items()},
        flush=True,
    )
    return row


def growth(rows):
    "Exponents of growth, over all sizes and over the last step."
    for (kind, method), part in rows[~rows.real].groupby(["features", "method"], sort=False):
        total, row = np.log(part.source_size + part.target_size), dict(features=kind, method=method)
        for what in MEASURES:
            size = np.log(part[what].clip(lower=0.1))
            row[f"{what}_exponent"] = np.polyfit(total, size, 1)[0]
            row[f"{what}_exponent_of_last_step"] = np.diff(size)[-1] / np.diff(total)[-1]
        yield row


def main():
    "Measure, and write."
    parser = arguments(__doc__, draws=1, features=("both",))
    parser.add_argument("--methods", nargs="+", default=["selftrain", "field", "sere"])
    parser.add_argument("--sizes", nargs="+", type=int, default=[1000, 5000, 20_000, 50_000])
    parser.add_argument(
        "--one", nargs=5, help="for the script's own use: features, source, target, size, method"
    )
    options = parsed(parser)
    if options.one:
        return print(json.dumps(measured(options)))
    pairs, sizes = (REAL, options.sizes) if options.writes else ([options.names[:2]], [500, 1000])
    runs = [(*pair, 0) for pair in pairs] + [(*pairs[0], size) for size in sizes]
    jobs = [(kind, *one, method) for kind in options.features for one in runs for method in options.methods]
    rows = pd.DataFrame([run(job) for job in jobs])
    grown = pd.DataFrame(growth(rows))
    print(grown.round(2).to_string())
    save("scale", {"cost": rows, "growth": grown}, options, threads=1)


if __name__ == "__main__":
    main()
