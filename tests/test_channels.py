"Channels: length, level, band, ratio, echoes; the same every time; and one line where torchaudio is missing."

import sys

import numpy as np
import pytest

from sere_nb.base.core import SereError, generator
from sere_nb.corpus.audio import SAMPLE_RATE
from sere_nb.sound.channels import CHANNELS, mu_law, noisy, small_room, telephone
from sere_nb.sound.frames import add_noise


@pytest.fixture(scope="module")
def hiss():
    "Two seconds of white noise: every frequency alike."
    return (0.1 * generator("channels").standard_normal(2 * SAMPLE_RATE)).astype(np.float32)


def power(sound, low, high):
    "Power between two frequencies, dB."
    spectrum = np.abs(np.fft.rfft(sound)) ** 2
    frequency = np.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE)
    return 10 * np.log10(spectrum[(frequency >= low) & (frequency < high)].mean())


@pytest.mark.parametrize("name", CHANNELS)
@pytest.mark.parametrize("samples", [1, 399, 400, 16_001])
def test_length_level_and_repetition(name, samples, hiss):
    sound, before = hiss[:samples], hiss[:samples].copy()
    heard = CHANNELS[name](sound, "a", 1)
    assert heard.shape == sound.shape and heard.dtype == np.float32 and np.isfinite(heard).all()
    np.testing.assert_array_equal(sound, before)
    np.testing.assert_array_equal(heard, CHANNELS[name](sound, "a", 1))
    if samples > 1000:
        assert abs(10 * np.log10(np.mean(heard**2) / np.mean(sound**2))) < 0.6


@pytest.mark.parametrize("name", CHANNELS)
def test_silence_stays_silent(name):
    assert not CHANNELS[name](np.zeros(4000, dtype=np.float32)).any()


def test_telephone_has_a_band(hiss):
    heard = telephone(hiss)
    inside = power(heard, 500, 3000)
    assert power(heard, 0, 120) < inside - 25 and power(heard, 3900, 8000) < inside - 40
    assert abs(power(heard, 350, 500) - inside) < 3 and abs(power(heard, 2900, 3300) - inside) < 3


def test_telephone_is_in_time(hiss):
    "No delay: frames of the two lie one over the other."
    heard = telephone(hiss)
    shifts = [np.dot(heard[8000:16_000], hiss[8000 + k : 16_000 + k]) for k in range(-20, 21)]
    assert abs(np.argmax(shifts) - 20) <= 1


def test_mu_law_has_256_values_and_keeps_them():
    coded = mu_law(np.linspace(-1, 1, 50_000))
    assert len(np.unique(coded)) == 256 and np.abs(coded - np.linspace(-1, 1, 50_000)).max() < 0.025
    np.testing.assert_allclose(mu_law(coded), coded, atol=1e-6)
    np.testing.assert_array_equal(mu_law(np.array([3.0, -3.0])), np.float32([1, -1]))


@pytest.mark.parametrize("ratio", [20, 10, 0, -5])
def test_noise_has_its_ratio(ratio, hiss):
    noise = add_noise(hiss, ratio, "ratio", ratio) - hiss
    assert abs(10 * np.log10(np.mean(hiss**2) / np.mean(noise**2)) - ratio) < 0.1
    assert abs(np.corrcoef(hiss, noise)[0, 1]) < 0.05


def test_noise_is_another_one_in_each_recording_and_the_room_is_the_same(hiss):
    assert not np.array_equal(noisy(hiss, "a"), noisy(hiss, "b"))
    np.testing.assert_array_equal(small_room(hiss, "a"), small_room(hiss, "b"))
    assert not np.array_equal(small_room(hiss), small_room(hiss, room="kitchen"))


@pytest.mark.parametrize("seconds", [0.2, 0.5])
def test_room_fades_by_60_decibels(seconds):
    click = np.r_[1.0, np.zeros(SAMPLE_RATE - 1)]
    left = np.cumsum(small_room(click, seconds=seconds)[::-1].astype(float) ** 2)[::-1]
    half = left[int(seconds / 2 * SAMPLE_RATE)] / left[1]
    assert abs(10 * np.log10(half) + 30) < 2
    assert abs(10 * np.log10(left[1] / (left[0] - left[1]))) < 0.1  # echoes as strong as the direct sound


def test_missing_torchaudio_is_said_in_one_line(monkeypatch, hiss):
    monkeypatch.setitem(sys.modules, "torchaudio", None)
    for channel in (telephone, small_room):
        with pytest.raises(SereError, match="torchaudio") as error:
            channel(hiss)
        assert "\n" not in str(error.value)
