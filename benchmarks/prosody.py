"""Measures chapter 02 on real speech and writes results/prosody_*.csv.

python benchmarks/prosody.py accuracy   raw pitch accuracy of the trackers on sounds of known pitch
python benchmarks/prosody.py speed      the whole path against torchcrepe + librosa, on one core
python benchmarks/prosody.py transfer   functionals against eGeMAPS on 12 cross-language tasks (needs opensmile: research licence, for measuring only)

`--corpora` is a folder that holds emodb, emovo, ravdess and nemo."""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import json
from functools import partial
from itertools import permutations
from pathlib import Path
from time import process_time

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.signal import lfilter

from sere_nb.audio import SAMPLE_RATE, read_audio
from sere_nb.core import atomic_path, generator, progress, provenance
from sere_nb.data import common_emotions, draw_shots, load_corpus
from sere_nb.frames import HOP, active_frames, add_noise, frame_count, loudness
from sere_nb.metrics import uar
from sere_nb.normalise import normalisation_groups, normalise
from sere_nb.pitch import FMAX, FMIN, crepe, glide, pyin, raw_pitch_accuracy, swift
from sere_nb.prosody import FUNCTIONALS, utterance_features

RESULTS = Path(__file__).resolve().parent.parent / "results"
CORPORA = ("emodb", "emovo", "ravdess", "nemo")


def save(table, name, **options):
    "Write a table and, beside it, where it comes from."
    with atomic_path(RESULTS / f"prosody_{name}.csv") as path:
        table.to_csv(path, index=False, float_format="%.3f")
    with atomic_path(RESULTS / f"prosody_{name}.json") as path:
        path.write_text(json.dumps(provenance(**options), indent=1) + "\n")
    print(table.to_string(index=False))


def sample(corpora, each):
    "The same few recordings of every corpus, as (name, waveform)."
    for name in CORPORA:
        table = load_corpus(name, corpora / name)
        chosen = generator("benchmark", name).choice(len(table), each, replace=False)
        yield from ((f"{name}/{table.path[i].name}", read_audio(table.path[i])) for i in chosen)


# --- sounds of known pitch -------------------------------------------------------------------------------------------


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
    "The vocal-tract filters of a recording, driven by harmonics at a drawn pitch: waveform and pitch per sample."
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


def sounds(corpora):
    "(kind, name, clean waveform, true pitch per frame), NaN in the pauses."
    for low, high in ((70, 140), (100, 300), (150, 500), (400, 120)):
        yield "glide", f"{low}-{high}", *glide(low, high, 3.0)
    for name, waveform in sample(corpora, 5):
        sound, pitch = resynthesised(waveform, generator("resynthesis", name))
        true = pitch[HOP * np.arange(frame_count(len(sound))) + 200]
        yield "speech", name, sound, np.where(active_frames(loudness(sound)), true, np.nan)


def torchcrepe_predict(waveform, active, **options):
    "torchcrepe as its users call it, on our grid (its frame k + 1 has its centre at 320 k + 200 if 120 samples go before)."
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
    rows = []
    for kind, name, clean, true in progress(list(sounds(corpora)), "accuracy", unit="sound"):
        for noise in (None, 20, 10, 0):
            waveform = add_noise(clean, noise, "benchmark", name)
            active = active_frames(loudness(waveform))
            for tracker, function in TRACKERS.items():
                rows.append(
                    (
                        kind,
                        "clean" if noise is None else f"{noise} dB",
                        tracker,
                        100 * raw_pitch_accuracy(function(waveform, active)[0], true),
                    )
                )
    table = pd.DataFrame(rows, columns=["sound", "noise", "tracker", "accuracy"])
    save(
        table.groupby(["sound", "noise", "tracker"], sort=False, as_index=False).accuracy.mean(),
        "trackers",
        cents=50,
        speech_files=20,
        glides=4,
    )


# --- speed -----------------------------------------------------------------------------------------------------------


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


def speed(corpora):
    "CPU time per second of audio on one core, all paths on the same files, alternating."
    import torch

    torch.set_num_threads(1)
    files = [waveform for _, waveform in sample(corpora, 12)]
    tracker = lambda function: lambda waveform: function(waveform, active_frames(loudness(waveform)))
    paths = {
        "torchcrepe.predict + librosa": library_path,
        "utterance_features (tracks and functionals)": utterance_features,
        "utterance_features with swift": partial(utterance_features, pitch=swift),
        **{f"pitch only: {name}": tracker(function) for name, function in TRACKERS.items()},
    }
    spent = dict.fromkeys(paths, 0.0)
    for function in paths.values():
        function(files[0])  # compile and load
    for waveform in progress(files, "speed"):
        for name, function in paths.items():
            start = process_time()
            function(waveform)
            spent[name] += process_time() - start
    seconds = sum(map(len, files)) / SAMPLE_RATE
    first = spent["torchcrepe.predict + librosa"]
    table = pd.DataFrame(
        [(name, seconds / used, first / used) for name, used in spent.items()],
        columns=["path", "x_real_time", "x_torchcrepe_and_librosa"],
    )
    save(table, "speed", audio_seconds=round(seconds, 1), files=len(files), threads=1, clock="CPU time")


