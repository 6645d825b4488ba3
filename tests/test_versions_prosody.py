"""The number of prosody's arithmetic changes whenever what comes out changes: cached features depend on it.

After a wanted change raise `PROSODY_VERSION` and run this file as a program: it adds the new values."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from sere_nb.base.core import generator
from sere_nb.corpus.audio import SAMPLE_RATE, read_audio
from sere_nb.corpus.data import mini_corpus
from sere_nb.sound.frames import add_noise
from sere_nb.sound.pitch import glide
from sere_nb.sound.prosody import FUNCTIONALS, PROSODY_VERSION, functionals, tracks

GOLDEN = Path(__file__).parent / "golden" / "prosody.json"
TOLERANCE = 2e-3  # other processors and transforms differ by less, a constant changed by a little by more


def fading():
    "Harmonics that rise and die away by 45 dB, so that every threshold of level lies somewhere on the way."
    sound, _ = glide(110, 220, 2.0)
    return sound * 10 ** (-45 / 20 * np.arange(len(sound)) / len(sound))


def syllables():
    "Voiced stretches of 30 to 200 ms between hisses and pauses: lengths, rates and the median filters."
    random, parts = generator("syllables"), []
    for number, seconds in enumerate((0.2, 0.05, 0.12, 0.03, 0.08, 0.16)):
        parts.append(glide(130 + 20 * number, 200 - 10 * number, seconds)[0])
        parts.append(0.01 * random.standard_normal(1200) * (number % 2))
    return np.concatenate(parts)


def creaky():
    "Pulses of which every other one is weaker, through two resonances."
    time = np.arange(200) / SAMPLE_RATE
    ringing = sum(np.exp(-400 * time) * np.cos(2 * np.pi * f * time) / f for f in (600, 1700, 3100)) * 600
    pulses = np.zeros(SAMPLE_RATE)
    pulses[::150], pulses[75::150] = 0.3, 0.18
    return np.convolve(pulses, ringing)[:SAMPLE_RATE]


def sounds():
    "Name -> waveform: five synthetic sounds and two utterances of the bundled corpus."
    table = mini_corpus().sort_values(["speaker", "emotion", "path"], kind="stable")
    spoken = table[(table.emotion == "anger") & table.speaker.isin(["de1", "it2"])].groupby("speaker").head(1)
    return {
        "fading": fading(),
        "fading and faint": 10 ** (-42 / 20) * fading(),
        "syllables": add_noise(syllables(), 30, "versions"),
        "creaky": add_noise(creaky(), 20, "versions"),
        "high and noisy": add_noise(glide(380, 520, 1.0)[0], 3, "versions"),
        **{speaker: read_audio(path) for speaker, path in zip(spoken.speaker, spoken.path)},
    }


def measured(waveform):
    "Functionals, then the sums of the tracks, which see what the functionals average away."
    table = tracks(waveform.astype(np.float32))
    values = [*functionals(table), *table.mean(), *table.std()]
    names = [*FUNCTIONALS, *(f"{part} of {name}" for part in ("mean", "std") for name in table)]
    return {name: None if np.isnan(value) else round(float(value), 6) for name, value in zip(names, values)}


def moved(value, expected):
    "Whether a value is another one than it was, in its own unit."
    if value is None or expected is None:
        return value is not expected
    return abs(value - expected) > TOLERANCE * max(1.0, abs(expected))


@pytest.mark.parametrize("name", sorted(sounds()))
def test_arithmetic_and_version_change_together(name):
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert str(PROSODY_VERSION) in golden, "a new version: run this file as a program"
    expected, found = golden[str(PROSODY_VERSION)][name], measured(sounds()[name])
    assert list(found) == list(expected), "other features; raise PROSODY_VERSION"
    changed = [feature for feature in found if moved(found[feature], expected[feature])]
    assert not changed, (
        f"the arithmetic changed {changed}; raise PROSODY_VERSION and run this file as a program"
    )


if __name__ == "__main__":
    versions = json.loads(GOLDEN.read_text(encoding="utf-8")) if GOLDEN.exists() else {}
    if str(PROSODY_VERSION) in versions:
        sys.exit(f"version {PROSODY_VERSION} has its values; raise PROSODY_VERSION in chapter prosody first")
    versions[str(PROSODY_VERSION)] = {name: measured(sound) for name, sound in sounds().items()}
    GOLDEN.write_text(json.dumps(versions, indent=1) + "\n", encoding="utf-8")
