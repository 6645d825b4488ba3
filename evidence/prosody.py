#!/usr/bin/env python3
"""Measures the chapters on pitch and prosody, on real speech.

    python evidence/prosody.py --corpora FOLDER [--parts accuracy speed transfer]

accuracy   raw pitch accuracy of the trackers on sounds of known pitch speed      the whole path against
torchcrepe + librosa, on one core transfer   functionals against eGeMAPS on every task (needs opensmile:
research licence, for measuring only)"""

from functools import partial
from time import process_time

import numpy as np
import pandas as pd
from common import Corpora, arguments, parsed, save
from scipy.signal import lfilter
from sklearn.linear_model import LogisticRegression

from sere_nb.base.core import atomic_path, generator, progress
from sere_nb.corpus.audio import SAMPLE_RATE, read_audio
from sere_nb.sound.frames import HOP, active_frames, add_noise, frame_count, loudness
from sere_nb.sound.normalise import normalisation_groups, normalise
from sere_nb.sound.pitch import FMAX, FMIN, crepe, glide, pyin, raw_pitch_accuracy, swift
from sere_nb.sound.prosody import utterance_features
from sere_nb.tasks.tasks import prepare, score


def sample(corpora, each):
    "The same few recordings of every corpus, as (name, waveform)."
    for name, table in corpora.tables.items():
        chosen = generator("benchmark", name).choice(len(table), each, replace=False)
        yield from ((f"{name}/{table.path[i].name}", read_audio(table.path[i])) for i in chosen)


# --- sounds of known pitch ------------------------------------------------------------------------


def drawn_pitch(samples, rng):
    "A pitch contour nobody measured: a falling phrase with accents, Hz per sample."
    time = np.arange(samples) / SAMPLE_RATE
    contour = 2 * np.exp(-time / 1.5)
    for _ in range(max(1, int(2.2 * time[-1]))):
        contour += rng.uniform(-3, 7) * np.exp(
            -(((time - rng.uniform(0, time[-1])) / rng.uniform(0.08, 0.3)) ** 2)
        )
    return rng.choice([80, 110, 150, 200, 260]) * 2 ** (contour / 12)


def resynthesised(waveform, rng, order=18, size=800, step=320):
    "The vocal-tract filters of a recording, driven by harmonics at a drawn pitch: waveform, pitch."
    pitch = drawn_pitch(len(waveform), rng)
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    source = sum(np.cos(k * phase) * (k * pitch < 7800) for k in range(1, 60)) * np.sqrt(pitch)
    source = source / source.std() + 0.05 * rng.standard_normal(len(waveform))
    result, window = np.zeros(len(waveform)), np.hanning(size)
    for start in range(0, len(waveform) - size, step):
        here = slice(start, start + size)
        lags = np.correlate(waveform[here] * window, waveform[here] * window, "full")[
            size - 1 : size + order
        ].astype(float)
        if lags[0] > 1e-7:
            lags[0] *= 1.0001
            toeplitz = lags[np.abs(np.subtract.outer(np.arange(order), np.arange(order)))]
            filters = np.linalg.solve(toeplitz, lags[1:])
            gain = np.sqrt(max(lags[0] - filters @ lags[1:], 0) / size)
            result[here] += lfilter([gain], np.r_[1, -filters], source[here]) * window
    return (0.5 * result / np.abs(result).max()).astype(np.float32), pitch


def sounds(corpora, each):
    "(kind, name, clean waveform, true pitch per frame), NaN in the pauses."
    for low, high in ((70, 140), (100, 300), (150, 500), (400, 120)):
        yield "glide", f"{low}-{high}", *glide(low, high, 3.0)
    for name, waveform in sample(corpora, each):
        sound, pitch = resynthesised(waveform, generator("resynthesis", name))
        true = pitch[HOP * np.arange(frame_count(len(sound))) + 200]
        yield "speech", name, sound, np.where(active_frames(loudness(sound)), true, np.nan)


