#!/usr/bin/env python3
"""Make the ready model and the ready pack that ship with the package, and measure what to expect of them.

    python evidence/ready.py --corpora FOLDER
    python evidence/ready.py --corpora FOLDER --pitch swift      # the one of `sere predict --quick`, no pack

Labels: EMO-DB (CC0) and the package's synthetic speech, nothing else. The other five corpora choose among 48
settings and set the temperature; every figure is *nested*: for each corpus, setting and temperature are those
that do best on the other four. Recordings are answered one by one, as `sere predict` does: no speaker, no
corpus is known. What ships has the setting and the temperature that do best on all five."""

import json
from functools import cache
from itertools import product

import numpy as np
import pandas as pd
from common import Corpora, arguments, parsed, save
from joblib import Parallel, delayed
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

from sere_nb.answers.recogniser import QUICK, Recogniser
from sere_nb.answers.recogniser import save as save_model
from sere_nb.base.core import atomic_path, package_folder, provenance, require
from sere_nb.corpus.audio import read_audio
from sere_nb.corpus.data import mini_corpus
from sere_nb.corpus.tables import places
from sere_nb.encoding.cache import sound_digest
from sere_nb.encoding.encoder import load_encoder
from sere_nb.encoding.features import extract
from sere_nb.sound.normalise import Normaliser, normalisation_groups
from sere_nb.sound.pitch import swift
from sere_nb.sound.prosody import utterance_features
from sere_nb.tasks.baselines import Linear
from sere_nb.tasks.metrics import uar

SIX = ("emodb", "emovo", "nemo", "ravdess", "casia", "urdu")
FIVE = ("anger", "fear", "happiness", "neutral", "sadness")
GRID = dict(
    norm=("corpus", "speaker"),
    C=(0.003, 0.01, 0.03, 0.1),
    synthetic=(0.0, 0.1, 1.0),  # weight of a synthetic utterance
    emotions=(FIVE, (*FIVE, "boredom")),
)
TEMPERATURES = np.geomspace(0.5, 16, 41)
UNSURE = 0.4  # confidence below which an answer counts as unsure
READY = package_folder() / "bundled" / "ready"


# --- one model --------------------------------------------------------------------------------------


def by_swift(table, jobs):
    "Features of bundled encoder and prosody, its pitch by SwiftF0."
    heard = delayed(lambda place: utterance_features(read_audio(place), swift))
    prosody = Parallel(jobs)(heard(place) for place in places(table))
    return np.hstack([extract(table, "encoder", "bundled", jobs=jobs), np.stack(prosody)])


class Heard(Corpora):
    "The corpora, heard with the tracker that is asked for."

    @cache  # noqa: B019  as long as the script
    def features(self, kind, name):
        "Raw features of a corpus, (n, F)."
        if self.options.pitch == "crepe":
            return super().features(kind, name)
        return by_swift(self.tables[name], self.options.jobs)


def side(table, X, norm):
    "Features normalised as in training, and what is usual."
    groups = normalisation_groups(table, norm)
    normaliser = Normaliser.fit(X, groups)
    return normaliser.apply(X, groups), normaliser


def trained(real, synthetic, setting):
    "(linear model, what is usual in real speech, emotions) of one setting; each side is (table, X)."
    (table, X), (made, M) = real, synthetic
    classes = sorted(setting["emotions"])
    Z, usual = side(table, X, setting["norm"])
    Y, _ = side(made, M, setting["norm"])
    known, answers = table.emotion.isin(classes).to_numpy(), made.emotion.isin(classes).to_numpy()
    weight = np.r_[np.ones(known.sum()), np.full(answers.sum(), setting["synthetic"])]
    labels = np.r_[table.emotion[known], made.emotion[answers]]
    index = np.array([classes.index(label) for label in labels])
    share = np.bincount(index, weight, len(classes))
    model = LogisticRegression(C=setting["C"], max_iter=1000)
    kept = weight > 0
    model.fit(
        np.vstack([Z[known], Y[answers]])[kept],
        index[kept],
        sample_weight=(weight * weight.sum() / (len(classes) * share[index]))[kept],
    )
    return Linear.of(model), usual, classes


# --- how good ---------------------------------------------------------------------------------------


def calibration_error(confidence, right, bins=10):
    "Mean gap between confidence and share of right answers (Guo et al. 2017)."
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gap = np.bincount(place, confidence - right, bins)
    return np.abs(gap).sum() / len(right)


def figures(probabilities, classes, truth):
    "UAR, accuracy, ECE, coverage and accuracy of what is covered, of the utterances whose emotion is known."
    asked = np.isin(truth, FIVE)
    p, truth = probabilities[asked], truth[asked]
    said, confidence = np.array(classes)[p.argmax(axis=1)], p.max(axis=1)
    names, index = np.unique(truth, return_inverse=True)
    numbers = {name: place for place, name in enumerate([*names, *set(classes) - set(names)])}
    right, sure = said == truth, confidence >= UNSURE
    return dict(
        uar=uar(index, np.array([numbers[name] for name in said])),
        accuracy=right.mean(),
        ece=calibration_error(confidence, right),
        coverage=sure.mean(),
        accuracy_covered=right[sure].mean() if sure.any() else np.nan,
        utterances=len(truth),
    )


