#!/usr/bin/env python3
"""What a GPU is worth to the encoder: seconds of speech per second, memory, and how far frames move.

    python evidence/gpu.py --corpora FOLDER [--whisper SCRIPT]

Encoders: the bundled one; a network as large as XLSR-53 with random weights, which are as fast as learned
ones; Whisper-tiny where `--whisper` names what loads it. In each number format and with batches of several
lengths, one after another in one process: a GPU plans its convolutions for every length that it meets for
the first time, so a format's first row is what a corpus costs that is read once, and the others what it
costs to read it again. `cpu` is one thread of the same machine. How far: the largest change of a pooled
feature against the processor's, in standard deviations of that feature over the recordings."""

import sys
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
import transformers
from common import Corpora, arguments, parsed, save

from sere_nb.corpus.audio import SAMPLE_RATE, read_audio
from sere_nb.encoding.encode import encode, pool

LARGE = dict(  # XLSR-53's config.json
    hidden_size=1024,
    num_hidden_layers=24,
    num_attention_heads=16,
    intermediate_size=4096,
    feat_extract_norm="layer",
    conv_bias=True,
    do_stable_layer_norm=True,
)
ON_CPU, ON_GPU = 20, 400  # recordings
BATCHES = 15, 60, 120, 300  # seconds
FORMATS = "float32", "bfloat16", "float16"


def large(corpora):
    "The encoder that is as large as XLSR-53."
    torch.manual_seed(0)
    return corpora.checkpoint("as XLSR-53", transformers.Wav2Vec2Model(transformers.Wav2Vec2Config(**LARGE)))


def timed(encoder, waveforms, batch_seconds=None):
    "Pooled features, times real time, gigabytes of the GPU at most."
    encode(waveforms[:3], encoder, batch_seconds=batch_seconds)  # the first call loads kernels
    on_gpu = encoder.device != "cpu"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    begin = time.perf_counter()
    frames = encode(waveforms, encoder, batch_seconds=batch_seconds)
    seconds = time.perf_counter() - begin
    memory = torch.cuda.max_memory_allocated() / 1e9 if on_gpu else float("nan")
    return np.stack([pool(one) for one in frames]), sum(map(len, waveforms)) / SAMPLE_RATE / seconds, memory


def rows_of(name, encoder, waveforms):
    "The processor's row, then one for each format and batch."
    expected, speed, _ = timed(replace(encoder, device="cpu"), waveforms[:ON_CPU])
    yield dict(encoder=name, device="cpu", dtype="float32", batch_seconds=15, x_real_time=speed)
    for dtype in FORMATS:
        for batch in BATCHES:
            found, speed, memory = timed(replace(encoder, device="cuda", dtype=dtype), waveforms, batch)
            moved = np.abs(found[: len(expected)] - expected) / expected.std(axis=0)
            row = dict(encoder=name, device="cuda", dtype=dtype, batch_seconds=batch, x_real_time=speed)
            print({**row, "gigabytes": memory, "moved": moved.max()}, flush=True)
            yield {**row, "gigabytes": memory, "moved": moved.max()}


def main():
    "Measure, and write."
    parser = arguments(__doc__, draws=0, features=("encoder",))
    options = parsed(parser)
    if not torch.cuda.is_available():
        sys.exit("no GPU here")
    torch.set_num_threads(1)
    corpora = Corpora(options)
    table = pd.concat(corpora.tables.values()).sample(frac=1, random_state=0)
    waveforms = [read_audio(path) for path in table.path[:ON_GPU]]
    encoders = {"bundled": corpora.encoder("bundled"), "as XLSR-53": large(corpora)}
    if options.whisper:
        encoders["whisper-tiny"] = corpora.encoder("whisper-tiny")
    rows = [row for name, encoder in encoders.items() for row in rows_of(name, encoder, waveforms)]
    save("gpu", {"speed": rows}, options)


if __name__ == "__main__":
    main()