def torchcrepe_predict(waveform, active, **options):
    "torchcrepe as its users call it, on our grid: 120 samples go before, and its first frame is left out."
    import torch
    import torchcrepe

    padded = torch.from_numpy(np.pad(waveform, (120, 0)))[None]
    pitch, periodicity = torchcrepe.predict(
        padded, SAMPLE_RATE, HOP, FMIN, FMAX, "tiny", return_periodicity=True, **options
    )
    return pitch[0, 1 : len(active) + 1].numpy(), periodicity[0, 1 : len(active) + 1].numpy()


def everywhere(tracker):
    "A tracker that is made to look at every frame."
    return lambda waveform, active: tracker(waveform, np.ones_like(active))


TRACKERS = {
    "torchcrepe.predict tiny": torchcrepe_predict,
    "crepe tiny, every frame": everywhere(crepe),
    "crepe tiny": crepe,
    "crepe full": partial(crepe, capacity="full"),
    "pyin": pyin,
    "swift": swift,
}


def accuracy(corpora):
    "Raw pitch accuracy (50 cents) of every tracker, in noise."
    each, rows = 5 if corpora.options.writes else 1, []
    for kind, name, clean, true in progress(list(sounds(corpora, each)), "accuracy", unit="sound"):
        for noise in (None, 20, 10, 0):
            waveform = add_noise(clean, noise, "benchmark", name)
            active = active_frames(loudness(waveform))
            told = dict(sound=kind, noise="clean" if noise is None else f"{noise} dB")
            for tracker, function in TRACKERS.items():
                right = raw_pitch_accuracy(function(waveform, active)[0], true)
                rows.append(dict(told, tracker=tracker, accuracy=100 * right))
    grouped = pd.DataFrame(rows).groupby(["sound", "noise", "tracker"], sort=False, as_index=False)
    table = grouped.accuracy.mean()
    print(table.to_string(index=False))
    return {"trackers": table}, dict(cents=50, speech_files=each * len(corpora.tables), glides=4)


# --- speed ----------------------------------------------------------------------------------------


def library_path(waveform):
    "torchcrepe's default path and librosa's features on the same hop."
    import librosa

    torchcrepe_predict(waveform, np.ones(frame_count(len(waveform)), dtype=bool))
    options = dict(hop_length=HOP, center=True)
    librosa.feature.rms(y=waveform, frame_length=1024, **options)
    for feature in (
        librosa.feature.spectral_centroid,
        librosa.feature.spectral_flatness,
        librosa.feature.mfcc,
    ):
        feature(
            y=waveform,
            n_fft=1024,
            **options,
            **({} if feature is librosa.feature.spectral_flatness else {"sr": SAMPLE_RATE}),
        )


def paths():
    "The ways that are timed."
    tracker = lambda function: lambda waveform: function(waveform, active_frames(loudness(waveform)))
    every = {"torchcrepe.predict + librosa": library_path}
    every["utterance_features (tracks and functionals)"] = utterance_features
    every["utterance_features with swift"] = partial(utterance_features, pitch=swift)
    return {**every, **{f"pitch only: {name}": tracker(function) for name, function in TRACKERS.items()}}


def speed(corpora):
    "CPU time per second of audio on one core, all paths on the same files, alternating."
    import torch

    torch.set_num_threads(1)
    files = [waveform for _, waveform in sample(corpora, 12 if corpora.options.writes else 1)]
    spent = dict.fromkeys(paths(), 0.0)
    for function in paths().values():
        function(files[0])  # compile and load
    for waveform in progress(files, "speed"):
        for name, function in paths().items():
            start = process_time()
            function(waveform)
            spent[name] += process_time() - start
    seconds, first = sum(map(len, files)) / SAMPLE_RATE, spent["torchcrepe.predict + librosa"]
    rows = [(name, seconds / used, first / used) for name, used in spent.items()]
    table = pd.DataFrame(rows, columns=["path", "x_real_time", "x_torchcrepe_and_librosa"])
    print(table.round(1).to_string(index=False))
    return {"speed": table}, dict(audio_seconds=round(seconds, 1), files=len(files), clock="CPU time")


