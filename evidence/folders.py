#!/usr/bin/env python3
"""Folders as people have them, drawn from each corpus but the pack's: shares are unequal, emotions are
missing, others and noise are among them. How often is the ready model right, how often the adapted one,
without and with answers of the owner? And how near are the shares, the confidence and the intervals?

    python evidence/folders.py --corpora FOLDER --draws 10

It calls what `sere adapt` calls (chapters folder and own), on features that are kept. Speakers are
unknown. Of made-up noise,
tones and music, what silero-vad takes for speech stays in a folder of kind *noise*, one to
twenty recordings; the rest is named "no speech" and left out, as `sere adapt` does. Recordings whose emotion
no model knows count as wrong. Questions are those of `--ask`; figures are of what was not asked about.

The settings of chapter folder were set by hand on these corpora, after about a thousand had been compared.
`settings` compares twelve near them, and takes for each corpus the one that is best on the other four;
`ladder` gives the same answers of the owner to other methods, each at its better normalisation per corpus."""

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
from common import Corpora, arguments, parsed, save
from joblib import Parallel, delayed
from no_speech import KINDS as SOUNDS
from no_speech import made_up
from ready import FIVE, SIX

import sere_nb.field.folder as method
from sere_nb.answers.own import labelled, ready_pack
from sere_nb.answers.recogniser import load, predict
from sere_nb.base.core import generator, progress
from sere_nb.corpus.metadata import UNKNOWN_SPEAKER
from sere_nb.sound.speech import SPOKEN, detector_model, speech_sign
from sere_nb.study.study import METHODS, SHIPPED
from sere_nb.tasks.confidence import calibration_error, tempered
from sere_nb.tasks.metrics import uar
from sere_nb.tasks.tasks import prepare

KINDS = ("equal", "missing", "neutral", "ninety", "two")  # the five of the headline
MORE = ("one", "others", "noise")
SIZES, ALL = (15, 30, 150), 10**6
ASKED = {30: (10,), 80: (10, 20, 40), 150: (10, 20, 40), ALL: (20, 40)}
SETTINGS = dict(REMOVED=(0.3, 0.5, 0.7), FIRST=(0.35, 0.5), PULL=(0.1, 0.2))


# --- folders ----------------------------------------------------------------------------------------


def shares(kind, have, random):
    "Emotion -> its share in a folder of a kind."
    each = dict.fromkeys(have, 1 / len(have))
    if kind == "missing":
        gone = random.choice(have)
        return {name: (name != gone) / (len(have) - 1) for name in have}
    if kind in ("neutral", "ninety"):
        most, share = ("neutral", 0.6) if kind == "neutral" else (random.choice(have), 0.9)
        return {name: share if name == most else (1 - share) / (len(have) - 1) for name in have}
    if kind in ("two", "one"):
        some = random.choice(have, 2 if kind == "two" else 1, replace=False)
        return {name: (name in some) / len(some) for name in have}
    return each


def counts(wanted, size):
    "Whole numbers with these shares, by the largest remainder."
    exact = {name: share * size for name, share in wanted.items()}
    whole = {name: int(number) for name, number in exact.items()}
    order = sorted(exact, key=lambda name: whole[name] - exact[name])
    return {name: whole[name] + (name in order[: size - sum(whole.values())]) for name in whole}


def folder(emotions, corpus, kind, size, draw):
    "Positions of the recordings of a folder."
    random, have = generator("folder", corpus, kind, size, draw), sorted(set(emotions) & set(FIVE))
    wanted = shares(kind, have, random)
    if size == ALL:  # as many as keep the shares
        size = int(min(np.sum(emotions == name) / share for name, share in wanted.items() if share))
    strangers = np.flatnonzero(~np.isin(emotions, FIVE))
    some = size // 10 if kind == "others" else 0
    rows = [random.choice(strangers, min(some, len(strangers)), replace=False)]
    for name, count in counts(wanted, size - len(rows[0])).items():
        pool = np.flatnonzero(emotions == name)
        rows.append(random.choice(pool, min(count, len(pool)), replace=False))
    return random.permutation(np.concatenate(rows))


