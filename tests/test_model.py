"The network and its loop: recordings of all kinds, few of everything, the same answer twice, and real speech of speakers it never heard."

import warnings

import numpy as np
import pytest
import torch

from sere_nb.audio import read_audio
from sere_nb.core import SereError
from sere_nb.data import load_corpus, mini_corpus
from sere_nb.metrics import uar
from sere_nb.model import Recordings, SereModel, evidence, predict
from sere_nb.semisup import adapt, learn, teach


@pytest.fixture(scope="module")
def learned():
    return adapt(mini_corpus("de"), mini_corpus("it"), epochs=4)


def noise(seconds, level=0.1):
    return (level * np.random.default_rng(0).normal(size=round(16_000 * seconds))).astype(np.float32)


@pytest.mark.parametrize(
    "waveform",
    [noise(0.03), noise(0.5), noise(40), np.clip(noise(1, 5.0), -1, 1)],
    ids=["one frame", "short", "longer than a window", "clipped"],
)
def test_any_recording_gets_finite_probabilities(learned, waveform):
    (said,) = predict(learned.model, [waveform])
    assert np.isfinite(said.probabilities).all() and abs(said.probabilities.sum() - 1) < 1e-5
    assert np.isfinite(said.moments).all().all() and (said.moments["from"] < said.moments["to"]).all()
    assert said.moments["to"].max() <= len(waveform) / 16_000 + 0.02


@pytest.mark.parametrize(
    "waveform",
    [
        noise(0.01),
        np.full(16_000, np.nan, np.float32),
        np.zeros((2, 16_000), np.float32),
        np.zeros(16_000, np.float32),
    ],
    ids=["too short", "NaN", "stereo", "silence"],
)
def test_what_is_no_recording_is_one_clear_line(learned, waveform):
    with pytest.raises(SereError) as error:
        predict(learned.model, [waveform])
    assert "\n" not in str(error.value)


def test_a_model_needs_a_path():
    with pytest.raises(SereError, match="switch one on"):
        SereModel(["a", "b"], semantic=False, prosody=False)


def test_a_missing_folder_is_one_clear_line(tmp_path):
    with pytest.raises(SereError, match="no model that can be loaded"):
        SereModel.from_pretrained(tmp_path / "nothing")


def test_a_saved_model_predicts_the_same(learned, tmp_path):
    waveform = read_audio(mini_corpus("it").path[0])
    learned.model.save_pretrained(tmp_path)
    again = SereModel.from_pretrained(tmp_path)
    assert predict(again, [waveform])[0].probabilities.equals(
        predict(learned.model, [waveform])[0].probabilities
    )
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".safetensors", ".md"}


def test_evidence_of_the_only_moment_is_zero_and_of_absent_ones_too():
    model = SereModel(["a", "b"], semantic_width=3, prosody_width=2).eval()
    torch.nn.init.normal_(model.head.weight)
    recording = Recordings(
        np.ones((1, 4, 3), np.float32), np.array([[1, 0, 0, 0]], np.float32), np.zeros((1, 2), np.float32)
    )
    assert not evidence(model, recording).any()


def samples(count, classes, seed=0):
    random = np.random.default_rng(seed)
    truth = np.arange(count) % classes
    moments = random.normal(size=(count, 3, 6)) + 2 * np.eye(classes, 6)[truth][:, None]
    return Recordings(
        moments.astype(np.float32),
        np.full((count, 3), 1 / 3, np.float32),
        random.normal(size=(count, 4)).astype(np.float32),
    ), truth


@pytest.mark.parametrize(
    "case", ["one shot", "ten unlabelled", "no unlabelled", "constant features", "a class nobody speaks"]
)
def test_the_loop_survives_scarcity(case):
    recorded, truth = samples({"ten unlabelled": 16, "no unlabelled": 12}.get(case, 90), 3)
    labels = np.where(np.arange(len(truth)) < {"one shot": 3, "no unlabelled": 12}.get(case, 6), truth, -1)
    if case == "constant features":
        recorded = Recordings(
            np.ones_like(recorded.moments), recorded.weights, np.zeros_like(recorded.prosody)
        )
    if case == "a class nobody speaks":
        kept = (labels >= 0) | (truth != 2)
        recorded, labels = recorded[kept], labels[kept]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = learn(recorded, labels, ["a", "b", "c"], epochs=3)
    assert np.isfinite(found.model.probabilities(recorded)).all() and len(found.history) == 3
    assert np.isfinite(found.history.drop(columns="field_energy")).all().all()


def test_collapse_is_warned_of():
    recorded, truth = samples(90, 3)
    labels = np.where(np.arange(90) < 6, truth, -1)
    with pytest.warns(UserWarning, match="collapsed"):
        teach(recorded, labels, np.tile([1.0, 0, 0], (90, 1)), ["a", "b", "c"], epochs=8)


def test_threads_and_global_seeds_do_not_matter():
    recorded, truth = samples(90, 3)
    labels, before = np.where(np.arange(90) < 6, truth, -1), torch.get_num_threads()
    answers = []
    for threads, seed in ((1, 1), (2, 2)):
        torch.set_num_threads(threads)
        torch.manual_seed(seed)
        answers.append(learn(recorded, labels, ["a", "b", "c"], epochs=3).model.probabilities(recorded))
    torch.set_num_threads(before)
    np.testing.assert_allclose(*answers, atol=1e-5)


def test_real_speech_of_unheard_speakers(real_corpora):
    source, target = (load_corpus(name, real_corpora / name) for name in ("emodb", "emovo"))
    emotions = ["anger", "happiness", "neutral", "sadness"]
    target = target[target.emotion.isin(emotions)]
    unheard = target.speaker.isin(sorted(target.speaker.unique())[:2])
    found = adapt(
        source[source.emotion.isin(emotions)].reset_index(drop=True),
        target[~unheard].assign(emotion=None).reset_index(drop=True),
    )
    new, scores = target[unheard], {}
    for together in (False, True):
        answers = {
            i: said.emotion
            for _, group in new.groupby("speaker")
            for i, said in zip(
                group.index,
                predict(found.model, [read_audio(path) for path in group.path], same_speaker=together),
            )
        }
        number = found.model.classes.index
        scores[together] = uar(
            new.emotion.map(number).to_numpy(), np.array([number(answers[i]) for i in new.index])
        )
    assert scores[True] > 0.4, scores  # chance 0.25
    assert scores[True] > scores[False] + 0.03, scores  # to hear a speaker often is worth a lot
