"A folder whose emotions occur as they please: limits, symmetries, and inputs with next to nothing in them."

import warnings

import numpy as np
import pytest

import sere_nb.field.folder as method
from sere_nb.field.folder import (
    FOLDER,
    Source,
    adapted,
    agreed,
    discriminant,
    even,
    measuring,
    nearest_graph,
    questions,
    random_order,
    right_interval,
    shares_of,
    shifted,
    taught_by_owner,
    temperature_for,
    unexplained,
    unseen,
)
from sere_nb.tasks.baselines import Linear
from sere_nb.tasks.tasks import Task, answer

CLASSES, WIDTH = 3, 5


def voices(count, seed, shares=None, shift=0.0):
    "Utterances of three emotions, each louder on an axis of its own: (features, classes)."
    random = np.random.default_rng(seed)
    y = random.choice(CLASSES, count, p=shares) if shares else np.arange(count) % CLASSES
    X = random.normal(size=(count, WIDTH))
    X[np.arange(count), y] += 2.5
    return X + shift, y


LABELLED = Source(*voices(90, 0), CLASSES)
FOLDER_X, TRUTH = voices(40, 1, [0.7, 0.2, 0.1], shift=0.5)
NAMES = [f"{number:02}.wav" for number in range(40)]
NOBODY = np.full(40, -1)


def some_told(count=12):
    "Classes of the first recordings, as their owner told them."
    return np.where(np.arange(40) < count, TRUTH, -1)


def task(told=None, rows=slice(None)):
    X = FOLDER_X[rows]
    told = None if told is None else told[rows]
    who = np.full(len(LABELLED.y), None), np.full(len(X), None)
    return Task(LABELLED.X, LABELLED.y, who[0], X, who[1], ("anger", "fear", "joy"), target_y=told)


# --- without labels ---------------------------------------------------------------------------------


def test_a_mean_that_the_answers_explain_stays():
    pure = np.eye(CLASSES)[TRUTH]
    X = LABELLED.means[TRUTH]
    assert np.allclose(unexplained(X, pure, LABELLED.means), 0)
    assert np.allclose(unexplained(X + 0.7, pure, LABELLED.means), 0.7)
    assert np.allclose(shares_of(pure), np.bincount(TRUTH) / 40)
    flat = np.full((40, CLASSES), 1 / CLASSES)
    assert np.allclose(shares_of(flat), 1 / CLASSES)


def test_with_nothing_removed_a_microphone_stays_and_with_all_of_it_goes(monkeypatch):
    model, said = discriminant(LABELLED.X, LABELLED.y), np.eye(CLASSES)[TRUTH]
    there = lambda shift: shifted(model, FOLDER_X + shift, said, LABELLED.means)
    monkeypatch.setattr(method, "REMOVED", 0)
    assert np.allclose(there(3.0).bias, there(0.0).bias)
    monkeypatch.setattr(method, "SPREAD_TRUST", 1e12)  # the spread stays as well: the model as it was
    assert np.allclose(there(3.0).weights, model.weights) and np.allclose(there(3.0).bias, model.bias)
    monkeypatch.setattr(method, "REMOVED", 1)
    far = there(3.0).predict_proba(FOLDER_X + 3)
    assert np.allclose(far, there(0.0).predict_proba(FOLDER_X))


def test_unequal_shares_are_not_centred_away():
    "Thirty-six of forty recordings are angry: to centre them would hide it."
    X, y = voices(40, 2, [0.9, 0.05, 0.05])
    right = lambda one: (adapted(LABELLED, one).predict_proba(one).argmax(axis=1) == y).mean()
    assert right(X) > 0.8 and right(X) >= right(X - X.mean(axis=0)) + 0.2


def test_the_first_model_may_be_another():
    always = Linear(np.zeros((CLASSES, WIDTH)), np.array([0.0, 0.0, 9.0]))
    plain = adapted(LABELLED, FOLDER_X).predict_proba(FOLDER_X)
    other = adapted(Source(LABELLED.X, LABELLED.y, CLASSES, always), FOLDER_X).predict_proba(FOLDER_X)
    assert other[:, 2].mean() > plain[:, 2].mean()


