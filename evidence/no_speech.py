#!/usr/bin/env python3
"""Is noise, a tone or music told from speech, and are strange sounds far from what the ready model knows?

    python evidence/no_speech.py --corpora FOLDER --names emodb emovo ravdess nemo casia urdu

Sixty recordings of each corpus against 210 made-up sounds of fourteen kinds. For the sign without silero-vad,
the weights of each cell of `left_out` are learned without the corpus and without the kind of sound that are
judged. What ships (`movement`) was learned from all six and an earlier draw of such sounds, and is rounded;
`again` is what this draw gives, learned from all and judged on the same. `harmed`: how often speech is called
none, as recorded and harmed, and how far it is from what the ready model knows."""

import numpy as np
import pandas as pd
from common import Corpora, arguments, parsed, save
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from sere_nb.answers.recogniser import UNFAMILIAR, distance, load
from sere_nb.base.core import generator
from sere_nb.corpus.audio import SAMPLE_RATE, read_audio
from sere_nb.encoding.encode import activity, encode, pool
from sere_nb.encoding.encoder import load_encoder
from sere_nb.sound.channels import telephone
from sere_nb.sound.frames import add_noise
from sere_nb.sound.prosody import utterance_features
from sere_nb.sound.speech import _MOVEMENT, SPOKEN, detector_model, movement, speech_sign

EACH, SOUNDS = 60, 15  # recordings of a corpus, sounds of a kind
HARM = {
    "as recorded": np.asarray,
    "telephone": telephone,
    "noise at 10 dB": lambda waveform: add_noise(waveform, 10, "no speech"),
    "noise at 0 dB": lambda waveform: add_noise(waveform, 0, "no speech"),
}
HARMED = 10  # recordings of a corpus
SIGNS = ("silero", "movement", "again")


# --- made-up sounds: (random numbers, number of samples) -> (n,) --------------------------------------


def coloured(random, count, slope):
    "Noise whose power falls with frequency: 0 white, 1 pink, 2 brown."
    spectrum = np.fft.rfft(random.standard_normal(count))
    return np.fft.irfft(
        spectrum * np.maximum(np.fft.rfftfreq(count, 1 / SAMPLE_RATE), 20) ** (-slope / 2), count
    )


def seconds(count):
    "Time of each sample."
    return np.arange(count) / SAMPLE_RATE


def partials(phase, count, fall=1.0):
    "A fundamental and its harmonics."
    return sum(np.sin(k * phase) / k**fall for k in range(1, count + 1))


def waver(random, frequency, count, depth):
    "Phase of a pitch with a vibrato of 5.5 Hz."
    turn = 2 * np.pi * 5.5 * seconds(count) + random.uniform(0, 6)
    return 2 * np.pi * frequency * seconds(count) + depth * frequency / 5.5 * np.sin(turn)


def fade(count, attack, decay):
    "How a struck thing sounds and dies away."
    return np.minimum(seconds(count) / attack, 1) * np.exp(-seconds(count) / decay)


def white(random, count):
    "Hiss."
    return coloured(random, count, 0)


def pink(random, count):
    "Like a waterfall."
    return coloured(random, count, 1)


def brown(random, count):
    "Like thunder."
    return coloured(random, count, 2)


def waxing(random, count):
    "Noise that swells as often as syllables do."
    swell = np.sin(2 * np.pi * random.uniform(1, 8) * seconds(count))
    return coloured(random, count, random.choice([0, 1])) * (1 + 0.95 * swell)


def hum(random, count):
    "Of the mains."
    phase = 2 * np.pi * random.choice([50, 60]) * seconds(count)
    parts = (random.uniform(0.2, 1) / k * np.sin(k * phase + random.uniform(0, 6)) for k in range(1, 12))
    return sum(parts) + 0.05 * coloured(random, count, 1)


def pure(random, count):
    "One frequency."
    return partials(waver(random, np.exp(random.uniform(np.log(80), np.log(3000))), count, 0), 1)


def harmonic(random, count):
    "A held tone with harmonics, with or without vibrato."
    phase = waver(random, random.uniform(80, 600), count, random.choice([0, 0.03]))
    return partials(phase, 10, random.uniform(0.5, 2))


