"Hard targets, on recordings: every method answers with finite numbers, and the same ones each time."

import warnings
from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from sere_nb.base.core import generator
from sere_nb.corpus.data import load_corpus, mini_corpus
from sere_nb.encoding.features import extract
from sere_nb.field.irf import ResonanceClassifier
from sere_nb.sound.prosody import utterance_features
from sere_nb.study.study import METHODS
from sere_nb.tasks.metrics import uar
from sere_nb.tasks.tasks import answer as ask
from sere_nb.tasks.tasks import prepare

FEW_SHOT = [name for name, method in METHODS.items() if method.labels == "source-shots"]
SPEAKERS = {"emodb": ("03", "08", "09", "10", "11"), "emovo": ("f1", "f2", "m1", "m2")}


def whole(tables):
    "The pair of two tables, by prosody."
    features = [extract(table, features="prosody") for table in tables]
    return prepare(tables[0], features[0], tables[1], features[1], semantic_width=0)


@pytest.fixture(scope="session")
def mini():
    return whole([mini_corpus("de"), mini_corpus("it")])


@pytest.fixture(scope="session")
def real(real_corpora):
    tables = [load_corpus(name, real_corpora / name) for name in SPEAKERS]
    return whole(
        [table[table.speaker.isin(SPEAKERS[table.corpus.iloc[0]])].reset_index(drop=True) for table in tables]
    )


@pytest.fixture(params=["mini", "real"])
def corpora(request):
    return request.getfixturevalue(request.param)


def shots(corpora, count=5, draw=100):
    "(task with a few labels, truth)."
    return corpora.draw(count, draw), corpora.truth


def answer(name, task):
    "Probabilities of a method, checked to be some."
    with warnings.catch_warnings():
        warnings.simplefilter(
            "error", RuntimeWarning
        )  # a division by zero or an overflow is a fault, not a warning
        warnings.simplefilter("ignore", UserWarning)
        probabilities = ask(METHODS[name], task)
    assert probabilities.shape == (len(task.target_X), len(task.classes)) and np.isfinite(probabilities).all()
    assert probabilities.min() >= 0 and np.allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    return probabilities


def only(task, truth, rows):
    "The task with some of its target utterances."
    return replace(task, target_X=task.target_X[rows], target_speaker=task.target_speaker[rows]), truth[rows]


@pytest.mark.parametrize("name", FEW_SHOT)
def test_a_class_absent_from_the_target(corpora, name):
    """Emotions that are there are still told from each other better than by chance.

    The wish for equal shares may spend what it likes on the absent one."""
    task, truth = shots(corpora)
    here, said = only(task, truth, np.flatnonzero(truth != 0))
    assert uar(said, answer(name, here).argmax(axis=1)) >= (
        1 / len(task.classes) + 0.03 if name != "majority" else 0
    )


@pytest.mark.parametrize("name", FEW_SHOT)
def test_one_shot(corpora, name):
    scores = [
        uar(truth, answer(name, task).argmax(axis=1))
        for task, truth in (shots(corpora, 1, draw) for draw in range(100, 104))
    ]
    assert np.mean(scores) > 1 / len(corpora.task.classes) - 0.02


@pytest.mark.parametrize("count", [1, 2, 10])
@pytest.mark.parametrize("name", FEW_SHOT)
def test_few_target_utterances(corpora, name, count):
    task, truth = shots(corpora)
    answer(name, only(task, truth, generator("few", count).permutation(len(truth))[:count])[0])


@pytest.mark.parametrize("name", FEW_SHOT)
def test_most_of_the_target_is_no_speech(corpora, name):
    "Nine tenths hiss and hum, through the same front end as speech."
    task, truth = shots(corpora)
    random, time = generator("no speech"), np.arange(16_000) / 16_000
    sounds = [
        utterance_features(
            (random.normal(0, level, 16_000) + level * np.sin(2 * np.pi * pitch * time)).astype(np.float32)
        )
        for level in (0.001, 0.3)
        for pitch in (0, 50, 400)
    ]
    noise = np.nan_to_num(np.array(sounds, dtype=np.float32))
    spread = noise.std(axis=0)
    noise = (noise - noise.mean(axis=0)) / np.where(spread > 1e-9, spread, 1)
    taken = generator("taken").permutation(len(truth))[: len(truth) * 9 // 10]
    X = task.target_X.copy()
    X[taken] = noise[random.integers(0, len(noise), len(taken))]
    answer(name, replace(task, target_X=X))


@pytest.mark.parametrize("name", FEW_SHOT)
@pytest.mark.parametrize(
    "constant", ["a third of the features", "all features", "all target utterances are one and the same"]
)
def test_constant_features(corpora, name, constant):
    task, _ = shots(corpora)
    source, target = task.source_X.copy(), task.target_X.copy()
    if constant.endswith("same"):
        target[:] = target[0]
    else:
        step = 3 if constant.startswith("a third") else 1
        source[:, ::step] = target[:, ::step] = 0.0
    answer(name, replace(task, source_X=source, target_X=target))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_that_are_no_numbers_are_refused(mini, value):
    task, _ = shots(mini)
    X = np.vstack([task.source_X, task.target_X])
    X[3, 1] = value
    y = np.concatenate([task.source_y, np.full(len(task.target_X), -1)])
    with pytest.raises(ValueError) as caught:
        ResonanceClassifier().fit(X, y)
    assert (
        str(caught.value)
        .splitlines()[0]
        .startswith(f"Input X contains {'NaN' if np.isnan(value) else 'infinity'}")
    )
    model = ResonanceClassifier().fit(np.nan_to_num(X, posinf=0), y)
    with pytest.raises(ValueError, match="Input X contains"):
        model.predict(X)


def test_nan_in_raw_features_counts_as_usual(mini):
    "What an utterance does not have (the pitch of a whisper) is its speaker's mean when a method sees it."
    source, target = mini_corpus("de"), mini_corpus("it")
    features = [extract(table, features="prosody") for table in (source, target)]
    features[1][::7, ::5] = np.nan
    task = prepare(source, features[0], target, features[1], semantic_width=0).draw(5, 100)
    for name in FEW_SHOT:
        answer(name, task)


@pytest.mark.parametrize("name", FEW_SHOT)
def test_same_answer_on_every_run_and_number_of_threads(corpora, name):
    task, _ = shots(corpora)
    said = []
    for threads in (1, 2, 1):
        with threadpool_limits(threads):
            said.append(answer(name, task))
    assert np.array_equal(said[0], said[2])
    assert (
        np.abs(said[0] - said[1]).max() < 1e-5
        and np.mean(said[0].argmax(axis=1) == said[1].argmax(axis=1)) == 1
    )


@pytest.mark.parametrize("norm", ["none", "corpus"])
@pytest.mark.parametrize("name", FEW_SHOT + ["logreg-all"])
def test_no_warning_of_a_library_reaches_the_user(name, norm):
    "Raw hertz and decibels side by side, which a solver that expects scaled numbers does not survive."
    tables = mini_corpus("de"), mini_corpus("it")
    features = [extract(table, features="prosody") for table in tables]
    pair = prepare(tables[0], features[0], tables[1], features[1], norm, semantic_width=0)
    task = pair.task if name == "logreg-all" else pair.draw(5, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*collapsed")  # our own words
        said = ask(METHODS[name], task)
    least = 1 / len(task.classes) + (0.1 if name.startswith("logreg") else 0)
    assert np.isfinite(said).all() and (
        name == "sere-network" or uar(pair.truth, said.argmax(axis=1)) >= least - 0.05
    )
