"The network and its loop: few of everything, and the same answer twice."

import warnings

import numpy as np
import pytest
import torch

from sere_nb.base.core import SereError
from sere_nb.field.model import Recordings, SereModel
from sere_nb.field.semisup import Network, learn_network, train_student


def test_a_model_needs_a_path():
    with pytest.raises(SereError, match="switch one on"):
        SereModel(["a", "b"], semantic_width=0, prosody_width=0)


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
        found = learn_network(recorded, labels, ["a", "b", "c"], epochs=3)
    assert np.isfinite(found.model.probabilities(recorded)).all() and len(found.history) == 3
    assert np.isfinite(found.history.drop(columns="field_energy")).all().all()


def test_collapse_is_warned_of():
    recorded, truth = samples(90, 3)
    labels = np.where(np.arange(90) < 6, truth, -1)
    with pytest.warns(UserWarning, match="collapsed"):
        train_student(recorded, labels, np.tile([1.0, 0, 0], (90, 1)), ["a", "b", "c"], epochs=8)


def test_threads_and_global_seeds_do_not_matter():
    recorded, truth = samples(90, 3)
    labels, before = np.where(np.arange(90) < 6, truth, -1), torch.get_num_threads()
    answers = []
    for threads, seed in ((1, 1), (2, 2)):
        torch.set_num_threads(threads)
        torch.manual_seed(seed)
        answers.append(
            learn_network(recorded, labels, ["a", "b", "c"], epochs=3).model.probabilities(recorded)
        )
    torch.set_num_threads(before)
    np.testing.assert_allclose(*answers, atol=1e-5)


@pytest.mark.parametrize("widths", [(6, 4), (6, 0), (0, 4)], ids=["both", "semantic", "prosody"])
@pytest.mark.parametrize("attention", [False, True])
def test_a_network_is_the_same_after_its_state_was_kept(widths, attention):
    torch.manual_seed(0)
    model = SereModel(["a", "b", "c"], *widths, attention=attention)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    network, X = Network(model, widths[0]), np.random.default_rng(0).normal(size=(5, sum(widths)))
    again = Network.from_state(*network.state())
    np.testing.assert_array_equal(again.predict_proba(X), network.predict_proba(X))
