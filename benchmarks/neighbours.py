#!/usr/bin/env python3
"""SERE beside its neighbours in the field, on the same features, draws and labels: 12 ordered tasks. Writes results/neighbours_FEATURES.csv and
results/neighbours_FEATURES_differences.csv (sere minus each, paired).

    pip install skada==0.5.0
    python benchmarks/neighbours.py --corpora ../shared/corpora [--features prosody encoder both] [--draws 20] [--sere sere]
    python benchmarks/neighbours.py --corpora ../shared/corpora --tune        # draws 100 and 101: how the settings were chosen

What every method gets: a few labelled source utterances, all other source utterances without labels, all target utterances without labels.
Those that align features (`coral`, `tca`, `kmm`) learn the alignment from all utterances and then classify; the classifier on top is part of the setting.
From skada come CORAL, KMM, MMD's loss and the reversed gradient. Two things of skada 0.5.0 are not used: its TCA hands a matrix that is not symmetric to `eigh`
(the generalised symmetric problem of the paper stands here instead), and its DANN's discriminator ends in a softmax over one number, which is always 1 and teaches nothing.
Each has one setting for all tasks and features: the best of those in TRIED on draws 100 and 101 of four of these tasks (results/neighbours_settings.csv). The networks
(`dan`, `dann`, `aad`, `fixmatch`, `adamatch`) have one hidden layer of 64 units, or none (`deep`), and are trained with Adam, 200 steps of 64 unlabelled utterances each; At the end they get
equal shares assigned, as `logreg-balanced` does: without that they would compete with one hand tied.
"""

import warnings
from ast import literal_eval
from functools import lru_cache
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from common import PAIRS, RESULTS, Corpora, arguments, save
from scipy.linalg import eigh
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import rbf_kernel

from sere_nb import baselines
from sere_nb.metrics import paired_bootstrap, score_array, uar, war
from sere_nb.study import COLUMNS, METHODS

HEADS = {
    "logreg": baselines.logreg,
    "logreg-balanced": baselines.logreg_balanced,
    "selftrain": baselines.selftrain,
}


# --- features aligned without labels; the same for every draw of a task, so remembered -------------------------------------------------
class Both:
    "Source and target features, compared by identity: what is learned without labels is the same for every draw."

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
    "Components in which the means of both corpora are close in a Gaussian kernel's space, MMD (Pan et al. 2011), scaled to unit variance."
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
    task = baselines.replace(task, source_X=Z[domain > 0], target_X=Z[domain < 0])
    assert known.sum() == len(task.labelled[1])
    return HEADS[head](task)


def coral(task, head):
    return _on_top(task, _coral(Both(task.source_X, task.target_X)), head)


def tca(task, components, head):
    return _on_top(task, _tca(Both(task.source_X, task.target_X), components), head)


def kmm(task, head):
    X, y = task.labelled
    weights = _kmm(Both(task.source_X, task.target_X))[task.source_y >= 0]
    weights = np.maximum(weights / max(weights.mean(), 1e-12), 1e-3)
    probabilities = (
        LogisticRegression(C=baselines.REGULARISATION, max_iter=500)
        .fit(X, y, sample_weight=weights)
        .predict_proba(task.target_X)
    )
    return baselines.balanced(probabilities) if head == "logreg-balanced" else probabilities


# --- networks ---------------------------------------------------------------------------------------------------------------------------
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
    "Attracting and dispersing: neighbours in the target should agree, others differ (Yang et al. 2022). Free of source data after its first part."
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
    """Pseudo-labels of a weak view (a tenth of the features dropped) for a strong one (half of them; Sohn et al. 2020).

    `align`: AdaMatch's alignment of shares, relative threshold and warm-up, without its interpolation of logits (Berthelot et al. 2022)."""
    X, y, source, target, hidden, output, optimiser = _start(task, deep)
    everything, net = torch.cat([source, target]), torch.nn.Sequential(hidden, output)
    shares = torch.full(
        (len(task.classes),), 1 / len(task.classes)
    )  # running mean belief of unlabelled utterances
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
TUNED_ON = [
    ("emodb", "nemo"),
    ("emovo", "ravdess"),
    ("ravdess", "emodb"),
    ("nemo", "emovo"),
]  # each corpus once a source and once a target
SLOW = ("dan", "dann", "aad", "fixmatch", "adamatch")


def run(corpora, kind, methods, draws, pairs=PAIRS):
    "One row per task, draw and method."
    for source, target in pairs:
        for draw in draws:
            task, truth = corpora.task(kind, source, target, draw)
            for name, (method, used) in methods.items():
                start = perf_counter()
                guess = method(task).argmax(axis=1)
                yield dict(
                    zip(
                        COLUMNS,
                        (
                            source,
                            target,
                            draw,
                            name,
                            uar(truth, guess),
                            war(truth, guess),
                            len(task.classes),
                            len(truth),
                            5,
                            corpora.options.norm,
                            kind,
                            used,
                            perf_counter() - start,
                        ),
                    )
                )


