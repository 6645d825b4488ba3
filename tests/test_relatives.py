"SERE's relatives: what every method promises, on hard targets made of points."

import inspect
import subprocess
import sys
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sere_nb.base.core import SereError, generator, results_file
from sere_nb.command.cli import methods
from sere_nb.study.study import GROUPS, METHODS, RELATIVES, answering, named_methods
from sere_nb.tasks.tasks import Task, prepare

NAMES = list(RELATIVES)
TRAINED = [name for name in NAMES if "steps" in inspect.signature(RELATIVES[name].run).parameters]
ENOUGH = 20  # steps in which every network learns the clouds


def clouds(seed=0, size=40, classes=3, features=12, shots=5):
    "Two corpora of one cloud per class, the second shifted: a task, and what is true of its target."
    random = generator("relatives", seed)
    centres = random.normal(size=(classes, features)) * 1.6
    y = np.tile(np.arange(classes), size)
    source, target = (centres[y] + random.normal(size=(len(y), features)) + shift for shift in (0.0, 0.3))
    labels = np.full(len(y), -1)
    labels[: classes * shots] = y[: classes * shots]
    speakers = np.repeat(np.arange(4), len(y) // 4).astype(str)
    return Task(source, labels, speakers, target, speakers, tuple("abc"[:classes]), seed), y


def said(name, task, **setting):
    "Probabilities of a method, checked to be some. Networks take five steps unless asked otherwise."
    run = RELATIVES[name].run
    if name in TRAINED:
        setting = {"steps": 5, **setting}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = run(task, **setting)
    assert found.shape == (len(task.target_X), len(task.classes)) and np.isfinite(found).all()
    assert found.min() >= 0 and np.allclose(found.sum(axis=1), 1, atol=1e-6)
    return found


def some(task, rows):
    "The task with some of its target utterances."
    return replace(task, target_X=task.target_X[rows], target_speaker=task.target_speaker[rows])


def learned(name, **setting):
    "The share that a method gets right of easy clouds, in the mean over two draws."
    drawn = list(map(clouds, range(2)))
    return np.mean([np.mean(RELATIVES[name].run(task, **setting).argmax(axis=1) == y) for task, y in drawn])


@pytest.mark.parametrize("name", NAMES)
def test_easy_clouds_are_told_apart(name):
    assert learned(name, **({"steps": ENOUGH} if name in TRAINED else {})) > 0.75


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_easy_clouds_are_told_apart_with_all_the_steps_of_a_study(name):
    assert learned(name) > 0.75


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_answers_and_nothing_is_changed(name):
    task, _ = clouds()
    parts = [task.source_X, task.source_y, task.target_X]
    before = [part.copy() for part in parts]
    assert np.array_equal(said(name, task), said(name, replace(task)))
    assert all(map(np.array_equal, before, parts))


def tables(truth, shuffled):
    "Two corpora with invented paths, the target's emotions shuffled or not."
    emotions = np.array(["anger", "fear", "sadness"])[truth]
    told = dict(language="de", speaker=np.repeat(["a", "b", "c", "d"], len(truth) // 4))
    here, there = (
        pd.DataFrame(
            dict(told, path=[f"{name}/{i}.wav" for i in range(len(truth))], corpus=name, emotion=emotions)
        )
        for name in ("one", "two")
    )
    order = generator("shuffle").permutation(len(truth)) if shuffled else np.arange(len(truth))
    return here, there.assign(emotion=emotions[order])


@pytest.mark.parametrize("name", NAMES)
def test_shuffled_target_labels_change_nothing(name):
    task, y = clouds()
    answers = []
    for shuffled in (False, True):
        here, there = tables(y, shuffled)
        pair = prepare(here, task.source_X, there, task.target_X, "corpus")
        answers.append(said(name, pair.draw(5, 0)))
    assert np.array_equal(*answers)


@pytest.mark.parametrize("name", NAMES)
def test_a_class_absent_from_the_target(name):
    task, y = clouds()
    here = np.flatnonzero(y != 0)
    found = said(name, some(task, here), **({"steps": ENOUGH} if name in TRAINED else {}))
    assert np.mean(found.argmax(axis=1) == y[here]) > 0.4


@pytest.mark.parametrize("name", NAMES)
def test_few_target_utterances(name):
    for count in (1, 2, 20):
        said(name, some(clouds()[0], generator("few", count).permutation(120)[:count]))


@pytest.mark.parametrize("name", NAMES)
def test_hard_targets(name):
    "No feature differs; one utterance many times; half of them far away; two features; one label of two."
    task, _ = clouds()
    same, far = task.target_X.copy(), task.target_X.copy()
    same[:], far[::2] = same[0], far[::2] + 50
    said(name, replace(task, source_X=0 * task.source_X, target_X=0 * task.target_X))
    said(name, replace(task, target_X=same))
    said(name, replace(task, target_X=far))
    said(name, replace(task, source_X=task.source_X[:, :2], target_X=task.target_X[:, :2]))
    said(name, clouds(classes=2, shots=1)[0])


def test_names_groups_and_all_source_labels():
    assert list(named_methods(None)) == list(METHODS) and not set(METHODS) & set(RELATIVES)
    assert list(named_methods("relatives")) == NAMES
    assert list(named_methods("neighbours,sere")) == [*GROUPS["neighbours"], "sere"]
    both = named_methods("aad,aad-all,logreg-all")
    assert [method.labels for method in both.values()] == ["source-shots", "source-all", "source-all"]
    assert all(method.labels == "source-all" for method in named_methods("aligning-all").values())
    with pytest.raises(SereError, match="unknown method magic; there are majority"):
        named_methods("aad,magic")
    with pytest.raises(SereError, match="need a method with a model"):
        answering(named_methods("tim"), unheard=True)


def test_listing_methods_imports_no_torch():
    code = "import sys; from sere_nb.study.study import RELATIVES; "
    code += "assert 'torch' not in sys.modules and RELATIVES"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_listing_has_seconds_where_they_were_measured(capsys):
    tables = [pd.read_csv(results_file(f"relatives/{name}.csv")) for name in ("cost", "later_cost")]
    measured = pd.concat(tables).set_index("method").seconds
    methods()
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line}
    for name, method in {**METHODS, **RELATIVES}.items():
        seconds, told = lines[name][23:30].strip(), lines[name][32:]
        assert seconds == (f"{measured[name]:.2f}" if name in measured else "")
        assert told.startswith(method.line)
    assert set(RELATIVES) < set(measured.index) and "logreg-all" not in measured
