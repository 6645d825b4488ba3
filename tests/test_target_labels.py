"Labels of the target: drawn, told, weighed, learned from, and never scored."

import inspect
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import one_line

from sere_nb.base.core import SereError
from sere_nb.corpus.data import mini_corpus
from sere_nb.encoding.features import extract
from sere_nb.field.voices import WHOLE
from sere_nb.study.report import statistics, write_results
from sere_nb.study.study import METHODS, RELATIVES, SHIPPED, run_study
from sere_nb.tasks.metrics import uar
from sere_nb.tasks.tasks import TARGET_WEIGHT, Task, answer, counted, prepare, run_task, taught

SOURCE, TARGET = mini_corpus("de"), mini_corpus("it")
X, Y = (extract(table, "prosody") for table in (SOURCE, TARGET))
EVERY = {**METHODS, **RELATIVES, **SHIPPED}
COUNT = 12


def pair_of(target=TARGET, norm="corpus", **told):
    return prepare(SOURCE, X, target, Y, norm, semantic_width=0, **told)


def asked(method, task):
    "Probabilities of a method; networks of the relatives take five steps."
    quick = {"steps": 5} if "steps" in inspect.signature(method.run).parameters else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return answer(replace(method, run=lambda task: method.run(task, **quick)), task)


@pytest.mark.parametrize("name", EVERY)
def test_hidden_labels_change_no_answer_and_told_ones_do(name):
    "The shuffle test, for all utterances whose label nobody has told; and a label that is told is used."
    told = pair_of().draw(5, 0, COUNT)
    hidden = np.flatnonzero(told.target_y < 0)
    emotions = TARGET.emotion.to_numpy().copy()
    emotions[hidden] = emotions[np.random.default_rng(0).permutation(hidden)]
    other = replace(pair_of(TARGET.assign(emotion=emotions)).draw(5, 0), target_y=told.target_y)
    said = asked(EVERY[name], told)
    assert np.array_equal(asked(EVERY[name], other), said)
    if name != "majority":
        assert not np.array_equal(asked(EVERY[name], replace(told, target_y=None)), said)


@pytest.mark.parametrize("name", [name for name, method in EVERY.items() if method.fit])
def test_a_model_has_learned_them_too(name):
    pair = pair_of(unheard=True)
    few, none = pair.draw(5, 0, COUNT), pair.draw(5, 0)
    assert counted(few).all() and (few.target_y >= 0).sum() == COUNT
    assert not np.array_equal(answer(EVERY[name], few), answer(EVERY[name], none))


def test_they_are_drawn_from_the_whole_target_and_nested():
    pair = pair_of()
    ten, twenty = pair.draw(5, 3, 10), pair.draw(5, 3, 20)
    assert (ten.target_y >= 0).sum() == 10 and (twenty.target_y >= 0).sum() == 20
    assert ((twenty.target_y == ten.target_y) | (ten.target_y < 0)).all()
    assert (twenty.target_y == pair.truth)[twenty.target_y >= 0].all()
    others = [tuple(pair.draw(5, draw, 10).target_y) for draw in range(5)]
    assert len(set(others)) == 5 and np.array_equal(ten.source_y, pair.draw(5, 3).source_y)
    sources = [tuple(pair.draw(5, draw).source_y) for draw in (0, 1, 2, 3, 4, 0)]
    assert len(set(sources)) == 5 and sources[0] == sources[5]  # so are the source's, again with the number
    spread = [len(set(pair.draw(5, draw, 10).target_y)) for draw in range(20)]
    assert len(set(spread)) > 1  # in total, not so many of each emotion


def test_weights_are_copies_for_sums_and_numbers_for_those_who_weigh():
    task = pair_of().draw(5, 0, COUNT)
    features, classes = task.labelled
    assert len(classes) == 25 + TARGET_WEIGHT * COUNT and len(task.untold) == len(TARGET) - COUNT
    stacked, y, _, corpora = task.stacked()
    assert (y >= 0).sum() == 25 + COUNT and np.array_equal(stacked[task.labelled_rows], features)
    assert set(task.label_weights[corpora == 1]) == {TARGET_WEIGHT} and set(
        task.label_weights[corpora == 0]
    ) == {1}


def test_without_them_a_task_is_what_it_was():
    task = pair_of().draw(5, 0)
    known = task.source_y >= 0
    assert (task.target_y == -1).all() and counted(task).all() and np.array_equal(task.untold, task.target_X)
    assert np.array_equal(task.labelled[0], task.source_X[known])
    assert np.array_equal(task.labelled[1], task.source_y[known])
    fewer = replace(task, target_X=task.target_X[:7], target_speaker=task.target_speaker[:7])
    assert len(fewer.target_y) == 7
    with pytest.raises(ValueError, match="2 labels for"):
        replace(task, target_y=np.array([0, 1]))


