"""The rivals of `neighbours.py`: alignment of features, and small networks.

Those that align features (`coral`, `tca`, `kmm`) learn the alignment from all utterances and then
classify; the classifier on top is part of the setting. From skada come CORAL, KMM, MMD's loss and the
reversed gradient. Two things of skada 0.5.0 are not used: its TCA hands a matrix that is not symmetric
to `eigh` (the generalised symmetric problem of the paper stands here instead), and its DANN's
discriminator ends in a softmax over one number, which is always 1. The networks (`dan`, `dann`, `aad`,
`fixmatch`, `adamatch`) have one hidden layer of 64 units, or none (`deep`), and are trained with Adam,
200 steps of 64 unlabelled utterances each. At the end they get equal shares assigned, as
`logreg-balanced` does: without that they would compete with one hand tied."""

import warnings
from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from scipy.linalg import eigh
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import rbf_kernel

from sere_nb import baselines

HEADS = {
    "logreg": baselines.logreg,
    "logreg-balanced": baselines.logreg_balanced,
    "selftrain": baselines.selftrain,
}


# --- features aligned without labels; the same for every draw of a task, so remembered ---------
class Both:
    "Source and target features, compared by identity: without labels every draw is the same."

    def __init__(self, source, target):
        self.source, self.target, self.place = source, target, (id(source), id(target))

    def __hash__(self):
        return hash(self.place)

    def __eq__(self, other):
        return self.source is other.source and self.target is other.target


def _stacked(both):
    return np.vstack([both.source, both.target]).astype(float), np.repeat(
        [1, -2], [len(both.source), len(both.target)]
    )


@lru_cache(maxsize=4)
def _coral(both):
    "Source features with the target's covariance (Sun et al. 2016)."
    from skada import CORALAdapter

    X, domain = _stacked(both)
    return np.asarray(CORALAdapter().fit_transform(X, sample_domain=domain)), domain


@lru_cache(maxsize=4)
def _tca(both, components):
    "Components in which both corpora's means are close in a kernel's space (Pan et al. 2011), unit variance."
    X, domain = _stacked(both)
    kernel, side = rbf_kernel(X), np.where(domain > 0, 1 / len(both.source), -1 / len(both.target))
    pull, n = kernel @ side, len(X)
    _, vectors = eigh(
        kernel @ (kernel - kernel.mean(axis=0)),
        np.outer(pull, pull) + 0.1 * np.eye(n),
        subset_by_index=[n - components, n - 1],
    )
    Z = kernel @ vectors
    return (Z - Z.mean(axis=0)) / Z.std(axis=0), domain


@lru_cache(maxsize=4)
def _kmm(both):
    "Weights of source utterances that bring its kernel mean to the target's (Huang et al. 2007)."
    from skada import KMMReweightAdapter

    X, domain = _stacked(both)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        adapter = KMMReweightAdapter(gamma=1 / X.shape[1]).fit(X, sample_domain=domain)
    return np.asarray(adapter.source_weights_)


def _on_top(task, aligned, head):
    "A classifier of the ladder on aligned features."
    (Z, domain), known = aligned, task.source_y >= 0
    task = replace(task, source_X=Z[domain > 0], target_X=Z[domain < 0])
    assert known.sum() == len(task.labelled[1])
    return HEADS[head](task)


def coral(task, head):
    "CORAL, then a classifier."
    return _on_top(task, _coral(Both(task.source_X, task.target_X)), head)


def tca(task, components, head):
    "TCA, then a classifier."
    return _on_top(task, _tca(Both(task.source_X, task.target_X), components), head)


def kmm(task, head):
    "Logistic regression with the weights of KMM."
    X, y = task.labelled
    weights = _kmm(Both(task.source_X, task.target_X))[task.source_y >= 0]
    weights = np.maximum(weights / max(weights.mean(), 1e-12), 1e-3)
    probabilities = (
        LogisticRegression(C=baselines.REGULARISATION, max_iter=500)
        .fit(X, y, sample_weight=weights)
        .predict_proba(task.target_X)
    )
    return baselines.balanced(probabilities) if head == "logreg-balanced" else probabilities


# --- networks -------------------------------------------------------------------------------------
def _start(task, deep=True, weight_decay=1e-3):
    "Tensors of a task, a network (hidden layer, output) and its optimiser, seeded by the draw."
    torch.set_num_threads(1)
    torch.manual_seed(task.seed)
    X, y = (torch.as_tensor(part) for part in task.labelled)
    hidden = (
        torch.nn.Sequential(torch.nn.Linear(X.shape[1], 64), torch.nn.ReLU()) if deep else torch.nn.Identity()
    )
    output = torch.nn.Linear(64 if deep else X.shape[1], len(task.classes))
    optimiser = torch.optim.Adam(
        [*hidden.parameters(), *output.parameters()], lr=1e-3, weight_decay=weight_decay
    )
    return X, y, torch.as_tensor(task.source_X), torch.as_tensor(task.target_X), hidden, output, optimiser


def _step(optimiser, loss):
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def _batch(X, size=64):
    return X[torch.randint(len(X), (size,))]


def _answer(hidden, output, target):
    with torch.no_grad():
        return baselines.balanced(output(hidden(target)).softmax(dim=1).double().numpy())