def glide(random, count):
    "A siren."
    low, high = np.exp(random.uniform(np.log(100), np.log(2000), 2))
    way = (1 - np.cos(2 * np.pi * random.uniform(0.2, 1.5) * seconds(count))) / 2
    phase = 2 * np.pi * np.cumsum(low * (high / low) ** way) / SAMPLE_RATE
    return partials(phase, random.integers(1, 5))


def beeps(random, count):
    "Of a telephone."
    tones = random.choice([350, 425, 440, 480, 697, 770, 852, 941, 1209, 1336, 1477], 2, replace=False)
    half = random.uniform(0.1, 0.6)
    return sum(np.sin(2 * np.pi * tone * seconds(count)) for tone in tones) * (
        seconds(count) % (2 * half) < half
    )


def played(random, count, voices):
    "Notes of a scale in a rhythm, so many at a time."
    sound, place, beat = np.zeros(count), 0, 60 / random.uniform(70, 160)
    root, fall, depth = random.uniform(110, 330), random.uniform(0.7, 2), random.choice([0, 0.01, 0.02])
    while place < count:
        length = min(int(SAMPLE_RATE * beat * random.choice([0.5, 1, 1, 2])), count - place)
        for _ in range(voices):
            pitch = root * 2 ** (random.choice([0, 2, 4, 5, 7, 9, 11, 12]) / 12)
            note = partials(waver(random, pitch, length, depth), 8, fall)
            sound[place : place + length] += note * fade(length, 0.01, random.uniform(0.15, 1.0))
        place += length
    return sound


def melody(random, count):
    "One instrument."
    return played(random, count, 1)


def chords(random, count):
    "Three notes at a time."
    return played(random, count, 3)


def drums(random, count):
    "A beat."
    sound, place, beat = 1e-4 * random.standard_normal(count), 0, 30 / random.uniform(70, 160)
    while place < count:
        length, kind = min(int(SAMPLE_RATE * 0.35), count - place), random.integers(4)
        if kind == 0:
            phase = 2 * np.pi * (50 * seconds(length) + 2 * (1 - np.exp(-30 * seconds(length))))
            sound[place : place + length] += 2 * np.sin(phase) * fade(length, 0.002, 0.1)
        elif kind < 3:
            hit = coloured(random, length, 0) * fade(length, 0.001, (0.06, 0.02)[kind - 1])
            sound[place : place + length] += hit
        place += int(SAMPLE_RATE * beat)
    return sound


def band(random, count):
    "Chords and drums."
    parts = chords(random, count), drums(random, count)
    return parts[0] / parts[0].std() + random.uniform(0.3, 1) * parts[1] / parts[1].std()


def clicks(random, count):
    "A few knocks in silence."
    sound, time = 1e-4 * random.standard_normal(count), np.arange(300)
    for place in random.integers(0, count - 400, random.integers(2, 25)):
        ring = np.exp(-time / random.uniform(5, 60)) * np.cos(time * random.uniform(0.2, 2.5))
        sound[place : place + 300] += random.standard_normal() * ring
    return sound


KINDS = {
    "noise": (white, pink, brown, waxing, hum),
    "tones": (pure, harmonic, glide, beeps),
    "music": (melody, chords, drums, band),
    "clicks": (clicks,),
}


def made_up(kind, number):
    "A sound of a kind: 1.5 to 6 s, at any level, on a floor of faint noise."
    random = generator("no speech", kind.__name__, number)
    count = int(SAMPLE_RATE * random.uniform(1.5, 6))
    sound = kind(random, count)
    sound = sound / np.abs(sound).max() * 10 ** (-random.uniform(1, 30) / 20)
    floor = 10 ** (-random.uniform(50, 90) / 20) * random.standard_normal(count)
    return (sound + floor).clip(-1, 1).astype(np.float32)


# --- signs --------------------------------------------------------------------------------------------


def signs(waveform, model):
    "Both signs of a waveform, and what the second one is made of."
    change, moves = movement(waveform)
    return dict(
        silero=speech_sign(waveform, model), movement=speech_sign(waveform), change=change, moves=moves
    )


def all_signs(corpora, model):
    "One row for every recording and every sound."
    for name, table in corpora.tables.items():
        for path in table.sample(min(EACH, len(table)), random_state=0).path:
            yield dict(side=name, group="speech", **signs(read_audio(path), model))
        print(name, flush=True)
    for group, kinds in KINDS.items():
        for kind in kinds:
            for number in range(SOUNDS):
                yield dict(side=kind.__name__, group=group, **signs(made_up(kind, number), model))