def tune(corpora, kinds):
    "Mean UAR of every setting tried, on draws that no result uses."
    rows = []
    for kind in kinds:
        for name, (method, tried) in TRIED.items():
            bound = {
                str(setting): (lambda task, setting=setting: method(task, **setting), "source-shots")
                for setting in tried
            }
            scores = (
                pd.DataFrame(run(corpora, kind, bound, (100, 101), TUNED_ON))
                .groupby("method", sort=False)
                .uar.mean()
            )
            rows += [
                dict(features=kind, method=name, setting=setting, uar=value)
                for setting, value in scores.items()
            ]
            print(kind, name, scores.mul(100).round(1).to_dict(), flush=True)
    return pd.DataFrame(rows)


def chosen():
    "The best setting of each method, by results/neighbours_settings.csv."
    table = (
        pd.read_csv(RESULTS / "neighbours_settings.csv")
        .groupby(["method", "setting"], sort=False)
        .uar.mean()
        .reset_index()
    )
    best = table.loc[table.groupby("method").uar.idxmax()]
    return {name: literal_eval(setting) for name, setting in zip(best.method, best.setting)}


def differences(rows, sere):
    "sere minus each other method on the draws both have, with intervals over draws (these tasks) and over tasks as well."
    for name in dict.fromkeys(rows.method[rows.method != sere]):
        draws = rows.draw[rows.method == name].unique()
        shared = rows[rows.draw.isin(draws)]
        first, second = score_array(shared, sere), score_array(shared, name)
        over = {over: paired_bootstrap(first, second, over=over) for over in ("draws", "tasks")}
        yield dict(
            method=name,
            draws=len(draws),
            uar=second.mean(),
            sere=first.mean(),
            difference=over["draws"].mean,
            low=over["draws"].low,
            high=over["draws"].high,
            low_tasks=over["tasks"].low,
            high_tasks=over["tasks"].high,
            tasks_won=int((first.mean(1) > second.mean(1)).sum()),
        )


def main():
    parser = arguments(__doc__)
    parser.add_argument(
        "--slow-draws", type=int, default=5, help="draws of the networks, the first of all draws"
    )
    parser.add_argument("--sere", default="sere", help="name in sere_nb.transfer.METHODS")
    parser.add_argument(
        "--measured",
        type=Path,
        help="CSV of benchmarks/sere.py with the same features, draws and normalisation: its logreg, selftrain and sere rows are taken, not run again",
    )
    parser.add_argument("--tune", action="store_true")
    options = parser.parse_args()
    if options.measured and len(options.features) > 1:
        parser.error("--measured goes with one feature set")
    corpora = Corpora(options)
    if options.tune:
        return save(
            tune(corpora, options.features),
            "neighbours_settings",
            "neighbours.py",
            features=options.features,
            norm=options.norm,
            shots=5,
            seeds="draws 100 and 101",
            tasks=TUNED_ON,
        )
    settings = chosen()
    neighbours = {
        name: (lambda task, name=name: TRIED[name][0](task, **settings[name]), "source-shots")
        for name in TRIED
    }
    ladder = ("logreg", "selftrain", options.sere)
    quick = ({} if options.measured else {name: METHODS[name] for name in ladder}) | {
        name: method for name, method in neighbours.items() if name not in SLOW
    }
    for kind in options.features:
        known = (
            pd.read_csv(options.measured)
            .query("method in @ladder and draw < @options.draws and norm == @options.norm")
            .assign(encoder=kind)
            .to_dict("records")
            if options.measured
            else []
        )
        rows = pd.DataFrame(
            [
                *known,
                *run(corpora, kind, quick, range(options.draws)),
                *run(corpora, kind, {name: neighbours[name] for name in SLOW}, range(options.slow_draws)),
            ]
        )
        print(pd.DataFrame(differences(rows, options.sere)).round(4).to_string(), flush=True)
        origin = dict(
            features=kind,
            measured=options.measured and options.measured.name,
            encoder=options.encoder,
            norm=options.norm,
            shots=5,
            draws=options.draws,
            slow_draws=options.slow_draws,
            slow=SLOW,
            settings=settings,
            settings_chosen_on="draws 100 and 101 of four tasks",
            seeds="draw numbers from 0",
        )
        save(rows, f"neighbours_{kind}", "neighbours.py", **origin)
        save(differences(rows, options.sere), f"neighbours_{kind}_differences", "neighbours.py", **origin)


if __name__ == "__main__":
    main()
