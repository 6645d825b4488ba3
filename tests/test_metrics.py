"What the measures of the book promise, where the answer is known without them."

import numpy as np
import pandas as pd
import pytest

from sere_nb.base.core import SereError, generator
from sere_nb.tasks.metrics import bootstrap_mean, compare, confusion, holm, paired_bootstrap, uar, war

TRUTH, SAID = np.array([0] * 8 + [1] * 2), np.array([0] * 8 + [0, 1])


def test_each_emotion_counts_alike_in_uar_and_each_utterance_in_war():
    assert uar(TRUTH, SAID) == pytest.approx((1 + 0.5) / 2) and war(TRUTH, SAID) == pytest.approx(0.9)
    assert uar(TRUTH, np.zeros(10, int)) == 0.5  # whoever always says the same is at chance
    assert uar(TRUTH, TRUTH) == war(TRUTH, TRUTH) == 1
    assert uar(TRUTH, np.where(SAID == 1, 2, SAID)) == 0.5  # an emotion that nobody showed has no recall
    order = generator("metrics").permutation(10)
    assert uar(TRUTH[order], SAID[order]) == uar(TRUTH, SAID)


def test_rows_of_a_confusion_are_what_was_shown():
    np.testing.assert_allclose(confusion(TRUTH, SAID, 3), [[1, 0, 0], [0.5, 0.5, 0], [0, 0, 0]])


def test_intervals_hold_their_mean_and_shrink_with_more_draws():
    random = generator("intervals")
    few, many = (bootstrap_mean(random.normal(0.5, 0.1, size=(3, draws))) for draws in (5, 500))
    for found in (few, many):
        assert found.low <= found.mean <= found.high
    assert many.high - many.low < (few.high - few.low) / 3
    same = bootstrap_mean(np.full((2, 4), 0.3))
    assert (same.low, same.mean, same.high) == pytest.approx((0.3, 0.3, 0.3))
    wide = bootstrap_mean(np.array([[0.2, 0.2], [0.8, 0.8]]), over="tasks")
    assert wide.high - wide.low > 0.3 and bootstrap_mean([[0.2, 0.2], [0.8, 0.8]]).high == pytest.approx(0.5)
    with pytest.raises(SereError, match="1 of 4 scores"):
        bootstrap_mean([[0.2, np.nan], [0.8, 0.8]])


def test_a_pair_is_compared_draw_by_draw():
    hard = generator("pairs").normal(0.5, 0.2, size=(4, 10))
    better = paired_bootstrap(hard + 0.01, hard)
    assert better.mean == pytest.approx(0.01) and better.low > 0
    with pytest.raises(SereError, match="cannot be paired"):
        paired_bootstrap(hard, hard[:, :5])


def test_holm_is_stricter_than_each_test_and_keeps_their_order():
    p = np.array([0.01, 0.04, 0.03])
    np.testing.assert_allclose(holm(p), [0.03, 0.06, 0.06])


def test_a_better_method_is_found_and_an_equal_one_is_not():
    random, rows = generator("compare"), []
    for target in "abcdefgh":
        for draw in range(5):
            base = random.normal(0.5, 0.05)
            scores = dict(base=base, better=base + 0.1, same=base + random.normal(0, 0.001))
            rows += [("s", target, draw, method, score) for method, score in scores.items()]
    table = pd.DataFrame(rows, columns=["source", "target", "draw", "method", "uar"])
    found = compare(table, "base")
    means = found[found.over == "tasks"].set_index("method") if "over" in found else found.set_index("method")
    assert means.loc["better"].low.min() > 0.09 and abs(means.loc["same"].difference).max() < 0.01