# --- transfer ---------------------------------------------------------------------------------------

SETTINGS = [("speaker", 1.0), ("speaker", 0.1), ("speaker", 0.01)]
SETTINGS += [(norm, 0.01) for norm in ("none", "corpus", "speaker, one scale")]


def egemaps(table, name, work):
    "openSMILE's 88 eGeMAPS functionals of a corpus, kept in the folder `work` if there is one."
    import opensmile

    file = work and work / f"egemaps-{name}-{len(table)}.npy"
    if file and file.exists():
        return np.load(file)
    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    rows = (smile.process_signal(read_audio(path), SAMPLE_RATE) for path in progress(table.path, "eGeMAPS"))
    found = np.stack([row.to_numpy(dtype=np.float32)[0] for row in rows])
    if file:
        with atomic_path(file) as path, open(path, "wb") as stream:
            np.save(stream, found)
    return found


def one_scale(table, features):
    "DESIGN's alternative: centre per speaker, then one scale per speaker for all features together."
    features, groups = normalise(features), normalisation_groups(table, "speaker")
    features = features / np.maximum(features.std(axis=0), 1e-9)
    result = np.empty_like(features)
    for group in np.unique(groups):
        own = features[groups == group] - features[groups == group].mean(axis=0)
        result[groups == group] = own / own.std()
    return result


def ready(tables, features, norm):
    "name -> features of each corpus and what `prepare` has still to do to them."
    if norm == "speaker, one scale":
        return {name: one_scale(table, features[name]) for name, table in tables.items()}, "none"
    if norm == "none":  # one scale for all corpora, so that regularisation means the same
        every = np.vstack([normalise(X) for X in features.values()])
        mean, spread = every.mean(axis=0), np.maximum(every.std(axis=0), 1e-9)
        return {name: (normalise(X) - mean) / spread for name, X in features.items()}, "none"
    return features, norm


def logistic(task, truth, strength):
    "UAR on the target, in percent."
    model = LogisticRegression(C=strength, max_iter=2000).fit(*task.labelled)
    return 100 * score(truth, model.predict_proba(task.target_X))["uar"]


def task_rows(corpora, features, norm, strength):
    "One row per task: UAR from all source labels and the mean over draws of five per emotion."
    X, left = ready(corpora.tables, features, norm)
    for source, target in corpora.pairs:
        pair = prepare(corpora.tables[source], X[source], corpora.tables[target], X[target], left)
        numbers = range(corpora.options.draws)
        shots = [logistic(pair.draw(5, number), pair.truth, strength) for number in numbers]
        row = dict(norm=norm, strength=strength, source=source, target=target, classes=len(pair.task.classes))
        row.update(all_labels=logistic(pair.task, pair.truth, strength), five_shot=np.mean(shots))
        yield row


def transfer(corpora):
    "Logistic regression on our functionals and on eGeMAPS: the same tasks, draws and settings."
    work, tables = corpora.options.work, corpora.tables
    sets = {"eGeMAPS (openSMILE)": {name: egemaps(table, name, work) for name, table in tables.items()}}
    sets["functionals"] = {name: corpora.features("prosody", name) for name in tables}
    rows = [
        dict(features=name, **row)
        for name, features in sets.items()
        for setting in progress(SETTINGS, name, unit="setting")
        for row in task_rows(corpora, features, *setting)
    ]
    grouped = pd.DataFrame(rows).groupby(["features", "norm", "strength"], sort=False)
    print(grouped[["all_labels", "five_shot"]].mean().round(1).to_string())
    return {"transfer": rows}, dict(classifier="logistic regression")


PARTS = {"accuracy": accuracy, "speed": speed, "transfer": transfer}


def main():
    "Measure, and write."
    parser = arguments(__doc__, features=("prosody",))
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=list(PARTS))
    options = parsed(parser)
    corpora = Corpora(options)
    for part in options.parts:
        tables, told = PARTS[part](corpora)
        save("prosody", tables, options, **told)


if __name__ == "__main__":
    main()