def test_even_log_odds_have_the_spread_that_is_asked_for():
    model = even(discriminant(LABELLED.X, LABELLED.y), LABELLED.X, 4.0)
    odds = LABELLED.X @ model.weights.T + model.bias
    assert (odds - odds.mean(axis=1, keepdims=True)).std() == pytest.approx(4.0)


# --- nearest_graph -------------------------------------------------------------------------------------


def test_neighbours_that_do_not_pull_change_nothing():
    said = adapted(LABELLED, FOLDER_X).predict_proba(FOLDER_X)
    assert np.allclose(agreed(said, nearest_graph(FOLDER_X), pull=0), said)
    assert np.allclose(agreed(said, nearest_graph(FOLDER_X)).sum(axis=1), 1)


def test_neighbours_are_mutual_and_nobody_is_their_own():
    near = nearest_graph(FOLDER_X).toarray()
    assert np.array_equal(near, near.T) and not near.diagonal().any()
    assert set(np.unique(near)) <= {0, 0.5, 1} and near.sum() == 40 * 7


def test_what_the_owner_told_stays_and_reaches_the_neighbours():
    flat, near = np.full((40, CLASSES), 1 / CLASSES), nearest_graph(FOLDER_X)
    said = agreed(flat, near, some_told())
    assert np.array_equal(said[:12], np.eye(CLASSES)[TRUTH[:12]])
    closest = int(near[0].toarray().ravel()[12:].argmax()) + 12
    assert said[closest, TRUTH[0]] > 1 / CLASSES


# --- answers of the owner ---------------------------------------------------------------------------


def test_without_an_answer_the_taught_model_is_the_adapted_one():
    before = adapted(LABELLED, FOLDER_X)
    model = taught_by_owner(LABELLED, FOLDER_X, NOBODY, before)
    assert np.allclose(model.weights, before.weights) and np.allclose(model.bias, before.bias)
    said = agreed(before.predict_proba(FOLDER_X), nearest_graph(FOLDER_X))
    assert np.allclose(answer(FOLDER, task()), answer(FOLDER, task(NOBODY)))
    assert answer(FOLDER, task()).shape == said.shape


def test_with_every_answer_given_they_are_the_answers():
    assert np.array_equal(answer(FOLDER, task(TRUTH)), np.eye(CLASSES)[TRUTH])


def test_answers_teach():
    "In this folder everybody shouts: what the source calls joy is anger."
    swapped = np.array([2, 1, 0])[TRUTH]
    told = np.where(np.arange(40) < 20, swapped, -1)
    before = adapted(LABELLED, FOLDER_X)
    right = lambda model: (model.predict_proba(FOLDER_X).argmax(axis=1) == swapped)[20:].mean()
    assert right(taught_by_owner(LABELLED, FOLDER_X, told, before)) > right(before) + 0.4


def test_a_new_word_is_a_class_and_a_gap_between_classes_is_never_said():
    told, strange = NOBODY.copy(), FOLDER_X.copy()
    strange[30:, 4] += 4
    told[30:35] = CLASSES + 1  # class number 3 has no answer, and no label
    said = taught_by_owner(LABELLED, strange, told, adapted(LABELLED, strange)).predict_proba(strange)
    assert said.shape == (40, CLASSES + 2) and said[:, CLASSES].max() < 1e-6
    assert (said[35:].argmax(axis=1) == CLASSES + 1).mean() > 0.7
    assert (said[:30].argmax(axis=1) != CLASSES + 1).mean() > 0.9


def test_an_answer_that_is_predicted_has_not_been_seen():
    "Whatever the owner says of one recording: what is predicted of it stays the same."
    told, before = some_told(), adapted(LABELLED, FOLDER_X)
    rows = np.flatnonzero(told >= 0)
    said = unseen(LABELLED, FOLDER_X, told, rows, before, parts=len(rows))
    for row in rows[:4]:
        other = told.copy()
        other[row] = (told[row] + 1) % CLASSES
        again = unseen(LABELLED, FOLDER_X, other, rows, before, parts=len(rows))
        assert np.array_equal(again[row], said[row]) and not np.array_equal(again, said)
    (alone,) = unseen(LABELLED, FOLDER_X, np.where(np.arange(40) == 5, TRUTH, -1), np.array([5]), before)
    assert np.allclose(alone, agreed(before.predict_proba(FOLDER_X), nearest_graph(FOLDER_X))[5])


