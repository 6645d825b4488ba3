#!/usr/bin/env python3
"""Speakers who come later: adapt to some speakers of the target, then recognise the others, one utterance at a time. Writes results/inductive_FEATURES.csv.

    python benchmarks/inductive.py --corpora ../shared/corpora [--features prosody encoder both] [--draws 10]

The target's speakers are split into three folds. A model sees the source (five labels per emotion) and the unlabelled utterances of two folds; it predicts the third with
`predict_proba`. Scores are over all three folds together, so that they stand beside the transductive score on the very same utterances. What is assumed of a new speaker:
  own    means and spreads of that speaker's own unlabelled recordings are known (speaker normalisation as everywhere else);
  usual  nothing is known: means and spreads usual among the speakers seen, as `sere predict` has it.
`sere-linear` is logistic regression on what the field made of the utterances it saw (its most probable classes, source and target): a student that needs no landmarks.
`transductive` has seen the utterances themselves (without labels); `own-balanced` is `own` with equal shares wished for within each new speaker, whose recordings are at hand anyway.
"""

import warnings

import numpy as np
import pandas as pd
from common import PAIRS, Corpora, arguments, save
from sklearn.linear_model import LogisticRegression

from sere_nb.baselines import REGULARISATION, balanced, replace, selftrain_model
from sere_nb.data import speaker_folds
from sere_nb.irf import ResonanceClassifier
from sere_nb.metrics import paired_bootstrap, score_array, uar
from sere_nb.tasks import few_shot


def resonance_model(task, **setting):
    "The fitted field of chapter 06."
    X, y = (
        np.vstack([task.source_X, task.target_X]),
        np.concatenate([task.source_y, np.full(len(task.target_X), -1)]),
    )
    return ResonanceClassifier(**setting).fit(
        X,
        y,
        speakers=np.concatenate([task.source_speaker, task.target_speaker]).astype(str),
        corpora=np.repeat([0, 1], [len(task.source_X), len(task.target_X)]),
    )


def linear_student(task, field):
    "Logistic regression that learns what the field believes of all utterances it saw."
    return LogisticRegression(C=REGULARISATION, max_iter=500).fit(
        np.vstack([task.source_X, task.target_X]), field.transduction_
    )


def models(task):
    "Anything with predict_proba, by name."
    field = resonance_model(task)
    return {"sere": field, "sere-linear": linear_student(task, field), "selftrain": selftrain_model(task)}


HOW = ("transductive", "own", "own-balanced", "usual")


def usual(raw, speakers, seen):
    "Raw features, centred and scaled by what is usual among the speakers seen."
    frame = pd.DataFrame(raw[seen]).groupby(speakers[seen])
    mean, spread = frame.mean().mean().to_numpy(), frame.std(ddof=0).mean().to_numpy()
    return np.nan_to_num((raw - mean) / np.where(spread > 1e-6, spread, 1)).astype(np.float32)


def run(corpora, kind, draws):
    "One row per task, draw, model and assumption."
    for source, target in PAIRS:
        everything, truth, rows = corpora.everything(kind, source, target)
        table = corpora.tables[target]
        kept = np.flatnonzero(table.emotion.isin(everything.classes))
        table, raw = table.iloc[kept].reset_index(drop=True), corpora.features(kind, target)[kept]
        folds = [
            (seen, new, usual(raw, everything.target_speaker, seen)) for seen, new in speaker_folds(table, 3)
        ]
        for draw in range(draws):
            task = few_shot(everything, rows, corpora.tables[source], 5, draw)
            said = {
                (name, how): np.zeros((len(truth), len(task.classes)))
                for name in ("sere", "sere-linear", "selftrain")
                for how in HOW
            }
            for name, whole in models(task).items():
                said[name, "transductive"] = (
                    whole.label_distributions_[len(task.source_X) :]
                    if name == "sere"
                    else whole.predict_proba(task.target_X)
                )
            for seen, new, plain in folds:
                for name, model in models(
                    replace(task, target_X=task.target_X[seen], target_speaker=task.target_speaker[seen])
                ).items():
                    said[name, "own"][new], said[name, "usual"][new] = (
                        model.predict_proba(task.target_X[new]),
                        model.predict_proba(plain[new]),
                    )
            for name in ("sere", "sere-linear", "selftrain"):
                for speaker in np.unique(task.target_speaker):
                    hers = task.target_speaker == speaker
                    said[name, "own-balanced"][hers] = balanced(said[name, "own"][hers])
            yield from (
                dict(
                    source=source,
                    target=target,
                    draw=draw,
                    method=f"{name} {how}",
                    model=name,
                    assumed=how,
                    uar=uar(truth, table_.argmax(axis=1)),
                    classes=len(task.classes),
                    target_size=len(truth),
                    speakers=table.speaker.nunique(),
                )
                for (name, how), table_ in said.items()
            )


def main():
    options = arguments(__doc__, draws=10).parse_args()
    corpora = Corpora(options)
    warnings.filterwarnings("ignore", message=".*fell into one class")
    for kind in options.features:
        rows = pd.DataFrame(run(corpora, kind, options.draws))
        print(kind, rows.groupby("method", sort=False).uar.mean().mul(100).round(1).to_dict())
        pairs = [
            ("sere transductive", "sere own"),
            ("sere own", "sere usual"),
            ("sere own", "selftrain own"),
            ("sere own-balanced", "selftrain own-balanced"),
            ("sere usual", "selftrain usual"),
            ("sere-linear own", "sere own"),
            ("sere-linear usual", "selftrain usual"),
        ]
        for first, second in pairs:
            print(
                f"  {first} − {second}: {paired_bootstrap(score_array(rows, first), score_array(rows, second))}, over tasks "
                f"{paired_bootstrap(score_array(rows, first), score_array(rows, second), over='tasks')}",
                flush=True,
            )
        save(
            rows,
            f"inductive_{kind}",
            "inductive.py",
            features=kind,
            encoder=options.encoder,
            norm=options.norm,
            shots=5,
            draws=options.draws,
            folds=3,
            seeds=f"draw numbers 0 to {options.draws - 1}; folds of seed 0",
        )


if __name__ == "__main__":
    main()
