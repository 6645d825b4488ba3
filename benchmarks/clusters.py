#!/usr/bin/env python3
"""Do target utterances cluster by emotion, and do they still when the field is removed? What can be read from each representation: emotion, speaker, corpus.
Writes results/clusters_FEATURES.csv (one row per task, draw, representation) and results/clusters_FEATURES_map.csv (2-D maps of one task).

    python benchmarks/clusters.py --corpora ../shared/corpora [--features both] [--draws 3] [--map emodb emovo]

Representations of source and target utterances together, in the order in which the method makes them:
  untouched     features as measured, scaled over both corpora together: before speaker normalisation
  normalised    the same, normalised per speaker: what every method is given
  whitened      principal axes, partly whitened
  resonance     coordinates whose dot products are the resonance; still no label, no field
  logreg        log probabilities of logistic regression on the five labels per emotion: no field, no unlabelled speech
  selftrain     log probabilities of self-training
  one round     log beliefs after one round of the field in each stage: labels have spread, nothing has organised itself
  field         log beliefs of the whole method
The first four have seen no label, and are the same for every draw. The last four have as many numbers per utterance as there are emotions, and have seen five labels per emotion
of the source; none has seen a label of the target. Random clusters give 0 in `nmi` (adjusted for chance), purity equals `chance_*`.

Measures, on target utterances: `nmi_*` adjusted mutual information between k-means clusters, as many as emotions, and emotions or speakers; `silhouette_*` of the true groups;
`purity_*` share of the 10 nearest neighbours that are of the same emotion or speaker. The same for `corpus` on both corpora together (two clusters; each side equally many).
`probe_*`: balanced accuracy of a linear (ridge) classifier, five-fold cross-validated (speaker and corpus: random folds; emotion: no speaker on both sides), and `chance_*` of
each. A probe can fall below chance: where every speaker's mean is exactly zero, the mean of the utterances left out is opposite to that of those learned from.
"""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
from common import PAIRS, Corpora, arguments, save
from inductive import resonance_model
from sklearn.cluster import KMeans
from sklearn.linear_model import RidgeClassifier
from sklearn.manifold import TSNE
from sklearn.metrics import adjusted_mutual_info_score, balanced_accuracy_score, silhouette_score
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_predict
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sere_nb.baselines import logreg, selftrain
from sere_nb.core import generator


def without_labels(corpora, kind, source, target, task):
    "Representations that no label has shaped: (source, target) of each."
    sides = []
    for name in (source, target):
        table = corpora.tables[name]
        sides.append(corpora.features(kind, name)[np.flatnonzero(table.emotion.isin(task.classes))])
    untouched = StandardScaler().fit_transform(np.nan_to_num(np.vstack(sides)))
    n, model = len(task.source_X), resonance_model(task)
    X = np.vstack([task.source_X, task.target_X])
    for name, Z in {
        "untouched": untouched,
        "normalised": X,
        "whitened": (X - model.mean_) @ model.axes_,
        "resonance": model._coordinates(X)[:, :-1],
    }.items():
        yield name, Z[:n], Z[n:]


def with_labels(task):
    "Log probabilities with and without the field: (source, target) of each."
    n, log = len(task.source_X), lambda table: np.log(np.maximum(table, 1e-6))
    whole = replace(task, target_X=np.vstack([task.source_X, task.target_X]))
    yield "logreg", *np.split(log(logreg(whole)), [n])
    yield "selftrain", None, log(selftrain(task))  # it speaks of the target only
    for name, setting in {"one round": dict(rounds=1), "field": {}}.items():
        yield name, *np.split(log(resonance_model(task, **setting).label_distributions_), [n])


def purity(Z, groups, neighbours=10):
    "Share of the nearest neighbours that belong to the same group."
    near = NearestNeighbors(n_neighbors=neighbours + 1).fit(Z).kneighbors(Z, return_distance=False)[:, 1:]
    return float(np.mean(groups[near] == groups[:, None]))


def clusters(Z, groups, count):
    "Adjusted mutual information of k-means clusters and groups."
    return adjusted_mutual_info_score(groups, KMeans(count, n_init=3, random_state=0).fit_predict(Z))


def probe(Z, groups, speakers=None):
    "How well a straight cut tells the groups, cross-validated; with `speakers`, none is on both sides."
    split = (
        StratifiedKFold(5, shuffle=True, random_state=0)
        if speakers is None
        else StratifiedGroupKFold(min(5, len(set(speakers))))
    )
    judge = make_pipeline(StandardScaler(), RidgeClassifier(alpha=100.0, class_weight="balanced"))
    return balanced_accuracy_score(groups, cross_val_predict(judge, Z, groups, groups=speakers, cv=split))


