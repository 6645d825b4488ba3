"The estimators: `SERE` beside the method of that name, and warnings that can be told apart."

import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks
from test_irf import clouds

from sere_nb.base.core import generator
from sere_nb.field.irf import CollapseWarning, ResonanceClassifier
from sere_nb.field.voices import SERE, sere, sere_model, trusts
from sere_nb.tasks.tasks import TARGET_WEIGHT


@parametrize_with_checks([SERE()])
def test_scikit_learn(estimator, check):
    check(estimator)


def both(task):
    "Arguments of `fit` for a task."
    X, y, _, corpora = task.stacked()
    return X, y, np.concatenate([task.source_speaker, task.target_speaker]), corpora


def test_the_estimator_is_the_method():
    task, truth = clouds(0)
    X, y, speakers, corpora = both(task)
    model = SERE().fit(X, y, speakers, corpora)
    size = len(task.source_X)
    assert np.array_equal(model.label_distributions_[size:], sere(task))
    assert np.array_equal(model.predict_proba(X), sere_model(task).predict_proba(X))
    assert np.mean(model.transduction_[size:] == truth) > 0.9 and model.trust_ == trusts(task)
    assert np.array_equal(model.predict(X), model.classes_[model.predict_proba(X).argmax(axis=1)])


def test_names_of_classes_corpora_and_the_order_of_rows_change_nothing():
    task, _ = clouds(1)
    X, y, speakers, corpora = both(task)
    before = SERE().fit(X, y, speakers, corpora)
    words = np.array([*map("emotion {}".format, range(4)), -1], dtype=object)[y]
    some = np.array(["here", "there"])[corpora]
    after = SERE().fit(X, words, speakers, some)
    assert np.array_equal(before.label_distributions_, after.label_distributions_)
    assert list(after.classes_) == [f"emotion {c}" for c in range(4)] and after.transduction_[0] == words[0]
    turned = np.r_[np.flatnonzero(corpora == 1), np.flatnonzero(corpora == 0)]
    again = SERE().fit(X[turned], y[turned], speakers[turned], corpora[turned])
    assert np.array_equal(again.label_distributions_, before.label_distributions_[turned])


def test_without_corpora_labels_tell_source_from_target():
    task, _ = clouds(2)
    known = task.source_y >= 0
    few = replace(
        task,
        source_X=task.source_X[known],
        source_y=task.source_y[known],
        source_speaker=np.full(known.sum(), None),
    )
    X, y, speakers, corpora = both(few)
    assert np.array_equal(
        SERE().fit(X, y, speakers).label_distributions_,
        SERE().fit(X, y, speakers, corpora).label_distributions_,
    )


def test_labels_of_the_target_count():
    task, truth = clouds(3)
    labels = np.full(len(truth), -1)
    labels[:2] = truth[:2]
    told = replace(task, target_y=labels)
    X, y, speakers, corpora = both(told)
    model = SERE().fit(X, y, speakers, corpora, target=1)
    assert (
        np.array_equal(model.label_distributions_[len(task.source_X) :], sere(told)) and TARGET_WEIGHT == 10
    )
    assert not np.array_equal(sere(told), sere(task))


def test_state_brings_back_the_answers():
    task, _ = clouds(4)
    model = sere_model(task)
    again = SERE.from_state(*model.state())
    assert np.array_equal(again.predict_proba(task.target_X), model.predict_proba(task.target_X))
    assert clone(model).get_params() == SERE().get_params()


@pytest.mark.parametrize(
    ("setting", "names", "words"),
    [
        ({"trusted": (2, 0)}, {}, "trusted: .* two numbers"),
        ({"rounds": (3,)}, {}, "rounds: .* two numbers"),
        ({"unit": [1, 2]}, {}, "unit: shape .2,., but X has 3 features"),
        ({"balance": 2}, {}, "'balance' parameter of SERE"),
        ({}, {"speakers": ["a"]}, "speakers: .* 8 samples; give one each"),
        ({}, {"corpora": [None] * 8}, "corpora: 8 samples have no name"),
        ({}, {"corpora": list("aaaabbbb"), "target": "c"}, "no corpus 'c'; there are a, b"),
        ({}, {"target": "c"}, "name the corpora"),
    ],
)
def test_wrong_use_is_one_line(setting, names, words):
    X = np.random.default_rng(0).normal(size=(8, 3))
    with pytest.raises(ValueError, match=words) as caught:
        SERE(**setting).fit(X, [0, 1, 0, 1, -1, -1, -1, -1], **names)
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="labels of one class"):
        SERE().fit(X, [0] * 4 + [-1] * 4)


def test_collapse_can_be_silenced_alone():
    random = generator("collapse")
    X = np.vstack([random.normal(size=(2, 3)) + [[0, 0, 0], [9, 9, 9]], random.normal(size=(60, 3))])
    y, setting = np.r_[0, 1, np.full(60, -1)], dict(balance=0, temperature=0.02, damping=0.01)
    with pytest.warns(CollapseWarning, match="collapsed") as caught:
        ResonanceClassifier(anchor_weight=3.0, **setting).fit(X, y)
    assert caught[0].filename == __file__  # it points to who called `fit`
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", CollapseWarning)
        ResonanceClassifier(anchor_weight=3.0, **setting).fit(X, y)