def tempered(probabilities, temperature):
    "Less sure (temperature above 1), same answers."
    return np.exp(log_softmax(np.log(np.maximum(probabilities, 1e-30)) / temperature, axis=1))


def loss(probabilities, classes, truth, temperature):
    "Mean negative log probability of the truth."
    known = np.isin(truth, classes)
    column = [classes.index(name) for name in truth[known]]
    said = tempered(probabilities[known], temperature)
    return -np.log(np.maximum(said[np.arange(len(column)), column], 1e-30)).mean()


def best_temperature(answers, truths, names):
    "The temperature of least mean loss over some corpora; answers: name -> (probabilities, classes)."
    losses = [np.mean([loss(*answers[n], truths[n], t) for n in names]) for t in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])


def calibrated(answers, truths):
    "Figures of each corpus, at the temperature that is best on the other ones."
    for name, (said, classes) in answers.items():
        temperature = best_temperature(answers, truths, [other for other in answers if other != name])
        told = figures(tempered(said, temperature), classes, truths[name])
        yield dict(corpus=name, temperature=temperature, **told)


# --- choosing ---------------------------------------------------------------------------------------


def settings():
    "Every setting of the grid."
    return [dict(zip(GRID, values)) for values in product(*GRID.values())]


def told_setting(setting):
    "A setting in words."
    boredom = "with boredom" if "boredom" in setting["emotions"] else "five emotions"
    words = (setting["norm"], f"C {setting['C']}", f"synthetic {setting['synthetic']}", boredom)
    return ", ".join(words)


def single(corpora, synthetic, setting, names):
    "What a model of one setting says of recordings that come one by one: name -> (probabilities, classes)."
    real = corpora.tables["emodb"], corpora.features("both", "emodb")
    model, usual, classes = trained(real, synthetic, setting)
    answers = {}
    for name in names:
        answers[name] = model.predict_proba(usual.apply(corpora.features("both", name))), classes
    return answers


# --- what ships -------------------------------------------------------------------------------------

CARD = """---
license: apache-2.0
library_name: sere_nb
tags: [speech-emotion-recognition]
---
# The {name} of sere_nb

What {asked}. One regularised logistic regression on the bundled
encoder and prosody; `{loaded}` in Python. Made by `evidence/ready.py`; commit and versions are in
config.json under `origin`.{pitch}

| | |
|---|---|
| Emotions | {emotions} |
| Learned from | EMO-DB (CC0; ten German actors reading ten sentences), all labels but boredom{synthetic} |
| Setting | {setting}; best of {count} on the five corpora below |
| Normalised by | what is usual in EMO-DB: a recording is answered alone, its speaker and room unknown |
| Temperature | {temperature:.2f}, set on the five corpora below |
| Languages | learned from German; measured on the five below |

## What to expect
Corpora it has not learned from, recordings one by one. Setting and temperature of each row are those that do
best on the *other* four corpora.

{table}

*UAR* is the mean share of right answers over the emotions, each counting the same; chance is 20 % (Urdu, with
four emotions, 25 %). *ECE* is the mean gap between confidence and being right. *Coverage* is the share of
answers with a confidence of {unsure:.0%} or more; the last column is the accuracy of those.

Emotions that it does not know (surprise, disgust, calm, boredom) are answered with one that it knows, and are
not counted here. Boredom was left out because with it UAR falls from {without:.1f} to {with_boredom:.1f} at
best: to a model of these ten actors, calm speech recorded elsewhere sounds bored.

## What it does not say
These corpora are acted: actors were asked to sound angry or sad. How a person *feels* is not in such data.
People hide, mix and perform feelings; voices differ by language, age, health and microphone. The model is
wrong in about half of the cases. It must not decide, or help to decide, anything about a person: not in
hiring, teaching, policing or medicine. It was not measured on spontaneous speech, children, illness, noise,
music or telephone lines.

A model that has heard your recordings, without any label, answers them better: `sere adapt FOLDER`.

## Licence
Weights: Apache-2.0.{pack}
"""
SLOW = dict(
    name="ready model",
    asked="`sere predict FILE` asks when no model is named",
    loaded="sere_nb.load()",
    pitch="",
    pack=" `pack.safetensors` holds features of EMO-DB (Burkhardt et al. 2005, CC0), no audio.",
)
FAST = dict(
    name="quick ready model",
    asked="`sere predict --quick FILE` asks",
    loaded="sere_nb.answers.recogniser.load(QUICK)",
    pitch=" Its pitch is SwiftF0's, not CREPE's, which is faster (`pip install 'sere_nb[pitch]'`).",
    pack="",
)


