#!/usr/bin/env python3
"""What the bundled encoder is worth on real speech: 12 ordered tasks of four corpora, beside what it has to beat and the teacher it learned from.

    python benchmarks/bundled_encoder.py --corpora ../shared/corpora --teacher ../shared/tools/whisper_tiny.py [--draws 20]

Every row: emotions common to the two corpora, features standardised per speaker, logistic regression, all source labels (`logreg-all`) or 5 per emotion (`logreg`).
Frames are pooled over the active ones. Writes results/bundled_encoder_features.csv (a row per feature set, task and kind of labels; UAR is the mean over draws),
results/bundled_encoder_layers.csv (each layer of student and teacher), results/bundled_encoder_speed.csv, and their provenance.
"""

import argparse
import importlib.util
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sere_nb.audio import SAMPLE_RATE, read_audio
from sere_nb.baselines import BASELINES, run_task
from sere_nb.core import atomic_path, progress, provenance
from sere_nb.data import load_corpus
from sere_nb.encode import activity, encode, pool
from sere_nb.encoder import load_encoder
from sere_nb.features import extract

ROOT = Path(__file__).resolve().parent.parent
NAMES = ["emodb", "emovo", "ravdess", "nemo"]
METHODS = {name: BASELINES[name] for name in ("logreg", "logreg-all")}


def mfcc(waveform):
    "Mean and standard deviation of 20 MFCCs and their deltas over active frames."
    import librosa

    coefficients = librosa.feature.mfcc(
        y=waveform, sr=SAMPLE_RATE, n_mfcc=20, n_fft=400, hop_length=320, center=False
    )
    frames = np.concatenate([coefficients, librosa.feature.delta(coefficients)]).T
    spoken = frames[activity(waveform)[: len(frames)]]
    return np.concatenate([spoken.mean(0), spoken.std(0)])


