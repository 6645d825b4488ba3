#!/usr/bin/env python3
"""Measures the chapters on encoders: how fast encoding is, what pooling active frames is worth, what each
layer knows.

    python evidence/encode.py --corpora FOLDER [--parts speed pooling layers] [--whisper SCRIPT]

speed     encoding against a plain transformers loop, and a second run from the cache against the first
pooling   mean of active frames against mean of all frames: every task, all source labels
layers    speaker probe and emotion probe of every layer, per corpus

Encoders: random weights, the bundled one, and Whisper-tiny where `--whisper` names what loads it. One
thread."""

import tempfile
import time

import numpy as np
import pandas as pd
import torch
import transformers
from common import Corpora, arguments, parsed, save

from sere_nb.corpus.audio import SAMPLE_RATE, read_audio
from sere_nb.encoding.encode import encode, pool
from sere_nb.encoding.features import extract, extract_frames, probe
from sere_nb.tasks.baselines import logreg_model
from sere_nb.tasks.tasks import prepare, score

EVERY = {"speed": 40, "pooling": 3, "layers": 4}  # of how many recordings one is taken


def thinned(corpora, part):
    "One recording of a few: the same ones at every call."
    whole = part == "speed" or corpora.options.writes  # slices are thin enough for the rest
    step = EVERY[part] if whole else 1
    every = pd.concat(corpora.tables.values(), ignore_index=True)
    return every.iloc[::step].reset_index(drop=True)


def best(function, repeats):
    "Shortest of several runs, s."
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        function()
        times.append(time.perf_counter() - begin)
    return min(times)


def plain_loop(encoder, waveforms):
    "What one writes without this package: one utterance at a time, all layers, `output_hidden_states`."
    extractor = transformers.Wav2Vec2FeatureExtractor(do_normalize=encoder.name != "bundled")
    first, last = encoder.band
    network = transformers.AutoModel.from_pretrained(encoder.folder) if encoder.folder else encoder.model
    network = network.float().eval()  # the bundled weights lie in half precision
    frames = []
    with torch.inference_mode():
        for waveform in waveforms:
            inputs = extractor(waveform, sampling_rate=SAMPLE_RATE, return_tensors="pt")
            states = network(inputs.input_values, output_hidden_states=True).hidden_states
            frames.append(torch.stack(states[first : last + 1]).mean(0)[0].numpy())
    return frames


def cache_times(table, encoder, repeats):
    "Seconds of a first extraction and of one that finds everything in the cache."
    with tempfile.TemporaryDirectory() as folder:
        again = lambda: extract(table, "encoder", encoder, cache=folder)
        return best(again, 1), best(again, repeats)


def speed(corpora, encoders):
    "A row per encoder that is a wav2vec 2.0."
    repeats = 5 if corpora.options.writes else 1
    table = thinned(corpora, "speed")
    waveforms = [read_audio(path) for path in table.path]
    seconds = sum(map(len, waveforms)) / SAMPLE_RATE
    for name in [name for name in encoders if name != "whisper-tiny"]:
        encoder = encoders[name]
        ways = lambda: encode(waveforms, encoder), lambda: plain_loop(encoder, waveforms)
        difference = max(np.abs(one - other).max() for one, other in zip(*(way() for way in ways)))
        assert difference < 1e-3, difference
        times = [[best(way, 1) for way in ways] for _ in range(repeats)]  # in turn: a busy machine slows both
        ours, plain = (min(column) for column in zip(*times))
        first, second = cache_times(table, encoder, repeats)
        row = dict(encoder=name, utterances=len(table), seconds=seconds)
        row.update(plain_loop_x_real_time=seconds / plain, encode_x_real_time=seconds / ours)
        row.update(times_faster=plain / ours, first_extract_s=first, cached_extract_s=second)
        yield {**row, "cache_factor": first / second}


def all_labels(table, vectors, source, target):
    "UAR of logistic regression on all source labels, normalised per speaker."
    sides = [(table.corpus == name).to_numpy() for name in (source, target)]
    parts = [part for side in sides for part in (table[side].reset_index(drop=True), vectors[side])]
    pair = prepare(*parts)
    return score(pair.truth, logreg_model(pair.task).predict_proba(pair.task.target_X))["uar"]


def pooling(corpora, encoders):
    "A row per encoder and way to pool."
    table = thinned(corpora, "pooling")
    for name, encoder in encoders.items():
        frames = extract_frames(table, encoder)
        active = [mask for _, mask in frames]
        for way, masks in {"active frames": active, "all frames": [None] * len(frames)}.items():
            vectors = np.stack([pool(one, mask) for (one, _), mask in zip(frames, masks)])
            mean = 100 * np.mean([all_labels(table, vectors, *pair) for pair in corpora.pairs])
            share = np.mean([mask.mean() for mask in active])
            yield dict(encoder=name, pooling=way, mean_uar_12_tasks=mean, share_of_frames_active=share)


def layers(corpora, encoders):
    "A row per encoder, layer and corpus."
    table = thinned(corpora, "layers")
    for name, encoder in encoders.items():
        for layer in range(encoder.depth + 1):
            vectors = extract(table, "encoder", encoder, (layer, layer))
            for corpus, part in table.groupby("corpus"):
                X, speaker, emotion = vectors[part.index], part.speaker.to_numpy(), part.emotion.to_numpy()
                row = dict(encoder=name, corpus=corpus, layer=layer, speaker_uar=100 * probe(X, speaker))
                row.update(speaker_chance=100 / len(set(speaker)))
                row.update(
                    emotion_uar=100 * probe(X, emotion, speaker), emotion_chance=100 / len(set(emotion))
                )
                yield row


PARTS = {"speed": speed, "pooling": pooling, "layers": layers}


def main():
    "Measure, and write."
    parser = arguments(__doc__, draws=0, features=("encoder",))
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=list(PARTS))
    options = parsed(parser)
    torch.set_num_threads(1)
    corpora = Corpora(options)
    names = ["random", "bundled", *(["whisper-tiny"] if options.whisper else [])]
    encoders = {name: corpora.encoder(name) for name in names}
    for part in options.parts:
        table = pd.DataFrame(PARTS[part](corpora, encoders))
        print(part, table.to_string(index=False), sep="\n", flush=True)
        save("encode", {part: table}, options, every=EVERY[part], threads=1)


if __name__ == "__main__":
    main()