def table_of(rows):
    "Figures as a table in Markdown."
    lines = ["| corpus | language | UAR | accuracy | ECE | coverage | accuracy of these |", "|---" * 7 + "|"]
    for r in rows.itertuples():
        shares = [f"{100 * v:.1f} %" for v in (r.uar, r.accuracy, r.coverage, r.accuracy_covered)]
        cells = (r.corpus, r.language, *shares[:2], f"{r.ece:.2f}", *shares[2:])
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def card(rows, setting, temperature, means, words):
    "The model's card; means: setting in words -> mean UAR."
    weight = setting["synthetic"]
    made = f"; the mini corpus (synthetic, four languages), each utterance at weight {weight}"
    bored = means[means.index.str.endswith("with boredom")].max()
    told = dict(without=100 * means.max(), with_boredom=100 * bored, count=len(means), unsure=UNSURE)
    told.update(emotions=", ".join(sorted(setting["emotions"])), setting=told_setting(setting))
    told.update(synthetic=made * bool(weight), temperature=temperature, table=table_of(rows), **words)
    return CARD.format(**told)


def write_pack(corpora, told):
    "Features of EMO-DB in half precision, with name, speaker and emotion of each utterance."
    table, X = corpora.tables["emodb"], corpora.features("both", "emodb")
    half = X.astype(np.float16)
    assert np.isfinite(half).sum() == np.isfinite(X).sum()
    columns = dict(
        path=[path.name for path in table.path], speaker=list(table.speaker), emotion=list(table.emotion)
    )
    sounds = [sound_digest(read_audio(place)) for place in places(table)]
    words = {"columns": json.dumps(columns), "told": json.dumps(told, default=float)}
    words["sounds"] = json.dumps(sounds)  # who adapts to these recordings is warned
    with atomic_path(READY / "pack.safetensors") as path:
        path.write_bytes(require("safetensors.numpy").save({"features": half}, metadata=words))


def ship(corpora, synthetic, setting, temperature, text, folder):
    "Write model and card into the package and, beside the ready model, the pack for those who adapt."
    told = dict(script="evidence/ready.py", setting=told_setting(setting), temperature=temperature)
    origin, reader = provenance(**told, learned_from="emodb, mini"), load_encoder("bundled")
    real = corpora.tables["emodb"], corpora.features("both", "emodb")
    model, usual, classes = trained(real, synthetic, setting)
    cooled = Linear(model.weights / temperature, model.bias / temperature)
    told = "both", "bundled", reader.identity, origin, corpora.options.pitch
    save_model(Recogniser(cooled, tuple(classes), usual, *told), folder, text)
    if folder == READY:
        write_pack(corpora, dict(emotions=list(FIVE), origin=origin))


def chosen_without(every, truths):
    "Figures of each corpus with the setting and the temperature that are best on the others."
    scores = pd.DataFrame(
        {s: {n: figures(*found[n], truths[n])["uar"] for n in truths} for s, found in every.items()}
    )
    for name in truths:
        setting = scores.drop(index=name).mean().idxmax()
        (row,) = [row for row in calibrated(every[setting], truths) if row["corpus"] == name]
        yield dict(row, setting=setting)


def main():
    "Choose, measure, make."
    parser = arguments(__doc__, draws=0, features=("both",))
    parser.set_defaults(names=list(SIX))
    parser.add_argument("--pitch", choices=("crepe", "swift"), default="crepe", help="tracker of the pitch")
    options = parsed(parser)
    if options.quick:
        options.names = list(SIX[:3])  # one to learn from, one to choose by, one to judge
    corpora, made, fast = Heard(options), mini_corpus(), options.pitch == "swift"
    synthetic = made, by_swift(made, options.jobs) if fast else extract(made, "both", "bundled")
    names = [name for name in corpora.tables if name != "emodb"]
    truths = {name: corpora.tables[name].emotion.to_numpy(dtype=str) for name in names}
    languages = {name: corpora.tables[name].language.iloc[0] for name in names}
    told = lambda rows: pd.DataFrame(rows).assign(language=lambda table: table.corpus.map(languages))

    every = {told_setting(s): single(corpora, synthetic, s, names) for s in settings()}
    judged = told(chosen_without(every, truths))
    parts = [
        dict(setting=s, corpus=n, **figures(*said, truths[n]))
        for s, found in every.items()
        for n, said in found.items()
    ]
    grid = pd.DataFrame(parts)
    means = grid.groupby("setting", sort=False).uar.mean()
    setting = next(s for s in settings() if told_setting(s) == means.idxmax())
    temperature = best_temperature(every[means.idxmax()], truths, names)
    how = dict(chosen=means.idxmax(), temperature=temperature)
    print(judged.round(3).to_string(), "ships:", *how.values())
    part = "quick_" if fast else ""
    save("ready", {f"{part}settings": grid, f"{part}single": judged}, options, **how)
    if options.writes:
        text = card(judged, setting, temperature, means, FAST if fast else SLOW)
        ship(corpora, synthetic, setting, temperature, text, QUICK if fast else READY)


if __name__ == "__main__":
    main()