def teacher_states(path):
    "A function that pools the teacher's five states: (n, 5, D); a corpus is computed once."
    spec = importlib.util.spec_from_file_location("teacher", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    encoder, known = module.load(), {}

    def one(waveform):
        spoken = activity(waveform)
        return np.stack(
            [
                pool(state[: len(spoken)], spoken[: len(state)])
                for state in module.hidden_states(encoder, waveform)
            ]
        )

    def pooled(paths, waveforms):
        if paths[0] not in known:
            known[paths[0]] = np.stack([one(waveform) for waveform in progress(waveforms, "teacher")])
        return known[paths[0]]

    return pooled


def pooled_states(model, waveforms):
    "Every state of a wav2vec 2.0, the last one behind its closing layer norm, pooled: (n, layers + 1, D)."
    rows = []
    for waveform in progress(waveforms, "layers"):
        with torch.inference_mode():
            output = model(torch.from_numpy(waveform)[None], output_hidden_states=True)
        states = [*output.hidden_states[:-1], output.last_hidden_state]
        rows.append([pool(state[0].numpy(), activity(waveform)) for state in states])
    return np.array(rows)


def feature_makers(teacher):
    "How each feature set is made of a table and its waveforms, by the names under which they are reported; teacher states come as (n, 5, D)."
    from sere_nb.workshop.student import new_student

    bundled, known = load_encoder("bundled"), {}
    prosody = lambda table, waveforms: extract(table, "prosody")
    student = lambda table, waveforms: extract(table, "encoder", bundled)
    state = lambda first, last: (
        lambda table, waveforms: teacher(table.path, waveforms)[:, first : last + 1].mean(1)
    )
    beside = lambda *makers: (
        lambda table, waveforms: np.concatenate([make(table, waveforms) for make in makers], 1)
    )

    def layer(i):
        def make(table, waveforms):
            if table.path[0] not in known:
                known[table.path[0]] = pooled_states(bundled.model, waveforms)
            return known[table.path[0]][:, i]

        return make

    sets = {
        "MFCC statistics": lambda table, waveforms: np.stack([mfcc(waveform) for waveform in waveforms]),
        "prosody": prosody,
        "bundled": student,
        "bundled + prosody": beside(student, prosody),
        "teacher": state(1, 2),
        "teacher + prosody": beside(state(1, 2), prosody),
        "random weights": lambda table, waveforms: extract(table, "encoder", "random"),
        "untrained student": lambda table, waveforms: pooled_states(new_student(), waveforms)[:, -1],
    }
    layers = {f"bundled layer {i}": layer(i) for i in range(bundled.depth + 1)}
    return sets, layers | {f"teacher layer {i}": state(i, i) for i in range(5)}


def measure(tables, features, name, draws):
    "UAR of each task, with all labels and as a mean over draws."
    rows = [
        row
        for source in NAMES
        for target in NAMES
        if source != target
        for row in run_task(
            tables[source], features[source], tables[target], features[target], METHODS, draws=draws
        )
    ]
    frame = (
        pd.DataFrame(rows)
        .groupby(["source", "target", "method", "labels_used"], sort=False)
        .uar.agg(["mean", "std"])
        .reset_index()
    )
    return frame.rename(columns={"mean": "uar", "std": "std_over_draws"}).assign(features=name, draws=draws)


def speed(waveforms, repeats=3):
    "Seconds of speech per second of one core, best of a few."
    encoder, seconds = load_encoder("bundled", device="cpu"), sum(map(len, waveforms)) / SAMPLE_RATE
    encode(waveforms[:2], encoder)
    took = []
    for _ in range(repeats):
        start = time.perf_counter()
        encode(waveforms, encoder)
        took.append(time.perf_counter() - start)
    return {
        "seconds_of_speech": seconds,
        "seconds": min(took),
        "times_real_time": seconds / min(took),
        "parameters": sum(parameter.numel() for parameter in encoder.model.parameters()),
        "bytes": (encoder.folder / "model.safetensors").stat().st_size,
    }


def write(frame, name):
    with atomic_path(ROOT / "results" / f"{name}.csv") as path:
        frame.to_csv(path, index=False, float_format="%.4f")


def note(name, **options):
    with atomic_path(ROOT / "results" / f"{name}.provenance.json") as path:
        path.write_text(
            json.dumps(provenance(script="benchmarks/bundled_encoder.py", **options), indent=1) + "\n",
            encoding="utf-8",
        )


def refreshed(name, makers, only, tables, waveforms, draws):
    "Rows of every feature set: measured now if asked for, else as they stand in results/."
    file, frames = ROOT / "results" / f"{name}.csv", []
    stored = pd.read_csv(file) if file.exists() else pd.DataFrame(columns=["features"])
    for kind, make in makers.items():
        rows = stored[stored.features == kind]
        if any(kind.startswith(word) for word in only) or not len(rows):
            rows = measure(
                tables, {corpus: make(tables[corpus], waveforms[corpus]) for corpus in NAMES}, kind, draws
            )
            print(kind, rows.groupby("method").uar.mean().mul(100).round(1).to_dict(), flush=True)
        frames.append(rows)
        write(pd.concat(frames + [stored[~stored.features.isin([*pd.concat(frames).features])]]), name)
    return pd.concat(frames)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpora", type=Path, required=True)
    parser.add_argument("--teacher", type=Path, required=True, help="script with load() and hidden_states()")
    parser.add_argument(
        "--only",
        nargs="*",
        default=[""],
        help="measure anew only feature sets that begin so (after another training: bundled); what is missing is always measured",
    )
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--layer-draws", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    tables = {name: load_corpus(name, options.corpora / name) for name in NAMES}
    waveforms = {name: [read_audio(path) for path in table.path] for name, table in tables.items()}
    sets, layers = feature_makers(teacher_states(options.teacher))
    shaped = dict(
        norm="speaker",
        shots=5,
        draws=options.draws,
        layer_draws=options.layer_draws,
        corpora=NAMES,
        identity=load_encoder("bundled").identity,
    )
    for name, makers, draws in [
        ("bundled_encoder_features", sets, options.draws),
        ("bundled_encoder_layers", layers, options.layer_draws),
    ]:
        frame = refreshed(name, makers, options.only, tables, waveforms, draws)
        print(
            frame.pivot_table(index="features", columns=["method", "target"], values="uar", sort=False)
            .mul(100)
            .round(1)
            .to_string()
        )
        note(name, **shaped)
    write(pd.DataFrame([speed(waveforms["emodb"][:60])]), "bundled_encoder_speed")
    note("bundled_encoder_speed", **shaped)


if __name__ == "__main__":
    main()