def dan(task, strength, steps=200):
    "MMD between hidden layers, sum of Gaussian kernels (Long et al. 2015)."
    from skada.deep.losses import dan_loss

    X, y, source, target, hidden, output, optimiser = _start(task)
    for _ in range(steps):
        _step(
            optimiser,
            F.cross_entropy(output(hidden(X)), y)
            + strength
            * dan_loss(hidden(_batch(source)), hidden(_batch(target)), sigmas=(0.5, 1.0, 2.0, 4.0, 8.0)),
        )
    return _answer(hidden, output, target)


def dann(task, strength, steps=200):
    "A discriminator of corpora whose gradient is reversed, growing as in the paper (Ganin et al. 2016)."
    from skada.deep.modules import GradientReversalLayer

    X, y, source, target, hidden, output, optimiser = _start(task)
    critic = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1))
    optimiser.add_param_group({"params": critic.parameters()})
    sides = torch.cat([torch.zeros(64), torch.ones(64)])
    for step in range(steps):
        growth = strength * (2 / (1 + np.exp(-10 * step / steps)) - 1)
        told = critic(
            GradientReversalLayer.apply(hidden(torch.cat([_batch(source), _batch(target)])), growth)
        )[:, 0]
        _step(
            optimiser, F.cross_entropy(output(hidden(X)), y) + F.binary_cross_entropy_with_logits(told, sides)
        )
    return _answer(hidden, output, target)


def aad(task, neighbours, decay, deep=True, steps=200):
    "Neighbours in the target should agree, others differ (Yang et al. 2022); the source goes first."
    X, y, _, target, hidden, output, optimiser = _start(task, deep)
    for _ in range(200):
        _step(optimiser, F.cross_entropy(output(hidden(X)), y, label_smoothing=0.1))
    with torch.no_grad():
        bank = hidden(target)
        scores, bank = output(bank).softmax(dim=1), F.normalize(bank, dim=1)
    for step in range(steps):
        rows = torch.randint(len(target), (min(64, len(target)),))
        inner = hidden(target[rows])
        guess = output(inner).softmax(dim=1)
        with torch.no_grad():
            bank[rows], scores[rows] = F.normalize(inner, dim=1), guess
            near = (
                (bank[rows] @ bank.T)
                .scatter(1, rows[:, None], -2)
                .topk(min(neighbours, len(target) - 1))
                .indices
            )
        others = (guess @ guess.T) * (1 - torch.eye(len(rows)))
        _step(
            optimiser,
            -(guess[:, None] * scores[near]).sum(dim=(1, 2)).mean()
            + (1 + 10 * step / steps) ** -decay * others.sum(dim=1).mean(),
        )
    return _answer(hidden, output, target)


def fixmatch(task, threshold, align, deep=True, steps=200):
    """Pseudo-labels of a weak view (a tenth of the features gone) for a strong one (half; Sohn et al. 2020).

    `align`: AdaMatch's alignment of shares, relative threshold and warm-up, without its interpolation of
    logits (Berthelot et al. 2022)."""
    X, y, source, target, hidden, output, optimiser = _start(task, deep)
    everything, net = torch.cat([source, target]), torch.nn.Sequential(hidden, output)
    shares = torch.full((len(task.classes),), 1 / len(task.classes))  # running mean belief of the unlabelled
    for step in range(steps):
        unlabelled, labelled = _batch(everything, 64), net(F.dropout(X, 0.1))
        with torch.no_grad():
            belief = net(F.dropout(unlabelled, 0.1)).softmax(dim=1)
            if align:
                shares = 0.95 * shares + 0.05 * belief.mean(dim=0)
                belief = F.normalize(belief * labelled.softmax(dim=1).mean(dim=0) / shares, p=1, dim=1)
            bar = threshold * (labelled.softmax(dim=1).max(dim=1).values.mean() if align else 1)
            kept = (belief.max(dim=1).values >= bar).float()
            growth = 0.5 - np.cos(min(np.pi, 2 * np.pi * step / steps)) / 2 if align else 1.0
        strong = F.cross_entropy(net(F.dropout(unlabelled, 0.5)), belief.argmax(dim=1), reduction="none")
        _step(optimiser, F.cross_entropy(labelled, y) + growth * (kept * strong).mean())
    return _answer(hidden, output, target)


TRIED = {  # name -> (method, settings tried)
    "coral": (coral, [dict(head=head) for head in HEADS]),
    "tca": (tca, [dict(components=components, head=head) for components in (10, 30, 60) for head in HEADS]),
    "kmm": (kmm, [dict(head=head) for head in ("logreg", "logreg-balanced")]),
    "dan": (dan, [dict(strength=strength) for strength in (0.1, 1.0)]),
    "dann": (dann, [dict(strength=strength) for strength in (0.1, 1.0)]),
    "aad": (aad, [dict(neighbours=5, decay=decay, deep=deep) for decay in (0, 2) for deep in (True, False)]),
    "fixmatch": (
        fixmatch,
        [
            dict(threshold=threshold, align=False, deep=deep)
            for threshold in (0.95, 0.8)
            for deep in (True, False)
        ],
    ),
    "adamatch": (fixmatch, [dict(threshold=0.9, align=True, deep=deep) for deep in (True, False)]),
}
SLOW = ("dan", "dann", "aad", "fixmatch", "adamatch")
