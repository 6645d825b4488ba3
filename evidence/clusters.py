#!/usr/bin/env python3
"""Do target utterances cluster by emotion, and do they still when the field is removed?

    python evidence/clusters.py --corpora FOLDER [--features both] [--draws 3]

Representations of source and target utterances together, in the order in which the method makes them:
  untouched     features as measured, scaled over both corpora together: before speaker normalisation
  normalised    the same, normalised per speaker: what every method is given
  whitened      principal axes, partly whitened
  resonance     coordinates whose dot products are the resonance; still no label, no field
  logreg        log probabilities of logistic regression on the five labels per emotion: no field
  selftrain     log probabilities of self-training
  one round     log beliefs after one round of the field in each stage: nothing has organised itself
  field         log beliefs of the whole method
The first four have seen no label, and are the same for every draw. The last four have as many numbers
per utterance as there are emotions, and have seen five labels per emotion of the source; none has seen
a label of the target.

Measures, on target utterances: `nmi_*` adjusted mutual information between k-means clusters, as many as
emotions, and emotions or speakers; `silhouette_*` of the true groups; `purity_*` share of the 10
nearest neighbours of the same emotion or speaker, beside `chance_*`. The same for `corpus` on both
corpora together (two clusters; each side equally many). `probe_*`: balanced accuracy of a ridge
classifier, five-fold cross-validated (emotion: no speaker on both sides). A probe can fall below
chance: where every speaker's mean is exactly zero, the mean of the utterances left out is opposite to
that of those learned from."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
from common import Corpora, arguments, each_pair, parsed, save
from sklearn.cluster import KMeans
from sklearn.linear_model import RidgeClassifier
from sklearn.manifold import TSNE
from sklearn.metrics import adjusted_mutual_info_score, balanced_accuracy_score, silhouette_score
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_predict
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sere_nb.base.core import generator
from sere_nb.field.irf import resonance_model
from sere_nb.tasks.baselines import logreg, selftrain

MAPPED = ("normalised", "resonance", "logreg", "field")


def without_labels(corpora, kind, source, target, task):
    "Representations that no label has shaped: (source, target) of each."
    raw = corpora.pair(kind, source, target, "none").task.stacked()[0]
    X, model, n = task.stacked()[0], resonance_model(task), len(task.source_X)
    shown = dict(untouched=StandardScaler().fit_transform(raw), normalised=X)
    shown["whitened"] = (X - model.mean_) @ model.axes_
    shown["resonance"] = model._coordinates(X)[:, :-1]
    for name, Z in shown.items():
        yield name, Z[:n], Z[n:]


def _log(table):
    return np.log(np.maximum(table, 1e-6))


def with_labels(task):
    "Log probabilities with and without the field: (source, target) of each."
    n, whole = len(task.source_X), replace(task, target_X=task.stacked()[0])
    yield "logreg", *np.split(_log(logreg(whole)), [n])
    yield "selftrain", None, _log(selftrain(task))  # it speaks of the target only
    for name, setting in {"one round": dict(rounds=1), "field": {}}.items():
        yield name, *np.split(_log(resonance_model(task, **setting).label_distributions_), [n])


def purity(Z, groups, neighbours=10):
    "Share of the nearest neighbours that belong to the same group."
    near = NearestNeighbors(n_neighbors=neighbours + 1).fit(Z).kneighbors(Z, return_distance=False)[:, 1:]
    return float(np.mean(groups[near] == groups[:, None]))


def clusters(Z, groups, count):
    "Adjusted mutual information of k-means clusters and groups."
    return adjusted_mutual_info_score(groups, KMeans(count, n_init=3, random_state=0).fit_predict(Z))


def probe(Z, groups, speakers=None):
    "How well a straight cut tells the groups, cross-validated; with `speakers`, none is on both sides."
    split = StratifiedKFold(5, shuffle=True, random_state=0)
    if speakers is not None:
        split = StratifiedGroupKFold(min(5, len(set(speakers))))
    judge = make_pipeline(StandardScaler(), RidgeClassifier(alpha=100.0, class_weight="balanced"))
    return balanced_accuracy_score(groups, cross_val_predict(judge, Z, groups, groups=speakers, cv=split))


def chance(groups):
    "Purity of neighbours drawn at random."
    return float(np.sum((np.unique(groups, return_counts=True)[1] / len(groups)) ** 2))


def of_target(Z, truth, speakers, probes):
    "Measures of the target's utterances."
    kinds, row = {"emotion": truth, "speaker": np.unique(speakers, return_inverse=True)[1]}, {}
    for name, groups in kinds.items():
        row[f"nmi_{name}"] = clusters(Z, groups, len(np.unique(truth)))
        row[f"silhouette_{name}"] = silhouette_score(Z, groups)
        row[f"purity_{name}"] = purity(Z, groups)
        row[f"chance_purity_{name}"] = chance(groups)
    if probes:
        row["probe_emotion"] = probe(Z, truth, speakers)
        row["probe_speaker"] = probe(Z, kinds["speaker"])
        row.update({f"chance_probe_{name}": 1 / len(np.unique(groups)) for name, groups in kinds.items()})
    return row


def of_both(source, target, probes):
    "Can the two corpora be told apart? As many utterances of each, so that chance is one half."
    size = min(len(source), len(target))
    parts = [
        part[generator("clusters", len(part)).permutation(len(part))[:size]] for part in (source, target)
    ]
    Z, side = np.vstack(parts), np.repeat([0, 1], size)
    row = dict(nmi_corpus=clusters(Z, side, 2), silhouette_corpus=silhouette_score(Z, side))
    row.update(purity_corpus=purity(Z, side), chance_purity_corpus=0.5)
    return {**row, "probe_corpus": probe(Z, side), "chance_probe_corpus": 0.5} if probes else row


def rows_of(corpora, kind, source, target):
    "One row per draw and representation; those without labels, and probes, on draw 0 only."
    pair = corpora.pair(kind, source, target)
    for draw in range(corpora.options.draws):
        task, first = pair.draw(5, draw), draw == 0
        free = without_labels(corpora, kind, source, target, task) if first else ()
        for stage, representations in (("no label", free), ("labels", with_labels(task))):
            for name, near, far in representations:
                told = dict(source=source, target=target, draw=draw, representation=name, shaped_by=stage)
                told.update(width=far.shape[1], **of_target(far, pair.truth, task.target_speaker, first))
                yield told if near is None else {**told, **of_both(near, far, first)}


def maps(corpora, kind):
    "t-SNE of the first pair's target utterances in four representations, one row per utterance."
    source, target = corpora.pairs[0]
    pair = corpora.pair(kind, source, target)
    task = pair.draw(5, 0)
    every = [*without_labels(corpora, kind, source, target, task), *with_labels(task)]
    told = dict(emotion=np.array(task.classes)[pair.truth], speaker=task.target_speaker)
    table = pd.DataFrame(dict(source=source, target=target, **told))
    for name, _, Z in every:
        if name in MAPPED:
            places = TSNE(init="pca", perplexity=30, random_state=0).fit_transform(Z.astype(np.float32))
            table[f"{name} x"], table[f"{name} y"] = places.T.round(2)
    return table


def main():
    "Measure, and write."
    options = parsed(arguments(__doc__, draws=3, features=("both",)))
    corpora = Corpora(options)
    warnings.filterwarnings("ignore", message=".*fell into one class")
    for kind in options.features:
        rows = each_pair(corpora, kind, lambda *names, kind=kind: rows_of(corpora, kind, *names))
        means = rows.groupby("representation", sort=False).mean(numeric_only=True).drop(columns="draw")
        print(kind, means.round(3).T.to_string(), sep="\n", flush=True)
        save("clusters", {kind: rows, f"{kind}_map": maps(corpora, kind)}, options, features=kind)


if __name__ == "__main__":
    main()
