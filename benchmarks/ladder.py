#!/usr/bin/env python3
"""The ladder on real recordings: 12 ordered tasks among four corpora, every method, every feature set. Writes results/ladder_FEATURES.csv.

    python benchmarks/ladder.py --corpora ../shared/corpora --features prosody encoder both [--norm corpus] [--draws 20] [--jobs 2]
    python benchmarks/ladder.py --corpora ../shared/corpora --features egemaps whisper-tiny --whisper ../shared/tools/whisper_tiny.py

The second line measures yardsticks, which are no part of the package: openSMILE's eGeMAPS functionals (`pip install opensmile`, research licence) and
Whisper-tiny's encoder, mean of the active frames of layers 1 and 2 (`--whisper` names the script that loads it).
"""

import argparse
import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from sere_nb.audio import read_audio
from sere_nb.baselines import run_task
from sere_nb.core import atomic_path, progress, provenance
from sere_nb.data import load_corpus
from sere_nb.features import extract
from sere_nb.study import COLUMNS

RESULTS = Path(__file__).resolve().parent.parent / "results"
NAMES = ["emodb", "emovo", "ravdess", "nemo"]


def egemaps(table):
    "88 functionals of openSMILE's eGeMAPSv02."
    import opensmile

    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    return np.stack(
        [
            smile.process_signal(read_audio(path), 16_000).to_numpy()[0]
            for path in progress(table.path, "eGeMAPS")
        ]
    )


def whisper(module):
    "Mean of the active frames of Whisper-tiny's layers 1 and 2, by the functions of a loading script."
    from sere_nb.encode import activity

    spec = importlib.util.spec_from_file_location("whisper_tiny", module)
    loader = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loader)
    encoder = loader.load()

    def pooled(path):
        waveform = read_audio(path)
        frames = np.mean(loader.hidden_states(encoder, waveform)[1:3], axis=0)
        active = activity(waveform)
        length = min(len(frames), len(active))
        return frames[:length][active[:length]].mean(axis=0)

    return lambda table: np.stack([pooled(path) for path in progress(table.path, "Whisper-tiny")])


def run_pair(source, target, tables, features, label, draws, norm):
    "All rows of one ordered pair, without what rides along."
    rows = pd.DataFrame(
        run_task(tables[source], features[source], tables[target], features[target], draws=draws, norm=norm)
    )
    return rows.assign(encoder=label)[COLUMNS]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpora", type=Path, required=True)
    parser.add_argument("--features", nargs="*", default=["prosody", "encoder", "both"])
    parser.add_argument("--encoder", default="bundled")
    parser.add_argument("--whisper", type=Path, help="script that loads Whisper-tiny")
    parser.add_argument("--norm", default="speaker")
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    tables = {name: load_corpus(name, options.corpora / name) for name in NAMES}
    for name in options.features:
        label = {"prosody": "none", "encoder": options.encoder, "both": f"{options.encoder}+prosody"}.get(
            name, name
        )
        features_of = {
            "egemaps": egemaps,
            "whisper-tiny": whisper(options.whisper) if options.whisper else None,
        }.get(name) or (lambda table: extract(table, features=name, encoder=options.encoder))
        features = {corpus: features_of(table) for corpus, table in tables.items()}
        pairs = [(source, target) for source in NAMES for target in NAMES if source != target]
        rows = pd.concat(
            Parallel(n_jobs=options.jobs)(
                delayed(run_pair)(*pair, tables, features, label, options.draws, options.norm)
                for pair in pairs
            )
        )
        print(name, rows.groupby("method", sort=False).uar.mean().mul(100).round(1).to_dict(), flush=True)
        write(
            rows, f"ladder_{name}" + ("" if options.norm == "speaker" else f"_{options.norm}"), name, options
        )


def write(rows, stem, name, options):
    "Results and where they come from, side by side."
    with atomic_path(RESULTS / f"{stem}.csv") as path:
        rows.to_csv(path, index=False, float_format="%.6f")
    with atomic_path(RESULTS / f"{stem}.json") as path:
        origin = provenance(
            script="benchmarks/ladder.py",
            features=name,
            encoder=options.encoder,
            corpora=NAMES,
            norm=options.norm,
            shots=5,
            draws=options.draws,
            seeds=f"draw numbers 0 to {options.draws - 1}",
        )
        path.write_text(json.dumps(origin, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
