#!/usr/bin/env python3
"""What the bundled encoder is worth on real speech, beside what it has to beat and the teacher it learned
from.

    python evidence/bundled_encoder.py --corpora FOLDER --whisper SCRIPT [--draws 20] [--layer-draws 5]

Every row: emotions common to the two corpora, features normalised per speaker, logistic regression, all
source labels (`logreg-all`) or five per emotion (`logreg`). Frames are pooled over the active ones; UAR
is the mean over draws."""

import time

import numpy as np
import pandas as pd
import torch
from common import Corpora, arguments, each_pair, parsed, save

from sere_nb.base.core import progress
from sere_nb.corpus.audio import SAMPLE_RATE, read_audio
from sere_nb.encoding.encode import activity, encode
from sere_nb.encoding.encoder import _stored_numbers
from sere_nb.encoding.features import extract
from sere_nb.tasks.baselines import BASELINES
from sere_nb.tasks.tasks import prepare, run_task
from sere_nb.workshop.student import new_student

KEPT = ("source", "target", "draw", "method", "labels_used", "uar")
METHODS = {name: BASELINES[name] for name in ("logreg", "logreg-all")}


def mfcc(waveform):
    "Mean and standard deviation of 20 MFCCs and their deltas over active frames."
    import librosa

    told = dict(sr=SAMPLE_RATE, n_mfcc=20, n_fft=400, hop_length=320, center=False)
    coefficients = librosa.feature.mfcc(y=waveform, **told)
    frames = np.concatenate([coefficients, librosa.feature.delta(coefficients)]).T
    spoken = frames[activity(waveform)[: len(frames)]]
    return np.concatenate([spoken.mean(0), spoken.std(0)])


def of_files(function):
    "A maker of features that hears one file after the other."
    return lambda table: np.stack([function(read_audio(path)) for path in progress(table.path, "files")])


def makers(corpora):
    "How each feature set is made of a table, by the names under which they are reported; then each layer."
    bundled, teacher = (corpora.encoder(name) for name in ("bundled", "whisper-tiny"))
    untrained = corpora.checkpoint("untrained", new_student())
    of = lambda encoder, what="encoder", layers=None: lambda table: extract(table, what, encoder, layers)
    last = (untrained.depth, untrained.depth)
    sets = {"MFCC statistics": of_files(mfcc), "prosody": of(bundled, "prosody"), "bundled": of(bundled)}
    sets.update({"bundled + prosody": of(bundled, "both"), "teacher": of(teacher)})
    sets.update({"teacher + prosody": of(teacher, "both"), "random weights": of("random")})
    sets["untrained student"] = of(untrained, layers=last)
    both = {"bundled": bundled, "teacher": teacher}
    layers = {
        f"{name} layer {number}": of(encoder, layers=(number, number))
        for name, encoder in both.items()
        for number in range(encoder.depth + 1)
    }
    return sets, layers


def measured(corpora, name, make, draws):
    "UAR of each task, with all labels and as a mean over draws."
    X = {corpus: make(table) for corpus, table in corpora.tables.items()}

    def rows_of(source, target):
        pair = prepare(corpora.tables[source], X[source], corpora.tables[target], X[target])
        return [{key: row[key] for key in KEPT} for row in run_task(pair, METHODS, draws=draws)]

    rows = each_pair(corpora, name, rows_of)
    grouped = rows.groupby(["source", "target", "method", "labels_used"], sort=False).uar
    table = grouped.agg(uar="mean", std_over_draws="std").reset_index()
    print(name, table.groupby("method").uar.mean().mul(100).round(1).to_dict(), flush=True)
    return table.assign(features=name, draws=draws)


def speed(corpora, repeats=3):
    "Seconds of speech per second of one core, best of a few."
    encoder, table = corpora.encoder("bundled"), corpora.tables[corpora.options.names[0]]
    waveforms, took = [read_audio(path) for path in table.path[:60]], []
    seconds = sum(map(len, waveforms)) / SAMPLE_RATE
    encode(waveforms[:2], encoder)
    for _ in range(repeats):
        start = time.perf_counter()
        encode(waveforms, encoder)
        took.append(time.perf_counter() - start)
    row = dict(seconds_of_speech=seconds, seconds=min(took), times_real_time=seconds / min(took))
    row.update(parameters=_stored_numbers(encoder.folder))
    return {**row, "bytes": (encoder.folder / "model.safetensors").stat().st_size}


def main():
    "Measure, and write."
    parser = arguments(__doc__)
    parser.add_argument("--layer-draws", type=int, default=5)
    options = parsed(parser)
    torch.set_num_threads(1)
    corpora = Corpora(options)
    sets, layers = makers(corpora)
    told = dict(identity=corpora.encoder("bundled").identity)
    parts = {"features": (sets, options.draws), "layers": (layers, min(options.draws, options.layer_draws))}
    for name, (kinds, draws) in parts.items():
        rows = pd.concat([measured(corpora, kind, make, draws) for kind, make in kinds.items()])
        save("bundled_encoder", {name: rows}, options, **told)
    save("bundled_encoder", {"speed": [speed(corpora)]}, options, **told)


if __name__ == "__main__":
    main()
