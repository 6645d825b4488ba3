"The triple-resonance loss: closed forms, gradients, what may change nothing, and what bad input hears."

import matplotlib
import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from sere_nb.base.core import SereError, assert_same, generator
from sere_nb.field.irf import resonance
from sere_nb.field.tric import (
    chain,
    contrast,
    learn_metric,
    log_resonance,
    plot_chain,
    transitions,
    tric,
    visit,
    walk,
)

matplotlib.use("Agg")


def cloud(count, width, name, dtype=torch.float64):
    return torch.tensor(generator("tric", name).normal(size=(count, width)), dtype=dtype)


@pytest.mark.parametrize("dtype, tolerance", [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize("far", [0.0, 1000.0])
def test_resonance_is_that_of_chapter_06(dtype, tolerance, far):
    first, second = cloud(20, 5, "first", dtype) + far, cloud(30, 5, "second", dtype) + far
    expected = resonance(first.double().numpy(), second.double().numpy(), 1.3)
    assert_same(log_resonance(first, second, 1.3).exp().double(), expected, atol=tolerance)


@pytest.mark.parametrize("loops", [True, False])
@pytest.mark.parametrize("spread", [0.0, 1.0, 1e3])
def test_rows_are_probabilities(loops, spread):
    X = (cloud(12, 3, "rows") * spread).float()
    table = transitions(X, X, 1.0, loops=loops, weights=torch.rand(12) + 0.1)
    assert (
        torch.isfinite(table).all()
        and torch.allclose(table.sum(1), torch.ones(12))
        and (loops or table.diag().eq(0).all())
    )


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("shots", [1, 5])
def test_collapsed(classes, shots):
    y = torch.arange(classes).repeat(shots)
    anchors, unlabelled = torch.full((len(y), 4), 3.3), torch.full((40, 4), 3.3)
    loss = tric(anchors, y, unlabelled)
    others = np.log((len(y) - 1) / (shots - 1)) if shots > 1 else 0.0
    for value, expected in ((loss.chain, np.log(classes)), (loss.visit, 0.0), (loss.contrast, others)):
        assert abs(float(value) - expected) < 1e-5


def test_perfectly_apart():
    y = torch.arange(4).repeat(5)
    places = 1e4 * torch.eye(4)
    loss = tric(places[y], y, places[torch.arange(40) % 4])
    assert max(loss.contrast, loss.chain, loss.visit.abs()) < 1e-5


def test_apart_the_wrong_way_is_finite():
    "Anchors of one class in two places that no walk connects: hopeless, but a number."
    y = torch.tensor([0, 1, 0, 1])
    places = torch.tensor([[0.0], [0.1], [1e6], [-1e6]]).requires_grad_()
    loss = tric(places, y, torch.tensor([[0.0], [1e6], [-1e6], [3e6]]))
    loss.total.backward()
    assert torch.isfinite(loss.total) and torch.isfinite(places.grad).all()


def test_one_step_with_one_partner_is_infonce():
    X = cloud(12, 4, "infonce")
    scores = 8 * log_resonance(X, X, 1.0).fill_diagonal_(-torch.inf)
    assert_same(contrast(X, torch.arange(12) // 2), cross_entropy(scores, torch.arange(12) ^ 1), atol=1e-10)


def test_singletons_are_skipped():
    X, y = cloud(7, 3, "singles"), torch.tensor([0, 0, 1, 1, 2, 3, 4])
    steps = transitions(X, X, 1.0, loops=False)
    assert_same(
        contrast(X, y),
        -torch.stack([steps[0, 1], steps[1, 0], steps[2, 3], steps[3, 2]]).log().mean(),
        atol=1e-10,
    )
    assert contrast(X, torch.arange(7)) == 0
    alone = X.clone().requires_grad_()
    tric(alone, torch.arange(7), cloud(9, 3, "others")).total.backward()
    assert torch.isfinite(alone.grad).all()


@pytest.mark.parametrize("weighted", [True, False])
def test_gradients(weighted):
    anchors, unlabelled = cloud(6, 3, "anchors").requires_grad_(), cloud(7, 3, "unlabelled").requires_grad_()
    weights = torch.tensor(generator("weights").random(7) + 0.2, requires_grad=True)
    y = torch.tensor([0, 0, 1, 1, 2, 3])
    for term in range(4):
        assert torch.autograd.gradcheck(
            lambda a, u, w: tric(a, y, u, 0.8, 4.0, w if weighted else None)[term],
            (anchors, unlabelled, weights),
        )


def test_gradients_where_everything_meets():
    anchors, unlabelled = (torch.zeros(count, 3, dtype=torch.float64, requires_grad=True) for count in (4, 6))
    assert torch.autograd.gradcheck(
        lambda a, u: tric(a, torch.tensor([0, 0, 1, 1]), u).total, (anchors, unlabelled)
    )
    tric(anchors, torch.tensor([0, 0, 1, 1]), unlabelled).total.backward()
    assert torch.isfinite(anchors.grad).all() and torch.isfinite(unlabelled.grad).all()


def test_order_changes_nothing():
    anchors, unlabelled, y = cloud(8, 3, "a"), cloud(11, 3, "u"), torch.arange(8) % 3
    weights, random = torch.rand(11, dtype=torch.float64), torch.manual_seed(0)
    p, q = torch.randperm(8, generator=random), torch.randperm(11, generator=random)
    renamed = torch.tensor([7, 2, 5])[y]  # nor do the names of the classes
    for one, other in zip(
        tric(anchors, y, unlabelled, weights=weights),
        tric(anchors[p], renamed[p], unlabelled[q], weights=weights[q]),
    ):
        assert_same(one, other, atol=1e-10)


def test_turning_and_moving_change_nothing():
    anchors, unlabelled, y = cloud(8, 3, "a"), cloud(11, 3, "u"), torch.arange(8) % 3
    turn = torch.linalg.qr(cloud(3, 3, "turn"))[0]
    for one, other in zip(tric(anchors, y, unlabelled), tric(anchors @ turn + 5, y, unlabelled @ turn + 5)):
        assert_same(one, other, atol=1e-9)


def test_weight_zero_is_absence():
    anchors, unlabelled, y = cloud(6, 3, "a"), cloud(9, 3, "u"), torch.arange(6) % 2
    weights = torch.tensor([1.0, 0, 2, 0, 1, 1, 0, 3, 1], dtype=torch.float64, requires_grad=True)
    kept = weights > 0
    loss = tric(anchors, y, unlabelled, weights=weights)
    for one, other in zip(loss, tric(anchors, y, unlabelled[kept], weights=weights[kept])):
        assert_same(one, other, atol=1e-10)
    loss.total.backward()
    assert torch.isfinite(weights.grad).all()
    for one, other in zip(
        tric(anchors, y, unlabelled, weights=torch.full((9,), 0.3, dtype=torch.float64)),
        tric(anchors, y, unlabelled),
    ):
        assert_same(one, other, atol=1e-10)  # equal weights are no weights


def test_a_coefficient_of_zero_removes_a_term_exactly():
    anchors, unlabelled, y = cloud(6, 3, "a").requires_grad_(), cloud(9, 3, "u"), torch.arange(6) % 2
    for place, term in enumerate(
        (contrast(anchors, y), chain(anchors, y, unlabelled), visit(anchors, unlabelled))
    ):
        alone = tric(anchors, y, unlabelled, parts=tuple(float(place == k) for k in range(3))).total
        assert_same(alone, term)
        assert_same(*(torch.autograd.grad(loss, anchors)[0] for loss in (alone, term)))
    assert tric(anchors, y, unlabelled, parts=(0, 0, 0)).total == 0


def test_chain_is_the_walk():
    anchors, unlabelled, y = cloud(6, 3, "a"), cloud(9, 3, "u"), torch.arange(6) % 2
    to, among, back = walk(anchors, unlabelled)
    home = to @ among @ back
    assert (
        to.shape == (6, 9)
        and among.shape == (9, 9)
        and back.shape == (9, 6)
        and torch.allclose(home.sum(1), torch.ones(6, dtype=torch.float64))
    )
    assert_same(
        chain(anchors, y, unlabelled),
        -torch.stack([home[i, y == y[i]].sum().log() for i in range(6)]).mean(),
        atol=1e-12,
    )


@pytest.mark.parametrize(
    "change, said",
    [
        (dict(classes=torch.arange(5)), "6 anchors and 5 classes"),
        (dict(unlabelled=torch.zeros(9, 4)), "anchors have 3 dimensions, unlabelled samples 4"),
        (dict(unlabelled=torch.zeros(1, 3)), "at least two"),
        (dict(weights=torch.ones(4)), "9 numbers"),
        (dict(weights=-torch.ones(9)), "0 and above"),
        (dict(weights=torch.eye(9)[0]), "at least two"),
    ],
)
def test_bad_input_hears_one_line(change, said):
    with pytest.raises(SereError, match=said) as caught:
        tric(
            **{
                **dict(anchors=torch.zeros(6, 3), classes=torch.arange(6), unlabelled=torch.zeros(9, 3)),
                **change,
            }
        )
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("step", [None, 0, 1, 2, 3])
def test_plot_chain(step):
    figure = plot_chain(cloud(4, 2, "a"), torch.tensor([0, 0, 1, 1]), cloud(9, 2, "u"), start=2, step=step)
    titles = [axis.get_title() for axis in figure.axes]
    assert len(titles) == (4 if step is None else 1) and titles[0].startswith(str(step or 0))
    matplotlib.pyplot.close(figure)


def moving_axes(seed, apart=2.0):
    "Three classes along two axes, eight more axes of noise; three labels each, -1 elsewhere."
    random = generator("axes", seed)
    truth = np.arange(240) % 3
    X = random.normal(size=(240, 10))
    X[:, :2] = apart * np.array([[0, 1], [0.9, -0.5], [-0.9, -0.5]])[truth] + 0.3 * random.normal(
        size=(240, 2)
    )
    return X, np.where(np.arange(240) < 9, truth, -1), truth


@pytest.mark.parametrize("full", [False, True])
def test_metric_finds_the_axes_that_matter(full):
    "After learning, the nearest label is more often of the right class than before, with either shape."

    def agreement(X, y, truth):
        distance = ((X[y < 0][:, None] - X[y >= 0]) ** 2).sum(-1)
        return np.mean(truth[y >= 0][distance.argmin(1)] == truth[y < 0])

    gain = []
    for seed in range(3):
        X, y, truth = moving_axes(seed)
        metric = learn_metric(X, y, full=full, steps=80, seed=seed)
        assert metric.shape == (10, 10) and np.isfinite(metric).all()
        gain.append(agreement(X @ metric, y, truth) - agreement(X, y, truth))
    assert np.mean(gain) > 0.02, gain


def test_metric_repeats_and_starts_at_the_identity():
    X, y, _ = moving_axes(0)
    assert_same(learn_metric(X, y, seed=3), learn_metric(X, y, seed=3))
    assert_same(learn_metric(X, y, steps=0, full=True), np.eye(10, dtype=np.float32))
    assert_same(learn_metric(X, y, steps=0), np.eye(10, dtype=np.float32))


def test_real_speech(real_corpora):
    "German to Italian, log spectra: the chain of the true labels lies below that of shuffled ones."
    from sere_nb.corpus.audio import read_audio
    from sere_nb.corpus.data import load_corpus
    from sere_nb.sound.frames import power_spectrum, windows
    from sere_nb.sound.prosody import spectral_shape
    from sere_nb.tasks.tasks import prepare

    tables = [load_corpus(name, real_corpora / name) for name in ("emodb", "emovo")]
    tables = [table.groupby("speaker").head(30).reset_index(drop=True) for table in tables]
    features = [
        np.stack(
            [
                np.concatenate(
                    [
                        (shape := spectral_shape(power_spectrum(windows(read_audio(path))))).mean(0),
                        shape.std(0),
                    ]
                )
                for path in table.path
            ]
        )
        for table in tables
    ]
    pair = prepare(tables[0], features[0], tables[1], features[1])
    for draw in range(3):
        task = pair.draw(4, draw)
        anchors, y, target = (
            torch.tensor(task.labelled[0]),
            torch.tensor(task.labelled[1]),
            torch.tensor(task.target_X),
        )
        width = float(target.square().sum(1).mean().mul(2).sqrt())
        shuffled = [
            chain(anchors, y[torch.randperm(len(y), generator=torch.manual_seed(k))], target, width).item()
            for k in range(10)
        ]
        assert chain(anchors, y, target, width).item() < np.mean(shuffled)
