"The encoder that ships: its size, its frames on awkward sounds, and that the results on file are its own."

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "sere_nb" / "bundled" / "encoder"


@pytest.fixture(scope="module")
def encoder():
    from sere_nb.encoding.encoder import load_encoder

    return load_encoder("bundled", device="cpu")


@pytest.fixture(scope="module")
def gains():
    "Mean UAR over the 12 tasks, a row per feature set, a column per method."
    frame = pd.read_csv(ROOT / "evidence" / "results" / "bundled_encoder/features.csv")
    assert frame.groupby(["features", "method"]).size().eq(12).all()
    return frame.groupby(["features", "method"]).uar.mean().unstack()


def test_size_and_kind_of_the_weights(encoder):
    from safetensors.numpy import load_file

    weights = load_file(FOLDER / "model.safetensors")
    assert {weight.dtype for weight in weights.values()} == {np.dtype(np.float16)}
    assert all(np.isfinite(weight).all() for weight in weights.values())
    assert sum(weight.size for weight in weights.values()) <= 3_000_000
    assert (FOLDER / "model.safetensors").stat().st_size <= 6_000_000
    assert encoder.config["model_type"] == "wav2vec2"


def test_transformers_alone_loads_it_and_agrees(encoder):
    import torch
    from transformers import AutoFeatureExtractor, Wav2Vec2Model

    from sere_nb.encoding.encode import encode

    waveform = np.random.default_rng(0).normal(0, 0.05, 16_000).astype(np.float32)
    model, feed = (
        Wav2Vec2Model.from_pretrained(FOLDER, dtype=torch.float32).eval(),
        AutoFeatureExtractor.from_pretrained(FOLDER),
    )
    with torch.inference_mode():
        states = model(
            feed(waveform, sampling_rate=16_000, return_tensors="pt").input_values, output_hidden_states=True
        ).hidden_states
    np.testing.assert_allclose(encode([waveform], encoder, (1, 1))[0], states[1][0].numpy(), atol=1e-3)


@pytest.mark.parametrize("samples", [400, 401, 719, 720, 721, 16_000, 50_001])
def test_frames_lie_on_the_grid(encoder, samples):
    from sere_nb.encoding.encode import encode
    from sere_nb.sound.frames import frame_count

    frames = encode([np.random.default_rng(samples).normal(0, 0.05, samples).astype(np.float32)], encoder)[0]
    assert frames.shape == (frame_count(samples), 384)
    assert np.isfinite(frames).all()


@pytest.mark.parametrize("sound", ["zeros", "tiny", "clipped", "offset"])
def test_awkward_sounds_give_finite_frames(encoder, sound):
    from sere_nb.encoding.encode import encode

    noise = np.random.default_rng(1).normal(size=8_000).astype(np.float32)
    waveform = {
        "zeros": 0 * noise,
        "tiny": 1e-7 * noise,
        "clipped": np.clip(50 * noise, -1, 1),
        "offset": 0.5 + 0.01 * noise,
    }[sound]
    assert np.isfinite(encode([waveform], encoder)[0]).all()


def test_company_in_a_batch_changes_nothing(encoder):
    from sere_nb.encoding.encode import encode

    random = np.random.default_rng(2)
    waveforms = [random.normal(0, 0.05, n).astype(np.float32) for n in (6_000, 16_000, 31_234)]
    for alone, together in zip(
        [encode([waveform], encoder)[0] for waveform in waveforms],
        encode(waveforms, encoder, batch_seconds=60),
    ):
        np.testing.assert_allclose(together, alone, atol=2e-3)


def test_the_level_is_heard(encoder):
    from sere_nb.corpus.audio import read_audio
    from sere_nb.corpus.data import mini_corpus
    from sere_nb.encoding.encode import encode

    waveform = read_audio(mini_corpus().path[0])
    loud, same, quiet = encode([waveform, waveform, 0.1 * waveform], encoder)
    assert np.abs(loud - quiet).mean() > 0.05
    np.testing.assert_allclose(loud, same, atol=1e-4)


def test_results_are_of_these_weights(encoder):
    for name in ("features", "layers"):
        origin = json.loads((ROOT / "evidence" / "results" / "bundled_encoder" / "origin.json").read_text())[
            name
        ]
        assert origin["options"]["identity"] == encoder.identity, name


@pytest.mark.parametrize("method, least", [("logreg", 0.8), ("logreg-all", 0.8)])
def test_it_beats_everything_but_the_teacher_and_keeps_most_of_its_gain(gains, method, least):
    row = gains[method]
    for rival in ("random weights", "untrained student", "MFCC statistics", "prosody"):
        assert row["bundled"] > row[rival] and row["bundled + prosody"] > row[rival], rival
    kept = (row["bundled"] - row["MFCC statistics"]) / (row["teacher"] - row["MFCC statistics"])
    assert kept >= least


def test_a_task_on_real_speech_gives_the_figure_on_file(encoder, real_corpora):
    from sere_nb.corpus.data import load_corpus
    from sere_nb.encoding.features import extract
    from sere_nb.tasks.baselines import BASELINES
    from sere_nb.tasks.tasks import prepare, run_task

    source, target = (load_corpus(name, real_corpora / name) for name in ("emodb", "emovo"))
    features = [extract(table, "encoder", encoder) for table in (source, target)]
    pair = prepare(source, features[0], target, features[1])
    row = next(run_task(pair, {"logreg-all": BASELINES["logreg-all"]}, draws=1))
    file = pd.read_csv(ROOT / "evidence" / "results" / "bundled_encoder" / "features.csv")
    stored = file.query(
        "features == 'bundled' and method == 'logreg-all' and source == 'emodb' and target == 'emovo'"
    ).uar.item()
    assert abs(row["uar"] - stored) < 0.01
