"The resonance field: what it promises on any data, and on recordings of people."

import subprocess
import sys
import time
import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from sere_nb.base.core import assert_same, generator
from sere_nb.field.irf import (
    ResonanceClassifier,
    free_energy,
    organise,
    resonance_coordinates,
    settle,
    settled,
)
from sere_nb.tasks.tasks import Task


@parametrize_with_checks([ResonanceClassifier()])
def test_scikit_learn(estimator, check):
    check(estimator)


def clouds(seed, classes=4, size=60, features=10, apart=4.0, shots=3):
    "Two corpora of one cloud per class, the second shifted; labels for a few of the first."
    random = generator("clouds", seed)
    centres = random.normal(size=(classes, features)) * apart / np.sqrt(2 * features) * 2
    y = np.tile(np.arange(classes), size)
    source, target = (centres[y] + random.normal(size=(len(y), features)) + shift for shift in (0.0, 0.3))
    labels = np.full(len(y), -1)
    labels[: classes * shots] = y[: classes * shots]
    speakers = np.repeat(np.arange(6), len(y) // 6).astype(str)
    return Task(source, labels, speakers, target, speakers, tuple("abcdefgh"[:classes])), y


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("balance", [0.0, 0.8, 0.95])
def test_energy_falls(seed, balance):
    random = generator("energy", seed)
    n, classes = 80, 3
    X, free = random.normal(size=(n, 4)), random.random(n) > 0.1
    table = np.where(
        free[:, None], random.dirichlet(np.ones(classes), n), np.eye(classes)[random.integers(0, classes, n)]
    )
    groups = random.integers(0, 3, n)
    weights = np.where(free, 1.0, 3.0)
    energies = organise(
        resonance_coordinates(X, X, 3.0), table, free, weights, groups, 1e-2, 0.05, balance, 40
    )[3]
    assert np.diff(energies).max() < 1e-9 and energies[0] - energies[-1] > 1e-4


@pytest.mark.parametrize("seed", range(3))
def test_settled_beliefs_are_the_best_ones(seed):
    "No small move of any row lowers the free energy that `settle` claims to minimise."
    random = generator("settle", seed)
    field, groups = random.normal(size=(20, 3)), np.repeat([0, 1], 10)
    best = settle(field, groups, 0.3, 0.7)[0]

    def energy(table):  # the field held fixed: twice the quadratic term is the tangent
        return 2 * free_energy(table, field, np.ones(20, bool), np.ones(20), groups, 0.3, 0.7) - free_energy(
            table, 0 * field, np.ones(20, bool), np.ones(20), groups, 0.3, 0.7
        )

    for _ in range(200):
        moved = 0.99 * best + 0.01 * random.dirichlet(np.ones(3), 20)
        assert energy(moved) >= energy(best) - 1e-9


@pytest.mark.parametrize("seed", range(3))
def test_unlabelled_samples_help(seed):
    task, truth = clouds(seed, apart=2.0)
    few = ResonanceClassifier().fit(*task.labelled)
    assert np.mean(settled(task).argmax(1) == truth) > np.mean(few.predict(task.target_X) == truth) + 0.03


def test_landmarks_are_close_to_exact():
    task, _ = clouds(0, apart=3.0)
    exact, fast = settled(task, landmarks=10_000), settled(task, landmarks=200)
    assert np.mean(exact.argmax(1) == fast.argmax(1)) > 0.98


def test_order_of_samples_changes_nothing():
    task, _ = clouds(1)
    order = generator("order").permutation(len(task.target_X))
    moved = replace(task, target_X=task.target_X[order], target_speaker=task.target_speaker[order])
    assert_same(settled(moved, landmarks=10_000), settled(task, landmarks=10_000)[order], atol=1e-4)


def test_hot_broad_and_damped_limits_are_the_prior():
    task, truth = clouds(2)
    for limit in (dict(temperature=1e9), dict(damping=1e9)):
        assert_same(settled(task, **limit), np.full((len(truth), 4), 0.25), atol=1e-4)


@pytest.mark.parametrize("labels, times", [(1, 5.0), (2, 2.5), (5, 1.0), (20, 1.0)])
def test_few_labels_damp_the_field_more(labels, times, monkeypatch):
    random = generator("few")
    truth = np.repeat([0, 1], 60)
    X, y = random.normal(size=(120, 5)) + 3 * truth[:, None], np.full(120, -1)
    y[:labels], y[60 : 60 + labels] = 0, 1
    model = ResonanceClassifier().fit(X, y)
    assert np.isclose(model.damping_ / model.damping, times)
    assert np.mean(model.transduction_ == truth) > 0.95
    monkeypatch.setattr("sere_nb.field.irf.FEW", 0)
    assert_same(
        ResonanceClassifier(damping=times * model.damping).fit(X, y).label_distributions_,
        model.label_distributions_,
        atol=1e-9,
    )


def test_new_recordings():
    task, truth = clouds(3)
    X = np.vstack([task.source_X, task.target_X[:120]])
    y = np.concatenate([task.source_y, np.full(120, -1)])
    model = ResonanceClassifier().fit(X, y, corpora=np.repeat([0, 1], [len(task.source_X), 120]))
    assert np.mean(model.predict(task.target_X[120:]) == truth[120:]) > 0.9
    assert np.mean(model.predict(task.target_X[:120]) == model.transduction_[-120:]) > 0.95


@pytest.mark.parametrize(
    "damage", ["one shot", "ten targets", "class absent", "noise", "constant", "one target", "huge"]
)
def test_hard_targets_give_finite_numbers(damage):
    task, truth = clouds(4)
    random = generator("damage")
    X, speaker = task.target_X.copy(), task.target_speaker
    rows = np.arange(len(X))
    if damage == "one shot":
        task = replace(task, source_y=np.where(np.arange(len(task.source_y)) < 4, task.source_y, -1))
    rows = {"ten targets": rows[:10], "one target": rows[:1], "class absent": rows[truth != 2]}.get(
        damage, rows
    )
    if damage == "noise":
        X[: int(0.9 * len(X))] = 5 * random.normal(size=(int(0.9 * len(X)), X.shape[1]))
    if damage == "constant":
        X = np.zeros_like(X)
        task = replace(task, source_X=np.zeros_like(task.source_X))
    if damage == "huge":
        X = X * 1e6
        task = replace(task, source_X=task.source_X * 1e6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        probabilities = settled(replace(task, target_X=X[rows], target_speaker=speaker[rows]))
    assert np.isfinite(probabilities).all() and np.allclose(probabilities.sum(1), 1)
    if damage in ("one shot", "ten targets", "class absent", "huge"):
        assert np.mean(probabilities.argmax(1) == truth[rows]) > 0.8


def test_collapse_is_warned_of():
    random = generator("collapse")
    X = np.vstack([random.normal(size=(2, 3)) + [[0, 0, 0], [9, 9, 9]], random.normal(size=(60, 3))])
    with pytest.warns(UserWarning, match="collapsed"):
        ResonanceClassifier(balance=0, temperature=0.02, damping=0.01, anchor_weight=3.0).fit(
            X, np.r_[0, 1, np.full(60, -1)]
        )


def test_bad_input_is_refused():
    X = np.eye(4)
    with pytest.raises(ValueError, match="no labelled sample"):
        ResonanceClassifier().fit(X, [-1] * 4)


WRONG = dict(
    bandwidth=[0, -1.0, float("nan"), float("inf"), "3", None],
    damping=[0, -1e-9, float("nan"), "small"],
    temperature=[0.0, -1, None],
    balance=[1.0, -0.1, float("nan"), "half"],
    anchor_weight=[0, -3.0],
    whitening=[-0.1, 1.1, float("nan")],
    components=[0, 2.5, None],
    landmarks=[0, -4, "all"],
    rounds=[-1, 1.5],
    random_state=["seed", -1, 0.5],
)


@pytest.mark.parametrize("name, value", [(name, value) for name, values in WRONG.items() for value in values])
def test_a_parameter_out_of_range_is_named(name, value):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of ResonanceClassifier must be"):
        ResonanceClassifier(**{name: value}).fit(np.eye(4), [0, 1, 2, -1])


@pytest.mark.parametrize("argument", ["speakers", "corpora"])
@pytest.mark.parametrize(
    "names",
    ["abcd", ["a"] * 3, [["a"]] * 4, ["a", None, "b", "b"], ["a", float("nan"), "b", "b"], ["a", 1, "b", 2]],
    ids=["text", "too short", "two dimensions", "None", "NaN", "mixed"],
)
def test_wrong_names_of_speakers_and_corpora_are_told_from_each_other(argument, names):
    given = np.array(names, dtype=object) if names[-1] == 2 else names
    with pytest.raises(ValueError, match=f"^{argument}: "):
        ResonanceClassifier().fit(np.eye(4), [0, 1, 2, -1], **{argument: given})


def test_words_as_classes_with_some_unknown():
    "As `SelfTrainingClassifier` takes them: an array of objects with the number -1."
    task, truth = clouds(5)
    y, words = task.source_y, np.array(["anger", "boredom", "calm", "disgust"], dtype=object)
    named = np.where(y < 0, -1, words[y])
    numbers, texts = (ResonanceClassifier().fit(task.source_X, labels) for labels in (y, named))
    assert list(texts.classes_) == list(words) and set(texts.transduction_) <= set(words)
    assert list(texts.predict(task.target_X)) == list(words[numbers.predict(task.target_X)])
    for pair in ([-1, 1], ["-1", "1"]):  # two classes of old, nothing unlabelled
        assert len(ResonanceClassifier().fit(task.source_X, np.resize(pair, len(y))).classes_) == 2
    with pytest.raises(ValueError, match="^y: classes of several types"):
        ResonanceClassifier().fit(np.eye(4), np.array(["a", 1, "b", -1], dtype=object))


@pytest.mark.slow
def test_same_on_one_and_on_two_threads():
    script = (
        "import sys; sys.path.insert(0, 'tests'); from test_irf import clouds, settled; "
        "print(settled(clouds(0, size=24)[0]).round(5).tolist())"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=True,
            env={**__import__("os").environ, "OMP_NUM_THREADS": count, "OPENBLAS_NUM_THREADS": count},
        ).stdout
        for count in "12"
    ]
    assert said[0] == said[1] and len(said[0]) > 1000


@pytest.mark.slow
def test_fifty_thousand_samples():
    random = generator("many")
    y = random.integers(0, 5, 50_000)
    X = np.eye(5)[y] @ random.normal(size=(5, 40)) * 1.5 + random.normal(size=(50_000, 40))
    labels = np.full(50_000, -1)
    labels[:50] = y[:50]
    start = time.perf_counter()
    model = ResonanceClassifier(landmarks=256).fit(X, labels)
    assert np.mean(model.transduction_ == y) > 0.9 and time.perf_counter() - start < 120


@pytest.mark.slow
def test_real_speech(real_corpora):
    "German to Italian, spectra only: better than the same labels without the field, over four draws."
    from sere_nb.corpus.audio import read_audio
    from sere_nb.corpus.data import load_corpus
    from sere_nb.sound.frames import active_frames, loudness, power_spectrum, windows
    from sere_nb.sound.prosody import spectral_shape
    from sere_nb.tasks.baselines import logreg
    from sere_nb.tasks.metrics import uar
    from sere_nb.tasks.tasks import prepare

    tables, features = [], []
    for name in ("emodb", "emovo"):
        table = load_corpus(name, real_corpora / name)
        vectors = []
        for path in table.path:
            waveform = read_audio(path)
            level, active = loudness(waveform), active_frames(loudness(waveform))
            shape = spectral_shape(power_spectrum(windows(waveform)))[active]
            vectors.append(
                np.concatenate(
                    [
                        shape.mean(0),
                        shape.std(0),
                        [
                            level[active].mean(),
                            level[active].std(),
                            np.abs(np.diff(level)).mean(),
                            active.mean(),
                        ],
                    ]
                )
            )
        tables.append(table)
        features.append(np.array(vectors))
    pair = prepare(tables[0], features[0], tables[1], features[1])
    tasks = [pair.draw(5, draw) for draw in range(100, 104)]
    field, plain = (
        np.mean([uar(pair.truth, method(task).argmax(1)) for task in tasks]) for method in (settled, logreg)
    )
    assert field > plain + 0.02, (field, plain)