def noises(ready, each):
    "Features of made-up sounds that pass for speech, (n, F), and how many sounds there were."
    ear = detector_model("silero")
    sounds = [made_up(kind, number) for kinds in SOUNDS.values() for kind in kinds for number in range(each)]
    kept = [sound for sound in sounds if speech_sign(sound, ear) >= SPOKEN]
    found = [predict(ready, [sound])[0].features for sound in kept]
    return np.array(found).reshape(len(kept), -1), len(sounds)


# --- figures ----------------------------------------------------------------------------------------


def figures(said, truth, rest):
    "What is measured of some answers; truth −1: an emotion that no model knows."
    said, truth = said[rest], truth[rest]
    right, known = said.argmax(axis=1) == truth, truth >= 0
    there = np.bincount(truth[known], minlength=len(FIVE)) / max(known.sum(), 1)
    return dict(
        accuracy=right.mean(),
        uar=uar(truth[known], said[known].argmax(axis=1)) if known.any() else np.nan,
        confidence=said.max(axis=1).mean(),
        shares_off=0.5 * np.abs(said.mean(axis=0)[: len(FIVE)] - there).sum(),
        ece=calibration_error(truth, said),
    )


def answered(side, X, truth, names, count, before):
    "(answers, the owner's, the interval) after so many questions."
    told = np.full(len(X), -1)
    rows = list(method.questions(X, names, count))
    told[rows] = truth[rows]
    near, model = method.nearest_graph(X), method.taught_by_owner(side.source, X, told, before)
    said, rest = method.agreed(model.predict_proba(X), near, told), ~np.isin(np.arange(len(X)), rows)
    random = method.measuring(names, ~rest)
    unseen = method.unseen(side.source, X, told, random, before)
    right = unseen.argmax(axis=1) == told[random]
    told = method.right_interval(right, float(unseen.max(axis=1).mean()), int(rest.sum()))
    said = np.where(rest[:, None], tempered(said, 1 / method.temperature_for(said[rest], told[0])), said)
    return said, rest, told


