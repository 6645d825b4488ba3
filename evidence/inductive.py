#!/usr/bin/env python3
"""Speakers who come later: adapt to some speakers of the target, then recognise the others, one utterance
at a time.

python evidence/inductive.py --corpora FOLDER [--features prosody both] [--draws 10]

The target's speakers are split into three folds. A model sees the source (five labels per emotion) and
the unlabelled utterances of two folds; it predicts the third. Scores are over all three folds together,
so that they stand beside the transductive score on the very same utterances. What is assumed of a new
speaker:
  own    means and spreads of that speaker's own unlabelled recordings are known (as everywhere else);
  usual  nothing is known: means and spreads usual among the speakers seen, as `sere predict` has it.
`field-linear` is logistic regression on what the field made of the utterances it saw: a student without
landmarks. `transductive` has seen the utterances themselves, without labels. `own-balanced` is `own`
with equal shares wished for within each new speaker, whose recordings are at hand anyway."""

import warnings
from dataclasses import replace

import numpy as np
from common import Corpora, arguments, each_pair, parsed, save, told_means
from sklearn.linear_model import LogisticRegression

from sere_nb.corpus.data import speaker_folds
from sere_nb.field.irf import resonance_model
from sere_nb.sound.normalise import Normaliser, normalisation_groups
from sere_nb.tasks.baselines import REGULARISATION, balanced, selftrain_model
from sere_nb.tasks.metrics import paired_bootstrap, score_array
from sere_nb.tasks.tasks import score

MODELS, HOW = ("field", "field-linear", "selftrain"), ("transductive", "own", "own-balanced", "usual")
COMPARED = [
    ("field transductive", "field own"),
    ("field own", "field usual"),
    ("field own", "selftrain own"),
    ("field own-balanced", "selftrain own-balanced"),
    ("field usual", "selftrain usual"),
    ("field-linear own", "field own"),
    ("field-linear usual", "selftrain usual"),
]


def models(task):
    "Anything with predict_proba, by name."
    field = resonance_model(task)
    linear = LogisticRegression(C=REGULARISATION, max_iter=500)
    linear.fit(task.stacked()[0], field.transduction_)
    return {"field": field, "field-linear": linear, "selftrain": selftrain_model(task)}


def usual_folds(corpora, kind, pair):
    "(seen, new, features of the new by what is usual among the seen) of each fold."
    table = pair.target.reset_index(drop=True)
    raw = corpora.features(kind, table.corpus.iloc[0])[pair.target.index]
    groups = normalisation_groups(table, corpora.options.norm)
    for seen, new in speaker_folds(table, 3):
        yield seen, new, Normaliser.fit(raw[seen], groups[seen]).apply(raw[new])


def said_by(task, folds):
    "(model, assumption) -> probabilities."
    said = {(name, how): np.zeros((len(task.target_X), len(task.classes))) for name in MODELS for how in HOW}
    for name, whole in models(task).items():
        beliefs = whole.label_distributions_[len(task.source_X) :] if name == "field" else None
        said[name, "transductive"] = whole.predict_proba(task.target_X) if beliefs is None else beliefs
    for seen, new, plain in folds:
        part = replace(task, target_X=task.target_X[seen], target_speaker=task.target_speaker[seen])
        for name, model in models(part).items():
            said[name, "own"][new] = model.predict_proba(task.target_X[new])
            said[name, "usual"][new] = model.predict_proba(plain)
    for name in MODELS:
        for speaker in np.unique(task.target_speaker):
            hers = task.target_speaker == speaker
            said[name, "own-balanced"][hers] = balanced(said[name, "own"][hers])
    return said


def rows_of(corpora, kind, source, target):
    "One row per draw, model and assumption."
    pair = corpora.pair(kind, source, target)
    folds = list(usual_folds(corpora, kind, pair))
    sizes = dict(classes=len(pair.task.classes), target_size=len(pair.target))
    sizes.update(speakers=pair.target.speaker.nunique())
    for draw in range(corpora.options.draws):
        for (model, how), probabilities in said_by(pair.draw(5, draw), folds).items():
            names = dict(method=f"{model} {how}", model=model, assumed=how)
            uar = score(pair.truth, probabilities)["uar"]
            yield dict(source=source, target=target, draw=draw, **names, uar=uar, **sizes)


def main():
    "Measure, and write."
    options = parsed(arguments(__doc__, draws=10))
    corpora = Corpora(options)
    warnings.filterwarnings("ignore", message=".*fell into one class")
    for kind in options.features:
        rows = each_pair(corpora, kind, lambda *names, kind=kind: rows_of(corpora, kind, *names))
        told_means(rows, kind)
        for names in COMPARED:
            scores = [score_array(rows, name) for name in names]
            over = paired_bootstrap(*scores), paired_bootstrap(*scores, over="tasks")
            print(f"  {' − '.join(names)}: {over[0]}, over tasks {over[1]}", flush=True)
        save("inductive", {kind: rows}, options, features=kind, folds="3, of seed 0")


if __name__ == "__main__":
    main()
