#!/usr/bin/env python3
"""Is the speech of a call found, and each stretch answered as the sentence alone? Made-up calls of ten
minutes, two speakers of one corpus on two channels, with noise, for both detectors of chapter speech.

    python evidence/speech.py --corpora FOLDER

Calls of two corpora are also answered, with a model that is adapted to them from EMO-DB."""

import tempfile
import time
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from common import Corpora, arguments, parsed, save

from sere_nb.answers.recogniser import adapt, predict
from sere_nb.answers.recordings import hear
from sere_nb.corpus.audio import SAMPLE_RATE, read_audio
from sere_nb.sound.frames import HOP, active_frames, loudness
from sere_nb.sound.speech import channel_weights, find_speech, made_up_call

NOISE = (40, 20, 10)  # dB below the speech
ANSWERED = ("emovo", "nemo")  # whose calls are answered, at the first of these
SECONDS = 600


def sides(table):
    "Sentences of the two speakers with the most, as many as fill ten minutes of call."
    speakers = table.speaker.value_counts().index[:2]
    rows = [table[table.speaker == who].sample(frac=1, random_state=0) for who in speakers]
    count = round(SECONDS / (table.seconds.mean() + 1.75) / 2)
    return [[read_audio(path) for path in part.path[:count]] for part in rows]


def overlap(found, one):
    "What was found of a sentence."
    own = [other for other in found if other.channel == one.channel]
    return [other for other in own if other.start < one.end and other.end > one.start]


def cut(samples, one):
    "The sound of a stretch."
    first, end = (round(at * SAMPLE_RATE) for at in (one.start, one.end))
    return samples[first:end, int(one.channel) - 1]


def shares(samples, clean, truth, found):
    "How much of the speech was found, how much of what was found is none, and how good the boundaries are."
    spoken, heard = (np.zeros((2, len(samples) // HOP + 1), bool) for _ in range(2))
    for one in truth:
        active = active_frames(loudness(cut(clean, one)))
        first = round(one.start * SAMPLE_RATE / HOP)
        spoken[int(one.channel) - 1, first : first + len(active)] = active
    for one in found:
        heard[int(one.channel) - 1, round(one.start * 50) : round(one.end * 50)] = True
    off = [
        max(abs(a[0].start - one.start), abs(a[-1].end - one.end))
        for one in truth
        if (a := overlap(found, one))
    ]
    return dict(
        found=(spoken & heard).sum() / spoken.sum(),
        beside=(heard & ~spoken).sum() / heard.sum(),
        boundaries=np.sum(np.array(off) <= 0.3) / len(truth),
    )


def same_answers(recogniser, samples, truth, answers):
    "Of the sentences that became one stretch: how many get the emotion that they get alone."
    found, same = [answer.stretch for answer in answers], []
    for one in truth:
        parts = overlap(found, one)
        if len(parts) == 1 and len(overlap(truth, parts[0])) == 1:
            said = answers[found.index(parts[0])].prediction.emotion
            same.append(said == predict(recogniser, [cut(samples, one)])[0].emotion)
    return dict(single=len(same) / len(truth), same=np.mean(same))


def answered(recogniser, path, samples, truth, detector):
    "What becomes of the answers to a call, and how many times faster than it they come."
    before = time.process_time()
    answers = list(hear(recogniser, [path], detector=detector))
    speed = len(samples) / SAMPLE_RATE / (time.process_time() - before)
    return dict(same_answers(recogniser, samples, truth, answers), speed=speed)


def rows_of(corpora, name, folder):
    "Both detectors on calls of one corpus."
    table, path = corpora.tables[name], Path(folder) / f"{name}.wav"
    recogniser = adapt(corpora.tables["emodb"], table) if name in ANSWERED else None
    pair = sides(table)
    clean, _ = made_up_call(pair, 300, name)
    for noise, detector in product(NOISE, ("gate", "silero")):
        samples, truth = made_up_call(pair, noise, name)
        soundfile.write(path, samples, SAMPLE_RATE)
        found = find_speech(path, channel_weights(path), detector)
        sizes = dict(seconds=len(samples) / SAMPLE_RATE, sentences=len(truth), stretches=len(found))
        row = dict(
            corpus=name, noise=noise, detector=detector, **sizes, **shares(samples, clean, truth, found)
        )
        if recogniser and noise == NOISE[0]:
            row.update(answered(recogniser, path, samples, truth, detector))
        print(row, flush=True)
        yield row


def main():
    "Measure, and write."
    options = parsed(arguments(__doc__, features=("both",)))
    corpora = Corpora(options)
    with tempfile.TemporaryDirectory() as folder:
        rows = [row for name in options.names for row in rows_of(corpora, name, folder)]
    save("speech", {"calls": pd.DataFrame(rows)}, options, features="both", noise=NOISE)


if __name__ == "__main__":
    main()
