#!/usr/bin/env python3
"""Which frames should speak for an utterance? The same resonance field behind different poolings of the
encoder's frames.

python evidence/highlights.py --corpora FOLDER [--draws 10]

`moments-kernel` does not pool: resonance between two utterances is the mean resonance of all pairs of
their moments."""

from functools import cache

import numpy as np
from common import Corpora, arguments, each_pair, parsed, save, told_means

from sere_nb.base.core import progress
from sere_nb.corpus.audio import read_audio
from sere_nb.encoding.features import extract_frames
from sere_nb.field.highlights import dynamics, fitted, highlight_pool, intensity, moments
from sere_nb.field.irf import FIELD, ResonanceClassifier, resonance_coordinates
from sere_nb.tasks.tasks import Method, prepare, run_task

MOMENTS = 4
KEPT = ("source", "target", "draw", "method", "uar", "labels_used")


def loudest(tracks, active, share=0.2):
    "The loudest active frames, all alike."
    if not active.any():
        return np.ones(len(active))
    level = np.where(active, tracks[:, 0], -np.inf)
    return (level >= np.quantile(level[active], 1 - share)).astype(float)


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
    "The field with the kernel of moments: an utterance's coordinates are the mean of those of its moments."

    def _coordinates(self, X):
        pieces = X.reshape(len(X) * MOMENTS, -1)
        flat = (pieces - self.mean_) @ self.axes_
        coordinates = resonance_coordinates(flat, self.landmarks_, self.bandwidth_)
        return coordinates.reshape(len(X), MOMENTS, -1).mean(axis=1)

    def _whiten(self, X):
        super()._whiten(X.reshape(len(X) * MOMENTS, -1))


def by_moments(task):
    "The field with the kernel of moments."
    X, y, speakers, corpora = task.stacked()
    model = MomentField().fit(X, y, speakers=speakers, corpora=corpora)
    return model.label_distributions_[len(task.source_X) :]


def features_of(table, encoder):
    "name of pooling -> (n, F), and the moments side by side, (n, M · D)."
    rows = {name: [] for name in [*POOLINGS, "moments-kernel"]}
    for path, (frames, _) in zip(progress(table.path, "pooling"), extract_frames(table, encoder)):
        tracks, active = fitted(*dynamics(read_audio(path)), len(frames))
        for name, strength in POOLINGS.items():
            rows[name].append(highlight_pool(frames, strength(tracks, active)))
        vectors, shares, _ = moments(frames, active.astype(float), MOMENTS)
        mean = highlight_pool(frames, active.astype(float))
        rows["moments-kernel"].append(np.where(shares[:, None] > 0, vectors, mean).ravel())
    return {name: np.stack(value) for name, value in rows.items()}


def rows_of(corpora, features, source, target):
    "All rows of one pair."
    for name, X in features(source).items():
        sides = corpora.tables[source], X, corpora.tables[target], features(target)[name]
        method = Method(by_moments, "a kernel of moments") if name == "moments-kernel" else FIELD
        for row in run_task(
            prepare(*sides, corpora.options.norm), {name: method}, draws=corpora.options.draws
        ):
            yield {column: row[column] for column in KEPT}


def main():
    "Measure, and write."
    options = parsed(arguments(__doc__, draws=10, features=("encoder",)))
    corpora = Corpora(options)
    features = cache(lambda name: features_of(corpora.tables[name], corpora.encoder("bundled")))
    results = each_pair(corpora, "encoder", lambda *names: rows_of(corpora, features, *names))
    told_means(results, "encoder")
    save("highlights", {"encoder": results}, options)


if __name__ == "__main__":
    main()