def learned(table):
    "Weights of `movement`, learned from some rows."
    model = LogisticRegression(C=10, class_weight="balanced")
    model.fit(table[["change", "moves"]], table.group == "speech")
    return np.r_[model.coef_[0], model.intercept_]


def again(table, weights):
    "The sign without silero-vad, of weights that have a constant."
    return expit(table[["change", "moves"]] @ weights[:2] + weights[2])


def unseen(table, corpus, kind):
    "The sign without silero-vad for a corpus and a kind of sound, learned without both."
    both = table[table.side.isin([corpus, kind])]
    weights = learned(table.drop(both.index))
    return both.group == "speech", both[["change", "moves"]] @ weights[:2]


def areas(table):
    "Area under the ROC curve of each corpus against each group of sounds; the mean over its kinds."
    for corpus in table.side[table.group == "speech"].unique():
        for group, kinds in KINDS.items():
            row = dict(corpus=corpus, group=group)
            both = table[(table.side == corpus) | (table.group == group)]
            for sign in SIGNS:
                row[sign] = roc_auc_score(both.group == "speech", both[sign])
            row["left_out"] = np.mean(
                [roc_auc_score(*unseen(table, corpus, kind.__name__)) for kind in kinds]
            )
            yield row


# --- harm, and distance -------------------------------------------------------------------------------


def harmed(corpora, model, weights):
    "How often speech is called none, as recorded and harmed, and how far it is from what is known."
    ready, encoder = load(), load_encoder("bundled")
    chosen = [path for table in corpora.tables.values() for path in table.sample(HARMED, random_state=1).path]
    for name, harm in HARM.items():
        waveforms = [np.asarray(harm(read_audio(path)), np.float32) for path in chosen]
        found = pd.DataFrame([signs(waveform, model) for waveform in waveforms])
        found["again"] = again(found, weights)
        far = distance(ready.normaliser, np.stack([features(one, encoder) for one in waveforms[::2]]))
        lost = {sign: np.mean(found[sign] < SPOKEN) for sign in SIGNS}
        yield dict(sound=name, count=len(waveforms), **lost, **shares(far))
        print(name, flush=True)
    for group, kinds in KINDS.items():
        waveforms = [made_up(kind, number) for kind in kinds for number in range(3)]
        far = distance(ready.normaliser, np.stack([features(one, encoder) for one in waveforms]))
        yield dict(sound=group, count=len(waveforms), **shares(far))


def features(waveform, encoder):
    "What the ready model reads, (F,)."
    return np.r_[pool(encode([waveform], encoder)[0], activity(waveform)), utterance_features(waveform)]


def shares(far):
    "Median distance, and how many are called unfamiliar."
    return dict(distance=np.median(far), unfamiliar=np.mean(far > UNFAMILIAR))


def known(corpora):
    "How far whole corpora are from what the ready model knows."
    for name in corpora.tables:
        far = distance(load().normaliser, corpora.features("both", name))
        yield dict(sound=name, count=len(far), **shares(far))


def main():
    "Measure, and write."
    options = parsed(arguments(__doc__, features=("both",)))
    corpora, model = Corpora(options), detector_model("silero")
    table = pd.DataFrame(all_signs(corpora, model))
    weights = learned(table) + [0, 0, np.log(SPOKEN / (1 - SPOKEN))]  # even odds lie at SPOKEN
    print("learned from all:", weights.round(2), "shipped:", _MOVEMENT)
    table["again"] = again(table, weights)
    wrong = table.assign(**{sign: table[sign] > SPOKEN for sign in SIGNS})
    told = wrong.groupby(["group", "side"], sort=False)[list(SIGNS)].mean().reset_index()
    both = pd.DataFrame([*known(corpora), *harmed(corpora, model, weights)])
    tables = {"areas": pd.DataFrame(areas(table)), "called_speech": told, "harmed": both}
    for one in tables.values():
        print(one.round(3).to_string())
    save("no_speech", tables, options, weights=list(map(float, weights)), spoken=SPOKEN, each=EACH)


if __name__ == "__main__":
    main()