# --- transfer --------------------------------------------------------------------------------------------------------


def egemaps(waveform):
    "openSMILE's 88 eGeMAPS functionals."
    import opensmile

    if not hasattr(egemaps, "smile"):
        egemaps.smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    return egemaps.smile.process_signal(waveform, SAMPLE_RATE).to_numpy(dtype=np.float32)[0]


def one_scale(features, groups):
    "DESIGN's alternative: centre per speaker, then one scale per speaker for all features together."
    features = normalise(features)
    features = features / np.maximum(features.std(axis=0), 1e-9)
    result = np.empty_like(features)
    for group in np.unique(groups):
        own = features[groups == group] - features[groups == group].mean(axis=0)
        result[groups == group] = own / own.std()
    return result


def normalised(features, table, norm):
    "Features of all corpora, ready for a classifier."
    if norm == "speaker, one scale":
        return one_scale(features, normalisation_groups(table, "speaker"))
    result = normalise(features, normalisation_groups(table, norm))
    return (result - result.mean(axis=0)) / np.maximum(result.std(axis=0), 1e-9) if norm == "none" else result


def score(features, labels, source, target, chosen, strength):
    "UAR on the target of a logistic regression trained on the chosen utterances of the source."
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=2000).fit(
        features[source[chosen]], labels[source[chosen]]
    )
    return 100 * uar(labels[target], model.predict(features[target]))


def task_rows(vectors, table, draws, strength, **columns):
    "One row per task: UAR from all source labels and the mean over draws of five per emotion."
    for first, second in permutations(CORPORA, 2):
        shared = common_emotions(table[table.corpus == first], table[table.corpus == second])
        source, target = (
            np.flatnonzero((table.corpus == name) & table.emotion.isin(shared)) for name in (first, second)
        )
        labels, own = table.emotion.to_numpy(dtype=str), table.iloc[source].reset_index(drop=True)
        shots = [
            score(vectors, labels, source, target, draw_shots(own, shared, 5, seed), strength)
            for seed in range(draws)
        ]
        whole = score(vectors, labels, source, target, np.arange(len(source)), strength)
        yield dict(
            columns,
            strength=strength,
            source=first,
            target=second,
            classes=len(shared),
            all_labels=whole,
            five_shot=np.mean(shots),
        )


def from_file(function, path):
    "One file in a worker process, on one thread."
    import torch

    torch.set_num_threads(1)
    return function(read_audio(path))


def extracted(table, function, file):
    "Features of every utterance, kept in a file because they take minutes."
    if not file.exists():
        heard = Parallel(n_jobs=2, return_as="generator")(
            delayed(from_file)(function, path) for path in table.path
        )
        found = np.stack(list(progress(heard, file.stem, total=len(table))))
        with atomic_path(file) as path, open(path, "wb") as stream:
            np.save(stream, found)
    return np.load(file)


def transfer(corpora, work, draws=20):
    "Logistic regression on our functionals and on eGeMAPS: the same tasks, draws, normalisation and strength."
    table = pd.concat([load_corpus(name, corpora / name) for name in CORPORA], ignore_index=True)
    sets = {
        "eGeMAPS (openSMILE)": extracted(table, egemaps, work / "egemaps.npy"),
        "functionals": extracted(table, utterance_features, work / "functionals.npy"),
    }
    assert sets["functionals"].shape == (len(table), len(FUNCTIONALS))
    settings = [("speaker", strength) for strength in (1.0, 0.1, 0.01)] + [
        (norm, 0.01) for norm in ("none", "corpus", "speaker, one scale")
    ]
    rows = [
        row
        for name, features in sets.items()
        for norm, strength in progress(settings, name, unit="setting")
        for row in task_rows(
            normalised(features, table, norm), table, draws, strength, features=name, norm=norm
        )
    ]
    save(pd.DataFrame(rows), "transfer", draws=draws, shots=5, classifier="logistic regression")
    print(
        pd.DataFrame(rows)
        .groupby(["features", "norm", "strength"], sort=False)[["all_labels", "five_shot"]]
        .mean()
        .round(1)
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["accuracy", "speed", "transfer"])
    parser.add_argument("--corpora", type=Path, default=Path("../shared/corpora"))
    parser.add_argument(
        "--work", type=Path, default=Path("benchmarks/cache"), help="where extracted features are kept"
    )
    arguments = parser.parse_args()
    extra = {"work": arguments.work} if arguments.what == "transfer" else {}
    {"accuracy": accuracy, "speed": speed, "transfer": transfer}[arguments.what](arguments.corpora, **extra)
