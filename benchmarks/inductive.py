#!/usr/bin/env python3
"""Speakers who come later: adapt to some speakers of the target, then recognise the others, one utterance at a time. Writes results/inductive_FEATURES.csv.

    python benchmarks/inductive.py --corpora ../shared/corpora [--features prosody encoder both] [--draws 10]

The target's speakers are split into three folds. A model sees the source (five labels per emotion) and the unlabelled utterances of two folds; it predicts the third with
`predict_proba`. Scores are over all three folds together, so that they stand beside the transductive score on the very same utterances. What is assumed of a new speaker:
  own    means and spreads of that speaker's own unlabelled recordings are known (speaker normalisation as everywhere else);
  usual  nothing is known: means and spreads usual among the speakers seen, as `sere predict` has it.
`transductive` has seen the utterances themselves (without labels); `own-balanced` is `own` with equal shares wished for within each new speaker, whose recordings are at hand anyway.
"""
import warnings

import numpy as np
import pandas as pd

from common import PAIRS, Corpora, arguments, save
from sere_nb.baselines import balanced, few_shot, replace, selftrain_model
from sere_nb.data import speaker_folds
from sere_nb.irf import ResonanceClassifier
from sere_nb.metrics import paired_bootstrap, score_array, uar


def resonance_model(task):
    "The fitted field of chapter 06."
    X, y = np.vstack([task.source_X, task.target_X]), np.concatenate([task.source_y, np.full(len(task.target_X), -1)])
    return ResonanceClassifier().fit(X, y, speakers=np.concatenate([task.source_speaker, task.target_speaker]).astype(str),
                                     corpora=np.repeat([0, 1], [len(task.source_X), len(task.target_X)]))


MODELS = {"sere": resonance_model, "selftrain": selftrain_model}  # name -> (task -> anything with predict_proba)


def usual(raw, speakers, seen):
    "Raw features, centred and scaled by what is usual among the speakers seen."
    frame = pd.DataFrame(raw[seen]).groupby(speakers[seen])
    mean, spread = frame.mean().mean().to_numpy(), frame.std(ddof=0).mean().to_numpy()
    return np.nan_to_num((raw - mean) / np.where(spread > 1e-6, spread, 1)).astype(np.float32)


def run(corpora, kind, draws):
    "One row per task, draw, method and assumption."
    for source, target in PAIRS:
        everything, truth, rows = corpora.everything(kind, source, target)
        table = corpora.tables[target]
        kept = np.flatnonzero(table.emotion.isin(everything.classes))
        table, raw = table.iloc[kept].reset_index(drop=True), corpora.features(kind, target)[kept]
        folds = [(seen, new, usual(raw, everything.target_speaker, seen)) for seen, new in speaker_folds(table, 3)]
        for draw in range(draws):
            task = few_shot(everything, rows, corpora.tables[source], 5, draw)
            for name, make in MODELS.items():
                said = {how: np.zeros((len(truth), len(task.classes))) for how in ("transductive", "own", "own-balanced", "usual")}
                whole = make(task)
                said["transductive"] = whole.label_distributions_[len(task.source_X):] if hasattr(whole, "label_distributions_") else whole.predict_proba(task.target_X)
                for seen, new, plain in folds:
                    model = make(replace(task, target_X=task.target_X[seen], target_speaker=task.target_speaker[seen]))
                    said["own"][new], said["usual"][new] = model.predict_proba(task.target_X[new]), model.predict_proba(plain[new])
                for speaker in np.unique(task.target_speaker):
                    hers = task.target_speaker == speaker
                    said["own-balanced"][hers] = balanced(said["own"][hers])
                yield from (dict(source=source, target=target, draw=draw, method=f"{name} {how}", model=name, assumed=how, uar=uar(truth, table_.argmax(axis=1)),
                                 classes=len(task.classes), target_size=len(truth), speakers=table.speaker.nunique()) for how, table_ in said.items())


def main():
    options = arguments(__doc__, draws=10).parse_args()
    corpora = Corpora(options)
    warnings.filterwarnings("ignore", message=".*fell into one class")
    for kind in options.features:
        rows = pd.DataFrame(run(corpora, kind, options.draws))
        print(kind, rows.groupby("method", sort=False).uar.mean().mul(100).round(1).to_dict())
        pairs = [("sere transductive", "sere own"), ("sere own", "sere usual"), ("sere own", "selftrain own"), ("sere own-balanced", "selftrain own-balanced"), ("sere usual", "selftrain usual")]
        for first, second in pairs:
            print(f"  {first} − {second}: {paired_bootstrap(score_array(rows, first), score_array(rows, second))}, over tasks "
                  f"{paired_bootstrap(score_array(rows, first), score_array(rows, second), over='tasks')}", flush=True)
        save(rows, f"inductive_{kind}", "inductive.py", features=kind, encoder=options.encoder, norm=options.norm, shots=5, draws=options.draws, folds=3,
             seeds=f"draw numbers 0 to {options.draws - 1}; folds of seed 0")


if __name__ == "__main__":
    main()
