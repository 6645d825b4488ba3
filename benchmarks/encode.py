#!/usr/bin/env python3
"""Measures chapter 03 on the real corpora: `python benchmarks/encode.py [speed] [pooling] [layers]` (all three if none is named).

speed     results/encode_speed.csv    encoding against a plain transformers loop, and a second run from the cache against the first
pooling   results/encode_pooling.csv  mean of active frames against mean of all frames, on the 12 ordered tasks
layers    results/encode_layers.csv   what each layer knows: speaker probe and emotion probe, per corpus

Encoders: `random`, `bundled` where this installation has it, and Whisper-tiny from ../shared/tools where that can be loaded.
Needs ../shared/corpora. Beside each csv lies a json with its provenance. One thread.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
import json
import sys
import tempfile
import time
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import transformers
from sklearn.linear_model import LogisticRegression

from sere_nb.audio import read_audio
from sere_nb.cache import FeatureCache
from sere_nb.core import atomic_path, emotion_name, provenance
from sere_nb.encode import encode, pool
from sere_nb.encoder import BUNDLED, load_encoder
from sere_nb.features import extract, extract_frames, probe

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
RESULTS = ROOT / "results"


def corpora() -> pd.DataFrame:
    table = pd.read_csv(SHARED / "corpora" / "manifest.csv", dtype={"speaker": str})
    return table.assign(
        path=[str(SHARED / "corpora" / path) for path in table.path], emotion=table.emotion.map(emotion_name)
    )


def encoders(folder) -> dict:
    "The encoders at hand; Whisper-tiny is written to `folder` as a checkpoint first."
    found = {"random": load_encoder("random")}
    if (BUNDLED / "model.safetensors").exists():
        found["bundled"] = load_encoder("bundled")
    sys.path.insert(0, str(SHARED / "tools"))
    try:
        import whisper_tiny

        whisper_tiny.load().save_pretrained(Path(folder) / "whisper-tiny")
        found["whisper-tiny"] = load_encoder(Path(folder) / "whisper-tiny")
    except ImportError as error:
        print("without Whisper-tiny:", error)
    return found


def write(rows, name: str, **options):
    "A csv, its provenance, and the same on the screen."
    table = pd.DataFrame(rows)
    print(table.to_string(index=False), flush=True)
    with atomic_path(RESULTS / f"{name}.csv") as path:
        table.to_csv(path, index=False, float_format="%.4f")
    with atomic_path(RESULTS / f"{name}.json") as path:
        path.write_text(
            json.dumps(
                provenance(script="benchmarks/encode.py", threads=torch.get_num_threads(), **options),
                indent=1,
            )
            + "\n"
        )


def best(function, repeats: int) -> float:
    "Shortest of several runs, s."
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        function()
        times.append(time.perf_counter() - begin)
    return min(times)


def plain_loop(encoder, waveforms) -> list:
    "What one writes without this package: one utterance at a time, all layers, `output_hidden_states`."
    extractor = transformers.Wav2Vec2FeatureExtractor(do_normalize=encoder.name != "bundled")
    first, last = encoder.band
    frames = []
    with torch.inference_mode():
        for waveform in waveforms:
            inputs = extractor(waveform, sampling_rate=16_000, return_tensors="pt")
            states = encoder.model(inputs.input_values, output_hidden_states=True).hidden_states
            frames.append(torch.stack(states[first : last + 1]).mean(0)[0].numpy())
    return frames


def speed(found, every: int = 40, repeats: int = 5):
    table = corpora().iloc[::every].reset_index(drop=True)
    waveforms, rows = [read_audio(path) for path in table.path], []
    seconds = sum(map(len, waveforms)) / 16_000
    for name in [name for name in found if name != "whisper-tiny"]:
        encoder = found[name]
        difference = max(
            np.abs(one - other).max()
            for one, other in zip(encode(waveforms, encoder), plain_loop(encoder, waveforms))
        )
        assert difference < 1e-3, difference
        pairs = [
            (best(lambda: plain_loop(encoder, waveforms), 1), best(lambda: encode(waveforms, encoder), 1))
            for _ in range(repeats)
        ]
        plain, ours = (
            min(times) for times in zip(*pairs)
        )  # taken in turn, so that a busy machine slows both
        with tempfile.TemporaryDirectory() as folder:
            first = best(lambda: extract(table, "encoder", encoder, cache=folder), 1)
            second = best(lambda: extract(table, "encoder", encoder, cache=folder), repeats)
        rows.append(
            {
                "encoder": name,
                "utterances": len(table),
                "seconds": seconds,
                "plain_loop_x_real_time": seconds / plain,
                "encode_x_real_time": seconds / ours,
                "times_faster": plain / ours,
                "first_extract_s": first,
                "cached_extract_s": second,
                "cache_factor": first / second,
            }
        )
    write(rows, "encode_speed", every=every, repeats=repeats)


def normalised(vectors, speakers):
    "Centred and scaled per speaker, without labels."
    result = np.empty_like(vectors)
    for speaker in set(speakers):
        rows = np.array([other == speaker for other in speakers])
        result[rows] = (vectors[rows] - vectors[rows].mean(0)) / (vectors[rows].std() + 1e-6)
    return result


def pooling(found, cache, every: int = 3):
    "All source labels, logistic regression, speaker normalisation, 12 ordered tasks: only how frames are pooled differs."
    table, rows = corpora().iloc[::every].reset_index(drop=True), []
    emotions = table.groupby("corpus").emotion.agg(set)
    for name, encoder in found.items():
        frames = extract_frames(table, encoder, cache=cache)
        for way, chosen in {
            "active frames": [active for _, active in frames],
            "all frames": [None] * len(frames),
        }.items():
            vectors = np.stack([pool(one, mask) for (one, _), mask in zip(frames, chosen)])
            vectors = normalised(vectors, list(table.corpus + table.speaker))
            scores = []
            for source, target in permutations(sorted(emotions.index), 2):
                train, test = (
                    (
                        (table.corpus == corpus) & table.emotion.isin(emotions[source] & emotions[target])
                    ).to_numpy()
                    for corpus in (source, target)
                )
                judge = LogisticRegression(C=1.0, max_iter=500).fit(vectors[train], table.emotion[train])
                guess = judge.predict(vectors[test])
                truth = table.emotion[test].to_numpy()
                scores.append(
                    np.mean([(guess[truth == emotion] == emotion).mean() for emotion in sorted(set(truth))])
                )
            rows.append(
                {
                    "encoder": name,
                    "pooling": way,
                    "mean_uar_12_tasks": 100 * np.mean(scores),
                    "share_of_frames_active": np.mean([active.mean() for _, active in frames]),
                }
            )
    write(
        rows,
        "encode_pooling",
        every=every,
        classifier="logistic regression, all source labels",
        norm="speaker",
    )


def layers(found, cache, every: int = 4):
    table, rows = corpora().iloc[::every].reset_index(drop=True), []
    for name, encoder in found.items():
        for layer in range(encoder.depth + 1):
            vectors = extract(table, "encoder", encoder, (layer, layer), cache=cache)
            for corpus in sorted(set(table.corpus)):
                some = (table.corpus == corpus).to_numpy()
                speaker, emotion = table.speaker[some].to_numpy(), table.emotion[some].to_numpy()
                rows.append(
                    {
                        "encoder": name,
                        "corpus": corpus,
                        "layer": layer,
                        "speaker_uar": 100 * probe(vectors[some], speaker),
                        "speaker_chance": 100 / len(set(speaker)),
                        "emotion_uar": 100 * probe(vectors[some], emotion, speaker),
                        "emotion_chance": 100 / len(set(emotion)),
                    }
                )
    write(
        rows,
        "encode_layers",
        every=every,
        classifier="logistic regression, C=0.1, 5 folds; emotion: no speaker on both sides",
    )


def main(parts):
    torch.set_num_threads(1)
    cache = FeatureCache()
    with tempfile.TemporaryDirectory() as folder:
        found = encoders(folder)
        for part in parts or ("speed", "pooling", "layers"):
            {"speed": speed, "pooling": pooling, "layers": layers}[part](
                *((found,) if part == "speed" else (found, cache))
            )


if __name__ == "__main__":
    main(sys.argv[1:])
