#!/usr/bin/env python3
"""Does `--channel auto` know two voices from one voice on two channels? Made-up recordings of sentences of
two speakers of a corpus, by the rule of chapter speech (`now`) and by the one before it (`before`).

    python evidence/channels.py --corpora FOLDER --names emodb nemo casia emovo ravdess urdu

The thresholds were chosen on the first three corpora; `judged` marks the other three. Right is: each of two
voices on its own channel, one voice as a mix (turned round where its signs differ), and no channel on its own
that holds no voice of its own."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from common import Corpora, arguments, parsed, save
from scipy.signal import fftconvolve

from sere_nb.base.core import generator
from sere_nb.corpus.audio import SAMPLE_RATE, SILENCE, audio_blocks, open_audio, read_audio
from sere_nb.sound.frames import decibel
from sere_nb.sound.speech import _trimmed, channel_weights

CHOSEN = ("emodb", "nemo", "casia")  # on which the thresholds were chosen
EACH = 25  # pairs of a kind, of each corpus
NOISE = (60, 50, 40, 30)  # dB below the speech, on each channel


# --- two voices ---------------------------------------------------------------------------------------


def factor(level):
    "Of an amplitude, from dB."
    return 10 ** (level / 20)


def later(sound, seconds):
    "The same, delayed."
    return np.pad(sound, (round(seconds * SAMPLE_RATE), 0))[: len(sound)]


def at_once(random, one, other):
    "Both from the start."
    size = max(len(one), len(other))
    return np.stack([np.pad(voice, (0, size - len(voice))) for voice in (one, other)], axis=1)


def in_turn(random, one, other):
    "The second a moment after the first."
    wait = round(random.uniform(0.1, 0.5) * SAMPLE_RATE)
    return at_once(random, one, np.pad(other, (len(one) + wait, 0)))


def words(random, one, other):
    "A short word of each, 0.4 to 0.9 s, at the same time."
    size = round(random.uniform(0.4, 0.9) * SAMPLE_RATE)
    return at_once(random, one[:size], other[:size])


def words_in_turn(random, one, other):
    "A short word of each, one after the other."
    size = round(random.uniform(0.4, 0.9) * SAMPLE_RATE)
    return in_turn(random, one[:size], other[:size])


def call(random, one, other):
    "Three sentences of each, by turns, with pauses."
    parts = [in_turn(random, *pair) for pair in zip(np.array_split(one, 3), np.array_split(other, 3))]
    pauses = [np.zeros((round(random.uniform(0.5, 2) * SAMPLE_RATE), 2)) for _ in parts]
    return np.concatenate([each for both in zip(parts, pauses) for each in both])


def one_word(random, one, other):
    "A call in which the second says a single word, after eight times the other's sentence."
    word = other[: round(random.uniform(0.4, 0.9) * SAMPLE_RATE)]
    return np.concatenate([call(random, np.tile(one, 8), np.zeros(3)), in_turn(random, one[:1600], word)])


def softer(arranged, level):
    "The second voice is so many dB softer."
    return lambda random, one, other: arranged(random, one, factor(-level) * other)


def crossed(arranged, level):
    "Each also heard on the other's channel, so many dB softer and up to 5 ms later."

    def sound(random, one, other):
        own = arranged(random, one, other)
        leaks = [factor(level) * later(voice, random.uniform(0, 0.005)) for voice in own.T]
        return own + np.stack(leaks[::-1], axis=1)

    return sound


# --- one voice ----------------------------------------------------------------------------------------


def copied(gain=0.0, delay=0.0, sign=1):
    "The same on both channels, the second up to so many dB softer and seconds later."

    def sound(random, one, other):
        second = factor(-random.uniform(0, gain)) * later(one, random.uniform(0, delay))
        return np.stack([one, sign * second], axis=1)

    return sound


def noisy(ratio):
    "The same on both channels, and white noise on the second."

    def sound(random, one, other):
        noise = random.standard_normal(len(one)) * np.sqrt(np.mean(one**2)) * factor(-ratio)
        return np.stack([one, one + noise], axis=1)

    return sound


def room(random, one, other):
    "Two microphones in a room: the direct sound, and echoes of their own that die away."
    decay, size = random.uniform(0.2, 0.5), SAMPLE_RATE // 2
    fading = factor(-60 * np.arange(size) / SAMPLE_RATE / decay)
    heard = []
    for delay in (0, random.uniform(0, 0.002)):
        echo = random.standard_normal(size) * fading
        echo *= factor(-random.uniform(0, 6)) / np.linalg.norm(echo)
        heard.append(later(one, delay) + fftconvolve(one, echo)[: len(one)])
    return np.stack(heard, axis=1)


def only_crosstalk(level):
    "The second channel holds the first, so many dB softer and up to 5 ms later."
    return lambda random, one, other: np.stack(
        [one, factor(level) * later(one, random.uniform(0, 0.005))], axis=1
    )


def long_crosstalk(level):
    "A call of which only one side speaks: it is heard on both."

    def sound(random, one, other):
        return only_crosstalk(level)(random, call(random, one, other)[:, 0], None)

    return sound


def echo(random, one, other):
    "A call of which only one side speaks: its echo comes back 50 to 200 ms later, 10 to 30 dB softer."
    voice = call(random, np.tile(one, 8), other)[:, 0]
    back = factor(-random.uniform(10, 30)) * later(voice, random.uniform(0.05, 0.2))
    return np.stack([voice, back], axis=1)


def thin(random, one, other):
    "Crosstalk between lines: the higher the frequency, the more, 20 dB at 1 kHz."
    voice = call(random, one, other)[:, 0]
    return np.stack([voice, 0.1 * np.diff(voice, prepend=0) / (2 * np.pi / 16)], axis=1)


def third(level):
    "Two people in a call, each with a channel, and a third channel that nobody speaks into."

    def sound(random, one, other):
        own = crossed(call, level)(random, one, other)
        return np.column_stack([own[:, 0], factor(level) * own.sum(axis=1), own[:, 1]])

    return sound


def one_silent(random, one, other):
    "Nothing on the second channel but noise."
    return np.stack([one, 0 * one], axis=1)


TWO = {
    "two at once": at_once,
    "two in turn": in_turn,
    **{f"two at once, crosstalk {level} dB": crossed(at_once, level) for level in (-10, -20, -30)},
    **{f"two in turn, crosstalk {level} dB": crossed(in_turn, level) for level in (-10, -20, -30)},
    **{f"call, crosstalk {level} dB": crossed(call, level) for level in (-10, -20, -30)},
    "two in turn, one 20 dB softer": softer(in_turn, 20),
    "call, one 15 dB softer, crosstalk -30 dB": crossed(softer(call, 15), -30),
    **{f"one says a word, crosstalk {level} dB": crossed(one_word, level) for level in (-10, -20, -30)},
    "two words at once": words,
    "two words in turn": words_in_turn,
}
ONE = {
    "one, copied": copied(),
    "one, softer by up to 20 dB": copied(gain=20),
    "one, up to 2 ms later": copied(delay=0.002),
    "one, opposite sign": copied(sign=-1),
    **{f"one, noise at {ratio} dB on one channel": noisy(ratio) for ratio in (20, 10, 5)},
    "one, two microphones in a room": room,
}
NONE = {
    **{f"only crosstalk {level} dB": only_crosstalk(level) for level in (-10, -20, -30)},
    **{f"only crosstalk {level} dB, a call": long_crosstalk(level) for level in (-10, -20, -30)},
    "only crosstalk between lines, a call": thin,
    "only an echo, a call": echo,
    **{f"a third with only crosstalk {level} dB": third(level) for level in (-10, -20, -30)},
    "one channel silent": one_silent,
}


def with_noise(random, sound):
    "Up to a second of silence at both ends, a little noise of its own on each channel, half of full scale."
    size = np.sqrt(np.mean(sound**2, axis=0).max()) * factor(-random.choice(NOISE))
    around = [round(random.uniform(0, 1) * SAMPLE_RATE) for _ in range(2)]
    sound = np.pad(sound, (around, (0, 0)))
    sound = sound + size * random.standard_normal(sound.shape)
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)


# --- rules --------------------------------------------------------------------------------------------


def before(path):
    "The rule until now: channels differ if their levels correlate by less than 0.7, pauses included."
    with open_audio(path) as file:
        samples = np.concatenate(list(audio_blocks(path, file))).astype(float)
    count = samples.shape[1]
    frames = samples[: len(samples) // 320 * 320].reshape(-1, 320, count)
    level = decibel(np.concatenate([np.zeros((1, count)), (frames**2).mean(axis=1)]))
    level = np.maximum(level, level.max() - 50)
    loud = np.percentile(level, 95, axis=0)
    heard = np.flatnonzero(loud > max(loud.max() - 40, SILENCE))
    if len(heard) > 1:
        with np.errstate(invalid="ignore"):  # a level that stays the same
            alike = np.nan_to_num(np.corrcoef(level[:, heard].T)[loud[heard].argmax()])
        if np.median(np.delete(alike, loud[heard].argmax())) < 0.7:
            return {str(c + 1): None for c in heard}
    turned = np.corrcoef(samples.T)[0, 1] < -0.5
    return {"mix": np.array([0.5, -0.5]) if turned else None}


def right(kind, weights):
    "Whether a decision is the right one."
    if kind in TWO or "third" in kind:
        return list(weights) == (["1", "3"] if "third" in kind else ["1", "2"])
    if kind in NONE:
        return "2" not in weights
    turned = weights.get("mix") is not None
    return list(weights) == ["mix"] and (turned or "sign" not in kind)


# --- all of it ----------------------------------------------------------------------------------------


def pairs(table, random):
    "(one, other): sentences of two speakers without the silence around them, equally loud within 6 dB."
    speakers = sorted(table.speaker.unique())
    while True:
        both = random.choice(speakers, 2, replace=False)
        paths = [random.choice(table.path[table.speaker == who].to_numpy()) for who in both]
        one, other = (_trimmed(read_audio(path)).astype(float) for path in paths)
        other *= np.sqrt(np.mean(one**2) / np.mean(other**2)) * factor(random.uniform(-6, 6))
        if min(len(one), len(other)) > SAMPLE_RATE:
            yield one, other


def sounds(table, name):
    "(kind, samples (N, 2)) of one corpus."
    for kind, made in {**TWO, **ONE, **NONE}.items():
        random = generator("channels", name, kind)
        for _, (one, other) in zip(range(EACH), pairs(table, random)):
            yield kind, with_noise(random, made(random, one, other))


def rows_of(table, name):
    "How often both rules are right."
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "two.wav"
        for kind, samples in sounds(table, name):
            soundfile.write(path, samples, SAMPLE_RATE, subtype="FLOAT")
            told = dict(before=right(kind, before(path)), now=right(kind, channel_weights(path)))
            yield dict(corpus=name, judged=name not in CHOSEN, kind=kind, **told)


def main():
    "Measure, and write."
    options = parsed(arguments(__doc__, draws=0, features=("prosody",)))
    corpora = Corpora(options)
    rows = pd.DataFrame(row for name, table in corpora.tables.items() for row in rows_of(table, name))
    groups = rows.groupby(["judged", "kind"], sort=False)
    table = groups.size().rename("pairs").to_frame().join(groups[["before", "now"]].sum()).reset_index()
    print(table.to_string())
    save("channels", {"kinds": table}, options, noise=NOISE, chosen_on=CHOSEN)


if __name__ == "__main__":
    main()