def test_more_of_them_help_where_corpora_differ():
    "Two clouds per class, far apart: with labels of its own, the target is recognised."
    random = np.random.default_rng(1)
    y = np.tile(np.arange(3), 40)
    centres = random.normal(size=(2, 3, 8)) * 2
    here, there = (centre[y] + random.normal(size=(120, 8)) for centre in centres)
    who = np.repeat(list("abcd"), 30)
    task = Task(here, np.where(np.arange(120) < 15, y, -1), who, there, who, tuple("xyz"))
    told = replace(task, target_y=np.where(np.arange(120) < 15, y, -1))
    for name in (
        "prototype",
        "logreg",
        "logreg-balanced",
        "selftrain",
        "labelspread",
        "field",
        "sere",
        "whole",
    ):
        before, after = (asked(EVERY[name], one)[15:].argmax(axis=1) for one in (task, told))
        assert uar(y[15:], after) > max(uar(y[15:], before) + 0.1, 0.6), name


def test_rows_of_a_task_leave_them_out():
    methods = {name: METHODS[name] for name in ("logreg", "logreg-all")}
    rows = pd.DataFrame(run_task(pair_of(), methods, draws=2, target_shots=COUNT))
    assert (rows.target_size == len(TARGET) - COUNT).all()
    assert set(rows.labels_used) == {f"source-shots+target-{COUNT}", f"source-all+target-{COUNT}"}
    for row in rows.itertuples():
        told = pair_of().draw(5, row.draw, COUNT)
        assert len(row.probabilities) == len(row.truth) == len(row.paths) == len(TARGET) - COUNT
        assert set(map(str, row.paths)) == set(map(str, TARGET.path[counted(told)]))
    whole = rows[rows.method == "logreg-all"]
    assert not np.array_equal(whole.probabilities.iloc[0], whole.probabilities.iloc[1])  # other target labels


def test_a_study_computes_the_same_and_goes_on(tmp_path):
    tables = {"mini-de": SOURCE, "mini-it": TARGET}
    names = ("logreg", "sere", "logreg-all", "whole")
    study = dict(pairs=[("mini-de", "mini-it")], methods={name: EVERY[name] for name in names})
    study.update(features="prosody", draws=2, norm=["none", "speaker"], target_shots=COUNT, folder=tmp_path)
    rows = run_study(tables, **study)
    assert set(rows[rows.method.isin(["sere", "whole"])].norm) == {"corpus"}
    assert (rows.norm == rows.norm_asked)[rows.method.str.startswith("logreg")].all()
    assert all(
        sorted(group.norm_asked.unique()) == ["none", "speaker"] for _, group in rows.groupby("method")
    )
    again = run_study(tables, **study, resume=True)
    pd.testing.assert_frame_equal(again[["uar", "norm", "labels_used"]], rows[["uar", "norm", "labels_used"]])
    loop = pd.DataFrame(run_task(pair_of(norm="speaker"), {"logreg": METHODS["logreg"]}, 5, 2, COUNT))
    kept = rows[(rows.method == "logreg") & (rows.norm_asked == "speaker")]
    assert np.allclose(kept.uar, loop.uar)
    found = statistics(rows, "logreg")
    assert len(found["summary"]) == 8 and set(found["summary"].norm_asked) == {"none", "speaker"}
    write_results(rows, tmp_path / "out", tables)
    read = pd.read_csv(tmp_path / "out" / "results.csv")
    assert set(read[read.method == "sere"].norm) == {"corpus"} and set(read.norm_asked) == {"none", "speaker"}
    with pytest.raises(SereError, match="target_shots"):
        run_study(tables, **{**study, "target_shots": 5}, resume=True)


def test_tables_without_the_setting_asked_for_are_still_read():
    rows = run_study({"a": SOURCE.assign(corpus="a"), "b": TARGET.assign(corpus="b")}, draws=2, **QUICK)
    older = rows.drop(columns=["norm_asked", "target_shots"])
    assert "norm" in statistics(older, "logreg")["summary"]


QUICK = dict(features="prosody", methods={name: METHODS[name] for name in ("logreg", "prototype")})


def test_what_cannot_be_drawn_is_refused_at_once():
    tables = {"mini-de": SOURCE, "mini-it": TARGET}
    pairs = [("mini-de", "mini-it")]
    with pytest.raises(SereError, match="120 target labels of 120 utterances would leave none"):
        run_study(tables, pairs, target_shots=120, **QUICK)
    silent = {"mini-de": SOURCE, "mini-it": TARGET.assign(emotion=None)}
    with pytest.raises(SereError, match="mini-it has no labels"):
        run_study(silent, pairs, target_shots=5, **QUICK)
    with pytest.raises(SereError, match="3 answers for 120"):
        taught(pair_of().task, ["anger"] * 3)


def test_the_command_says_what_it_used(sere, tmp_path):
    words = "transfer --source mini-de --target mini-it --features prosody".split()
    words += "--draws 2 --methods logreg,whole".split()
    done = sere(*words, "--target-shots", 10, "--model", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    rows = pd.read_csv(tmp_path / "out" / "results.csv")
    assert set(rows.labels_used) == {"source-shots+target-10", "source-all+target-10"}
    assert set(rows.target_size) == {110} and "source-all+target-10" in done.stdout
    assert "10 labels of the target" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "120 recordings, 10 labels" in (tmp_path / "out" / "model" / "README.md").read_text(
        encoding="utf-8"
    )
    refused = sere(*words, "--target-shots", 200, "--out", tmp_path / "no")
    assert "would leave none to score" in one_line(refused)
    assert "whole" in sere("methods").stdout and WHOLE.line in sere("methods").stdout