def judged(side, ready, features, emotions, corpus, kind, size, draw, noise):
    "Rows of one folder: the ready model, and the adapted one after 0, 10, … answers."
    rows = folder(emotions, corpus, kind, size, draw)
    vectors, truth = features[rows], np.array([FIVE.index(e) if e in FIVE else -1 for e in emotions[rows]])
    if kind == "noise" and len(noise):
        some = generator("noise", corpus, size, draw).permutation(len(noise))[: max(1, len(rows) // 20)]
        vectors, truth = np.vstack([vectors, noise[some]]), np.r_[truth, np.full(len(some), -1)]
    names, X = [f"{n:05}" for n in range(len(truth))], side.features(vectors, ready.normaliser)
    every, about = np.ones(len(truth), bool), dict(corpus=corpus, kind=kind, size=size, draw=draw)
    first, before = ready.probabilities(vectors), method.adapted(side.source, X)
    base = figures(first, truth, every)
    told = {f"ready_{name}": value for name, value in base.items()}
    said = method.agreed(before.predict_proba(X), method.nearest_graph(X))
    yield dict(about, answers=0, recordings=len(truth), **figures(said, truth, every), **told), said, truth
    if kind not in KINDS:
        return
    for count in (count for count in ASKED.get(size, ()) if 2 * count <= len(truth)):
        said, rest, (estimate, low, high) = answered(side, X, truth, names, count, before)
        row = dict(about, answers=count, recordings=len(truth), **figures(said, truth, rest), **told)
        held = low - 1e-9 <= row["accuracy"] <= high + 1e-9
        yield dict(row, estimate=estimate, low=low, high=high, held=held), said[rest], truth[rest]


def share_errors(said, truth):
    "How far each share is off."
    known = truth[truth >= 0]
    return np.abs(
        said.mean(axis=0)[: len(FIVE)] - np.bincount(known, minlength=len(FIVE)) / max(len(known), 1)
    )


# --- settings ---------------------------------------------------------------------------------------


def tried(side, ready, data, draws):
    "Gain of each setting over the ready model, per corpus, in the cells of the headline."
    for values in product(*SETTINGS.values()):
        setting = dict(zip(SETTINGS, values))
        method.REMOVED, method.FIRST, method.PULL = values
        for (corpus, (features, emotions)), kind, size, draw in product(
            data.items(), KINDS, (30, 150), draws
        ):
            rows = folder(emotions, corpus, kind, size, draw)
            truth = np.array([FIVE.index(name) for name in emotions[rows]])
            X = side.features(features[rows], ready.normaliser)
            said = method.agreed(
                method.adapted(side.source, X).predict_proba(X), method.nearest_graph(X), None, method.PULL
            )
            gain = np.mean(said.argmax(1) == truth) - np.mean(
                ready.probabilities(features[rows]).argmax(1) == truth
            )
            yield dict(setting, corpus=corpus, kind=kind, size=size, draw=draw, gain=gain)


def nested(rows):
    "For each corpus the gain of the setting that is best on the others."
    means = rows.groupby([*SETTINGS, "corpus"]).gain.mean().unstack()
    return {c: means[c][means.drop(columns=c).mean(axis=1).idxmax()] for c in means.columns}


# --- other methods ----------------------------------------------------------------------------------

RIVALS = ("logreg", "logreg-balanced", "selftrain", "labelspread", "field", "whole", "folder")


def rivals(side, ready, raw, table, corpus, kind, size, draw, counts=(0, 20)):
    "Right answers of each method and normalisation, on the recordings that were not asked about."
    emotions = table.emotion.to_numpy(dtype=str)
    rows = folder(emotions, corpus, kind, size, draw)
    labelled_table, labelled_X, _ = ready_pack()
    bare = table.iloc[rows].reset_index(drop=True).assign(corpus="own", speaker=UNKNOWN_SPEAKER)
    truth = np.array([FIVE.index(name) for name in emotions[rows]])
    X = side.features(ready.normaliser.apply(raw[rows]), ready.normaliser)
    for norm in ("corpus", "none"):
        told = dict(semantic_width=384, emotions=list(FIVE))
        pair = prepare(labelled_table, labelled_X, bare, raw[rows], norm, **told)
        for count in counts:
            known = np.full(len(rows), -1)
            asked = list(method.questions(X, [f"{n:05}" for n in range(len(rows))], count)) if count else []
            known[asked] = truth[asked]
            task, rest = replace(pair.task, target_y=known), known < 0
            for name in RIVALS:
                own = {**METHODS, **SHIPPED}[name]
                if (own.norm or norm) != norm:
                    continue
                said = own.run(task).argmax(axis=1)
                right = np.mean(said[rest] == truth[rest])
                yield dict(
                    corpus=corpus,
                    kind=kind,
                    size=size,
                    draw=draw,
                    answers=count,
                    norm=norm,
                    method=name,
                    right=right,
                )


# --- all --------------------------------------------------------------------------------------------


def headline(table):
    "Print what the bars ask for."
    five = table[table.kind.isin(KINDS)]
    none = five[(five.answers == 0) & five["size"].isin([30, 150])]
    cells = none.groupby(["size", "kind"], sort=False)[["ready_accuracy", "accuracy"]].mean().mul(100)
    print(cells.assign(gain=cells.accuracy - cells.ready_accuracy).round(1).to_string())
    gain = none.accuracy - none.ready_accuracy
    print(
        f"ten cells: {gain.mean():+.1%}; more than two points lost in {np.mean(gain < -0.02):.0%} of folders"
    )
    print(f"per corpus: {none.assign(gain=100 * gain).groupby('corpus').gain.mean().round(1).to_dict()}")
    some = five[five["size"].isin([80, 150]) & (five.answers > 0)]
    some = some.assign(gain=some.accuracy - some.ready_accuracy, width=some.high - some.low)
    print(
        some.groupby("answers")[["accuracy", "gain", "held", "width", "shares_off"]]
        .mean()
        .round(3)
        .to_string()
    )
    more = table[(table.answers == 0) & ~table.kind.isin(KINDS)]
    print(more.groupby(["kind", "size"])[["ready_accuracy", "accuracy"]].mean().mul(100).round(1).to_string())


def main():
    "Draw, ask, measure, print, write."
    parser = arguments(__doc__, draws=10, features=("both",))
    parser.set_defaults(names=list(SIX))
    parser.add_argument("--part", choices=("folders", "settings", "ladder"), default="folders")
    options = parsed(parser)
    if options.quick:
        options.names = list(SIX[:3])
    corpora, ready, side = Corpora(options), load(), labelled()
    data = {
        name: (ready.normaliser.apply(corpora.features("both", name)), table.emotion.to_numpy(dtype=str))
        for name, table in corpora.tables.items()
        if name != "emodb"
    }
    if options.part == "settings":
        rows = pd.DataFrame(tried(side, ready, data, range(options.draws)))
        print(rows.groupby(list(SETTINGS)).gain.mean().mul(100).round(2).to_string())
        found = nested(rows)
        print(f"best on the other corpora: {np.mean(list(found.values())):+.1%}", found)
        means = rows.groupby([*SETTINGS, "corpus"], sort=False).gain.mean().reset_index()
        save("folders", {"settings": means}, options, nested=np.mean(list(found.values())))
        return
    if options.part == "ladder":
        calls = product(data, KINDS, (80, 150), range(options.draws))
        sides = lambda name: (side, ready, corpora.features("both", name), corpora.tables[name])
        rows = pd.DataFrame([row for name, *how in calls for row in rivals(*sides(name), name, *how)])
        means = rows.groupby(["answers", "method", "norm", "corpus", "kind"], sort=False).right.mean()
        whole = means.groupby(["answers", "method", "norm", "corpus"], sort=False).mean()
        better = whole.groupby(["answers", "method", "corpus"], sort=False).max().unstack().mul(100)
        print(better.assign(mean=better.mean(axis=1)).round(1).to_string())
        save("folders", {"ladder": means.reset_index()}, options)
        return
    noise, sounds = noises(ready, 1 if options.quick else 10)
    print(f"{len(noise)} of {sounds} made-up sounds pass for speech")
    calls = []
    for (name, (X, emotions)), kind in product(data.items(), (*KINDS, *MORE)):
        sizes = (*SIZES, 80, ALL) if kind in KINDS else SIZES
        draws = {size: min(options.draws, 2) if size == ALL else options.draws for size in sizes}
        calls += [
            (side, ready, X, emotions, name, kind, size, d, noise)
            for size in sizes
            for d in range(draws[size])
        ]
    work = (delayed(list)(judged(*call)) for call in calls)
    found = Parallel(n_jobs=1, return_as="generator")(work)
    every = [one for some in progress(found, "folders", len(calls), unit="folder") for one in some]
    table = pd.DataFrame([row for row, *_ in every])
    headline(table)
    pooled = []
    for count in sorted(table.answers.unique()):
        some = [(s, t) for r, s, t in every if r["answers"] == count and r["kind"] in KINDS]
        said, truth = np.vstack([s for s, _ in some]), np.concatenate([t for _, t in some])
        off = np.quantile(np.concatenate([share_errors(*one) for one in some]), 0.9)
        ece = calibration_error(truth, said)
        pooled.append(dict(answers=count, folders=len(some), ece=ece, share_error=off))
    print(pd.DataFrame(pooled).round(3).to_string())
    save("folders", {"folders": table.round(3), "pooled": pooled}, options, compared=1000)


if __name__ == "__main__":
    main()
