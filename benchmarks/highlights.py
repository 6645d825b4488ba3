#!/usr/bin/env python3
"""Which frames should speak for an utterance? The same resonance field behind different poolings of the encoder's frames. Writes results/highlights_encoder.csv.

    python benchmarks/highlights.py --corpora ../shared/corpora [--encoder bundled] [--draws 10]

12 ordered tasks, 5 shots, speaker normalisation. `moments-kernel` does not pool: resonance between two utterances is the mean resonance of all pairs of their moments.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
from ladder import NAMES, RESULTS

from sere_nb.audio import read_audio
from sere_nb.core import atomic_path, progress, provenance
from sere_nb.data import load_corpus
from sere_nb.features import extract_frames
from sere_nb.highlights import dynamics, fitted, highlight_pool, intensity, moments
from sere_nb.irf import ResonanceClassifier, resonance_coordinates, sere
from sere_nb.metrics import uar
from sere_nb.tasks import few_shot, make_task

MOMENTS = 4


def loudest(tracks, active, share=0.2):
    "The loudest active frames, all alike."
    level = np.where(active, tracks[:, 0], -np.inf)
    return (
        (level >= np.quantile(level[active], 1 - share)).astype(float)
        if active.any()
        else np.ones(len(level))
    )


POOLINGS = {
    "active": lambda tracks, active: active.astype(float),
    "all frames": lambda tracks, active: np.ones(len(active)),
    "loudest fifth": loudest,
    "loudness": lambda tracks, active: intensity(tracks, active, (0.5, 0, 0)),
    "loudness change": lambda tracks, active: intensity(tracks, active, (0, 0.5, 0)),
    "timbre change": lambda tracks, active: intensity(tracks, active, (0, 0, 0.5)),
    "rule": intensity,
}


class MomentField(ResonanceClassifier):
    "The field with the kernel of moments: an utterance's coordinates are the mean of those of its moments, which is positive by construction."

    def _coordinates(self, X):
        pieces = X.reshape(len(X), MOMENTS, -1)
        flat = (pieces.reshape(-1, pieces.shape[2]) - self.mean_) @ self.axes_
        return (
            resonance_coordinates(flat, self.landmarks_, self.bandwidth_)
            .reshape(len(X), MOMENTS, -1)
            .mean(axis=1)
        )

    def _whiten(self, X):
        super()._whiten(X.reshape(len(X) * MOMENTS, -1))


def by_moments(task):
    "`irf.sere` with the kernel of moments."
    model = MomentField().fit(
        np.vstack([task.source_X, task.target_X]),
        np.concatenate([task.source_y, np.full(len(task.target_X), -1)]),
        speakers=np.concatenate([task.source_speaker, task.target_speaker]).astype(str),
        corpora=np.repeat([0, 1], [len(task.source_X), len(task.target_X)]),
    )
    return model.label_distributions_[len(task.source_X) :]


def features_of(table, encoder):
    "name of pooling -> (n, F), and the moments side by side, (n, M · D)."
    rows = {name: [] for name in [*POOLINGS, "moments-kernel"]}
    for path, (frames, _) in zip(progress(table.path, "pooling"), extract_frames(table, encoder)):
        tracks, active = fitted(*dynamics(read_audio(path)), len(frames))
        for name, strength in POOLINGS.items():
            rows[name].append(highlight_pool(frames, strength(tracks, active)))
        vectors, shares, _ = moments(frames, active.astype(float), MOMENTS)
        rows["moments-kernel"].append(
            np.where(shares[:, None] > 0, vectors, highlight_pool(frames, active.astype(float))).ravel()
        )
    return {name: np.stack(value) for name, value in rows.items()}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpora", type=Path, required=True)
    parser.add_argument("--encoder", default="bundled")
    parser.add_argument("--draws", type=int, default=10)
    options = parser.parse_args()
    tables = {name: load_corpus(name, options.corpora / name) for name in NAMES}
    features = {name: features_of(table, options.encoder) for name, table in tables.items()}
    rows = []
    for source, target in progress(
        [(source, target) for source in NAMES for target in NAMES if source != target], "tasks"
    ):
        for name in features[source]:
            task, truth, kept = make_task(
                tables[source], features[source][name], tables[target], features[target][name]
            )
            for draw in range(options.draws):
                guess = (by_moments if name == "moments-kernel" else sere)(
                    few_shot(task, kept, tables[source], 5, draw)
                ).argmax(axis=1)
                rows.append(
                    {
                        "source": source,
                        "target": target,
                        "draw": draw,
                        "method": name,
                        "uar": uar(truth, guess),
                        "labels_used": "source-shots",
                    }
                )
    results = pd.DataFrame(rows)
    print(results.groupby("method", sort=False).uar.mean().mul(100).round(1).to_dict())
    with atomic_path(RESULTS / "highlights_encoder.csv") as path:
        results.to_csv(path, index=False, float_format="%.6f")
    with atomic_path(RESULTS / "highlights_encoder.json") as path:
        origin = provenance(
            script="benchmarks/highlights.py",
            encoder=options.encoder,
            corpora=NAMES,
            norm="speaker",
            shots=5,
            draws=options.draws,
            seeds=f"draw numbers 0 to {options.draws - 1}",
        )
        path.write_text(json.dumps(origin, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