def chance(groups):
    "Purity of neighbours drawn at random."
    return float(np.sum((np.unique(groups, return_counts=True)[1] / len(groups)) ** 2))


def described(source, target, truth, speaker, probes):
    "All measures of one representation."
    kinds, row = {"emotion": truth, "speaker": np.unique(speaker, return_inverse=True)[1]}, {}
    for name, groups in kinds.items():
        row |= {
            f"nmi_{name}": clusters(target, groups, len(np.unique(truth))),
            f"silhouette_{name}": silhouette_score(target, groups),
            f"purity_{name}": purity(target, groups),
            f"chance_purity_{name}": chance(groups),
        }
    if probes:
        row |= {
            "probe_emotion": probe(target, truth, speaker),
            "probe_speaker": probe(target, kinds["speaker"]),
            "chance_probe_emotion": 1 / len(np.unique(truth)),
            "chance_probe_speaker": 1 / len(np.unique(speaker)),
        }
    if source is None:
        return row
    size = min(len(source), len(target))  # as many of each, so that chance is one half
    pick = [generator("clusters", len(part)).permutation(len(part))[:size] for part in (source, target)]
    Z, side = np.vstack([source[pick[0]], target[pick[1]]]), np.repeat([0, 1], size)
    row |= {
        "nmi_corpus": clusters(Z, side, 2),
        "silhouette_corpus": silhouette_score(Z, side),
        "purity_corpus": purity(Z, side),
        "chance_purity_corpus": 0.5,
    }
    return row | ({"probe_corpus": probe(Z, side), "chance_probe_corpus": 0.5} if probes else {})


def run(corpora, kind, draws):
    "One row per task, draw and representation; those without labels on draw 0 only, probes on draw 0 only."
    for source, target in PAIRS:
        for draw in range(draws):
            task, truth = corpora.task(kind, source, target, draw)
            free = without_labels(corpora, kind, source, target, task) if draw == 0 else ()
            for stage, representations in (("no label", free), ("labels", with_labels(task))):
                for name, first, second in representations:
                    yield dict(
                        source=source,
                        target=target,
                        draw=draw,
                        representation=name,
                        shaped_by=stage,
                        width=second.shape[1],
                        **described(first, second, truth, task.target_speaker, draw == 0),
                    )


def maps(corpora, kind, source, target):
    "t-SNE of target utterances in four representations, one row per utterance."
    task, truth = corpora.task(kind, source, target, 0)
    shown = {
        name: Z
        for name, _, Z in without_labels(corpora, kind, source, target, task)
        if name in ("normalised", "resonance")
    }
    shown |= {name: Z for name, _, Z in with_labels(task) if name in ("logreg", "field")}
    table = pd.DataFrame(
        dict(source=source, target=target, emotion=np.array(task.classes)[truth], speaker=task.target_speaker)
    )
    for name, Z in shown.items():
        places = TSNE(init="pca", perplexity=30, random_state=0).fit_transform(Z.astype(np.float32))
        table[f"{name} x"], table[f"{name} y"] = places.T.round(2)
    return table


def main():
    parser = arguments(__doc__, draws=3, features=("whisper-tiny+prosody",))
    parser.add_argument("--map", nargs=2, default=["emodb", "emovo"], metavar=("SOURCE", "TARGET"))
    options = parser.parse_args()
    corpora = Corpora(options)
    warnings.filterwarnings("ignore", message=".*fell into one class")
    for kind in options.features:
        rows = pd.DataFrame(run(corpora, kind, options.draws))
        print(
            kind,
            rows.groupby("representation", sort=False)
            .mean(numeric_only=True)
            .drop(columns=["draw"])
            .round(3)
            .T.to_string(),
            sep="\n",
            flush=True,
        )
        origin = dict(
            features=kind,
            encoder=options.encoder,
            norm=options.norm,
            shots=5,
            draws=options.draws,
            seeds=f"draw numbers 0 to {options.draws - 1}",
        )
        save(rows, f"clusters_{kind}", "clusters.py", **origin)
        save(
            maps(corpora, kind, *options.map),
            f"clusters_{kind}_map",
            "clusters.py",
            **origin,
            map=options.map,
        )


if __name__ == "__main__":
    main()