# --- order ------------------------------------------------------------------------------------------


def test_another_order_of_the_recordings_changes_no_answer():
    turned = np.random.default_rng(3).permutation(40)
    for told in (None, some_told()):
        said = answer(FOLDER, task(told))
        again = answer(FOLDER, task(told, turned))
        assert np.allclose(again, said[turned], atol=1e-6 if told is None else 5e-3)


def test_the_random_order_follows_names_not_places():
    turned, order = np.random.default_rng(3).permutation(40), random_order(NAMES)
    again = random_order([NAMES[n] for n in turned])
    assert sorted(order) == list(range(40)) and [turned[n] for n in again] == list(order)
    assert list(random_order([f"x{name}" for name in NAMES])) != list(order)


# --- questions --------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 2, 7, 20, 39, 40, 1000])
def test_nothing_is_asked_twice_and_half_is_drawn(count):
    asked = questions(FOLDER_X, NAMES, count)
    many = min(count, 40)
    drawn = [one for one, why in asked.items() if why == "random"]
    assert len(asked) == many and set(asked) <= set(range(40)) and len(drawn) == (many + 1) // 2
    assert drawn == list(random_order(NAMES)[: len(drawn)])
    why = list(asked.values())
    assert all(one == ("random", "chosen")[n % 2] for n, one in enumerate(why))


def test_whoever_is_asked_more_is_asked_the_same_and_more_at_random():
    few, many = (questions(FOLDER_X, NAMES, count) for count in (8, 16))
    drawn = lambda asked: [one for one, why in asked.items() if why == "random"]
    assert drawn(many)[:4] == drawn(few)


def test_copies_are_asked_about_once_as_far_as_it_goes():
    same = np.repeat(FOLDER_X[:4], 10, axis=0)
    asked = questions(same, NAMES, 12)
    assert len(asked) == 12 and len(set(asked)) == 12


def test_answers_in_the_random_order_measure():
    order, answered = random_order(NAMES), np.zeros(40, bool)
    assert len(measuring(NAMES, answered)) == 0
    answered[order[:6]] = True
    assert list(measuring(NAMES, answered)) == list(order[:6])
    answered[order[[9, 12, 20]]] = True  # those that were chosen to help
    assert list(measuring(NAMES, answered)) == list(order[:6])
    assert sorted(measuring(NAMES, np.ones(40, bool))) == list(range(40))


def test_answers_that_somebody_picked_are_all_there_is():
    order = random_order(NAMES)
    answered = np.zeros(40, bool)
    answered[order[5:15]] = True  # the first of the random order are not among them
    assert sorted(measuring(NAMES, answered)) == sorted(order[5:15])
    answered[order[:2]] = True  # two of twelve are too few to be the random ones
    assert len(measuring(NAMES, answered)) == 12


# --- how often it is right --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trials, others, error", [(5, 25, 0.1), (10, 40, 0.15), (20, 100, 0.2), (10, 6, 0.1)]
)
def test_the_interval_holds_the_truth_as_often_as_it_claims(trials, others, error):
    "Models are right in 30 to 90 % of the cases, and their confidence is a little wrong, either way."
    random, held = np.random.default_rng(trials), []
    for _ in range(2000):
        share = random.uniform(0.3, 0.9)
        sure = np.clip(share + random.normal(0, error), 0.05, 0.99)
        estimate, low, high = right_interval(random.random(trials) < share, sure, others)
        assert 0 <= low <= high <= 1 and 0 < estimate < 1
        assert others < 20 or low <= estimate <= high
        held.append(low <= (random.random(others) < share).mean() <= high)
    assert np.mean(held) >= 0.88


