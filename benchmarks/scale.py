#!/usr/bin/env python3
"""What SERE costs: time and memory of one task, and how both grow with unlabelled speech. Writes results/scale.csv and results/scale_growth.csv.

    python benchmarks/scale.py --corpora ../shared/corpora [--features both] [--methods sere selftrain]

Every run is a process of its own on one thread; memory is the largest resident size of the process, and what the method added to it. Rows with
`real` true are tasks as they are (four of the twelve, each corpus once source and once target); the others draw target utterances of EMO-DB → nEMO again, with replacement, and
add Gaussian noise of 0.3 standard deviations to each feature. Speakers stay as they are, so that the larger targets have nine speakers with many utterances each.
"""

import json
import os
import resource
import subprocess
import sys
from dataclasses import replace
from time import perf_counter

import numpy as np
import pandas as pd
from common import Corpora, arguments, save

from sere_nb.core import generator
from sere_nb.metrics import uar
from sere_nb.study import METHODS

REAL = [("emodb", "nemo"), ("emovo", "ravdess"), ("ravdess", "emodb"), ("nemo", "emovo")]


def peak():
    "Largest resident size of this process so far, MiB."
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def enlarged(task, truth, size):
    "The task with `size` target utterances: real ones, and noisy copies of them."
    rows = generator("scale", size).integers(0, len(truth), size)
    noise = generator("scale noise", size).normal(0, 0.3, (size, task.target_X.shape[1]))
    return replace(
        task,
        target_X=(task.target_X[rows] + noise * task.target_X.std(axis=0)).astype(np.float32),
        target_speaker=task.target_speaker[rows],
    ), truth[rows]


def measure(options):
    "One run, in this process: printed as JSON."
    kind, source, target, size, method = options.one
    task, truth = Corpora(options).task(kind, source, target, 0)
    if int(size):
        task, truth = enlarged(task, truth, int(size))
    before, start, own = peak(), perf_counter(), os.times()
    probabilities = METHODS[method][0](task)
    used = os.times()
    print(
        json.dumps(
            dict(
                features=kind,
                width=task.target_X.shape[1],
                source=source,
                target=target,
                method=method,
                source_size=len(task.source_X),
                target_size=len(truth),
                seconds=perf_counter() - start,
                processor_seconds=used.user + used.system - own.user - own.system,
                peak_mib=peak(),
                added_mib=peak() - before,
                uar=uar(truth, probabilities.argmax(axis=1)),
                real=not int(size),
            )
        )
    )


def main():
    parser = arguments(__doc__, draws=1, features=("whisper-tiny+prosody",))
    parser.add_argument("--methods", nargs="+", default=["sere"])
    parser.add_argument("--sizes", nargs="+", type=int, default=[1000, 5000, 20_000, 50_000])
    parser.add_argument(
        "--one", nargs=5, help="for the script's own use: features, source, target, size, method"
    )
    options = parser.parse_args()
    if options.one:
        return measure(options)
    one = {**os.environ, **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")}
    jobs = [
        (kind, *pair, 0, method) for kind in options.features for pair in REAL for method in options.methods
    ]
    jobs += [
        (kind, "emodb", "nemo", size, method)
        for kind in options.features
        for size in options.sizes
        for method in options.methods
    ]
    rows = []
    for job in jobs:
        done = subprocess.run(
            [sys.executable, __file__, *sys.argv[1:], "--one", *map(str, job)],
            env=one,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise SystemExit(f"{job} failed with {done.returncode}: {done.stderr.strip().splitlines()[-1:]}")
        rows.append(json.loads(done.stdout.splitlines()[-1]))
        print(
            {key: round(value, 2) if isinstance(value, float) else value for key, value in rows[-1].items()},
            flush=True,
        )
    rows = pd.DataFrame(rows)
    grown = []
    for (kind, method), part in rows[~rows.real].groupby(["features", "method"], sort=False):
        total = np.log(part.source_size + part.target_size)
        grown.append(
            dict(
                features=kind,
                method=method,
                **{
                    f"{what}_exponent": np.polyfit(total, np.log(part[what].clip(lower=0.1)), 1)[0]
                    for what in ("processor_seconds", "added_mib")
                },
                **{
                    f"{what}_exponent_of_last_step": np.diff(np.log(part[what].clip(lower=0.1)))[-1]
                    / np.diff(total)[-1]
                    for what in ("processor_seconds", "added_mib")
                },
            )
        )
    print(pd.DataFrame(grown).round(2).to_string())
    origin = dict(
        encoder=options.encoder, norm=options.norm, shots=5, draw=0, threads=1, features=options.features
    )
    save(rows, "scale", "scale.py", **origin)
    save(grown, "scale_growth", "scale.py", **origin)


if __name__ == "__main__":
    main()
