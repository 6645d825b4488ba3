#!/usr/bin/env python3
"""Every method on every ordered pair of corpora: the ladder, the field and the network, with statistics,
confusions and maps.

    python evidence/matrix.py --corpora FOLDER [--features prosody encoder both] [--jobs 2] [--work FOLDER]
    python evidence/matrix.py --corpora FOLDER --features whisper-tiny whisper-tiny+prosody --whisper SCRIPT

One setting for all tasks and features: the defaults of every method. Those of `ResonanceClassifier`
were chosen on draws 100 to 104 of these same tasks, with Whisper-tiny and eGeMAPS features; the draws
reported here had no part in it."""

import numpy as np
import pandas as pd
from common import HERE, Corpora, arguments, parsed, plain, save, study, told_means

from sere_nb.base.core import atomic_path
from sere_nb.field.irf import resonance_model
from sere_nb.study.report import best_method, default_baseline, plot_study, statistics
from sere_nb.study.study import METHODS
from sere_nb.tasks.metrics import confusion


def confusions(results, method):
    "Mean confusion of one method per task, a row per pair of emotions."
    rows, of_method = [], results[results.method == method]
    for (source, target), group in of_method.groupby(["source", "target"], sort=False):
        each = [confusion(row.truth, row.probabilities.argmax(1), row.classes) for row in group.itertuples()]
        emotions, told = group.emotions.iloc[0], dict(source=source, target=target, method=method)
        for (spoken, recognised), share in np.ndenumerate(np.mean(each, axis=0)):
            names = dict(spoken=emotions[spoken], recognised=emotions[recognised])
            rows.append({**told, **names, "share": share})
    return pd.DataFrame(rows)


def flat(X, seed=0):
    "Two coordinates that keep neighbours together: t-SNE of the first principal components."
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    X = PCA(min(30, *X.shape), random_state=seed).fit_transform(X)
    return TSNE(perplexity=30, init="pca", random_state=seed).fit_transform(X)


def stages(corpora, kind, source, target):
    "Utterances of one pair, (n + m, F) each: raw, normalised, and as the field believes them to be."
    raw = corpora.pair(kind, source, target, "none").task.stacked()[0]
    task = corpora.pair(kind, source, target).draw(5, 0)
    yield "raw", raw / np.where(raw.std(axis=0) > 0, raw.std(axis=0), 1)
    yield "normalised", task.stacked()[0]
    yield "organised", np.log(np.clip(resonance_model(task).label_distributions_, 1e-6, None))


def maps(corpora, kind):
    "Utterances of the first pair as points, at each stage."
    source, target = corpora.pairs[0]
    pair = corpora.pair(kind, source, target)
    sizes = len(pair.source), len(pair.target)
    labelled = pair.draw(5, 0).stacked()[1] >= 0
    emotions = np.array(pair.task.classes)[np.concatenate([pair.task.source_y, pair.truth])]
    known = pd.DataFrame(dict(corpus=np.repeat([source, target], sizes), emotion=emotions, labelled=labelled))
    points = {stage: flat(Z) for stage, Z in stages(corpora, kind, source, target)}
    return pd.concat([known.assign(stage=name, x=Z[:, 0], y=Z[:, 1]) for name, Z in points.items()])


def draw(results, baseline, name):
    "The picture that the first page shows."
    with atomic_path(HERE.parent / "nbs" / "images" / name) as path:
        plot_study(results, baseline).savefig(path, format="png", dpi=90)


def main():
    "Measure, and write."
    options = parsed(arguments(__doc__, features=("prosody", "encoder", "both")))
    corpora, baseline = Corpora(options), default_baseline(METHODS)
    for kind in options.features:
        results = study(corpora, kind, METHODS)
        told_means(results, kind)
        sheets = {**statistics(results, baseline), "confusion": confusions(results, best_method(results))}
        sheets["maps"] = maps(corpora, kind)
        named = {f"{kind}_{name}": sheet for name, sheet in sheets.items()}
        save("matrix", {kind: plain(results), **named}, options, features=kind, baseline=baseline)
        if kind == "both" and options.writes:
            draw(results, baseline, "matrix_both.png")


if __name__ == "__main__":
    main()