def test_the_estimate_lies_in_its_interval_among_few_others_too():
    estimate, low, high = right_interval(np.ones(10, bool), 0.99, 6)
    assert low <= estimate <= high


def test_more_trials_make_the_interval_narrower_and_move_it():
    width = lambda *told: np.diff(right_interval(*told)[1:])[0]
    right = np.arange(40) % 2 == 0
    assert width(right, 0.5, 100) < width(right[:10], 0.5, 100)
    assert right_interval(right, 0.9, 100)[0] < right_interval(right[:4], 0.9, 100)[0]
    assert right_interval(np.ones(10, bool), 0.5, 50)[0] > 0.8 > right_interval(right[:10], 0.5, 50)[0]
    assert right_interval(np.zeros(0, bool), 0.6, 50)[0] == pytest.approx(0.6)


def test_answers_are_made_as_sure_as_they_are_right():
    said = adapted(LABELLED, FOLDER_X).predict_proba(FOLDER_X)
    for wanted in (0.45, 0.6, 0.9):
        hot = temperature_for(said, wanted)
        assert method.tempered(said, 1 / hot).max(axis=1).mean() == pytest.approx(wanted, abs=0.02)


# --- next to nothing --------------------------------------------------------------------------------


def sound(said, count):
    return said.shape[0] == count and np.isfinite(said).all() and np.allclose(said.sum(axis=1), 1)


@pytest.mark.parametrize("count", [2, 3, 7, 8])
def test_fewer_recordings_than_neighbours(count):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sound(answer(FOLDER, task(rows=slice(count))), count)
        assert sound(answer(FOLDER, task(some_told(1), slice(count))), count)
    assert len(questions(FOLDER_X[:count], NAMES[:count], count)) == count


def test_a_folder_with_one_emotion_only():
    rows = np.flatnonzero(TRUTH == 0)
    said = answer(FOLDER, task(rows=rows))
    assert sound(said, len(rows)) and (said.argmax(axis=1) == 0).mean() > 0.6


def test_features_without_any_spread():
    flat = np.ones((12, WIDTH))
    before = adapted(LABELLED, flat)
    told = np.where(np.arange(12) < 3, 1, -1)
    for one, words in ((before, None), (taught_by_owner(LABELLED, flat, told, before), told)):
        said = agreed(one.predict_proba(flat), nearest_graph(flat), words)
        assert sound(said, 12)
    asked = questions(flat, NAMES[:12], 6)
    assert len(asked) == 6
    rows = np.flatnonzero(told >= 0)
    assert sound(unseen(LABELLED, flat, told, rows, before), 3)


@pytest.mark.parametrize("word", [0, 2, CLASSES])
def test_one_answer_only(word):
    told = np.where(np.arange(40) == 7, word, -1)
    before = adapted(LABELLED, FOLDER_X)
    said = agreed(
        taught_by_owner(LABELLED, FOLDER_X, told, before).predict_proba(FOLDER_X),
        nearest_graph(FOLDER_X),
        told,
    )
    assert sound(said, 40) and said[7, word] == 1
    assert unseen(LABELLED, FOLDER_X, told, np.array([7]), before).shape == (1, max(CLASSES, word + 1))


def test_a_source_of_two_emotions():
    rows = LABELLED.y < 2
    two = Source(LABELLED.X[rows], LABELLED.y[rows], 2)
    before = adapted(two, FOLDER_X)
    told = np.where(TRUTH < 2, TRUTH, -1)
    for model in (before, taught_by_owner(two, FOLDER_X, np.where(np.arange(40) < 10, told, -1), before)):
        said = model.predict_proba(FOLDER_X)
        assert said.shape == (40, 2) and (said.argmax(axis=1) == TRUTH)[TRUTH < 2].mean() > 0.8


def test_a_folder_of_one_recording():
    assert sound(answer(FOLDER, task(rows=slice(1))), 1)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_mean_of_an_emotion_without_a_label_is_that_of_all():
    rows = LABELLED.y != 1
    some = Source(LABELLED.X[rows], LABELLED.y[rows], CLASSES)
    assert np.allclose(some.means[1], LABELLED.X[rows].mean(axis=0))
