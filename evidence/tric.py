#!/usr/bin/env python3
"""What learning a metric does to the field: the same field is fitted again in a metric that the terms of
chapter tric shaped.

    python evidence/tric.py --corpora FOLDER [--features prosody both] [--draws 5]
    python evidence/tric.py --corpora FOLDER --criterion [--features prosody both]

The metric starts at the identity in the field's whitened coordinates; `field` is the field without
learning. Settings were looked at on draws 100 and 101 of these tasks; the draws reported here had no
part in it. `--criterion` asks instead whether the loss terms, computed without any learning, tell which
whitening suits the field: tric/FEATURES_criterion.csv."""

from functools import partial

import torch
from common import Corpora, arguments, each_pair, parsed, plain, save, study, told_means

from sere_nb.field.irf import FIELD, ResonanceClassifier, resonance_model
from sere_nb.field.tric import learn_metric, tric
from sere_nb.tasks.tasks import Method, score

SETTINGS = {  # name -> setting of `learn_metric`; beliefs=True stands for the field's own
    "contrast, matrix": dict(parts=(1, 0, 0), full=True),
    "chain, matrix": dict(parts=(0, 1, 0), full=True),
    "chain, gains": dict(parts=(0, 1, 0)),
    "tric, gains": {},
    "beliefs, matrix": dict(parts=(0, 0, 0), full=True, beliefs=True),
    "beliefs + tric, matrix": dict(full=True, beliefs=True),
}
WHITENINGS = (0.0, 0.25, 0.5, 0.75)


def in_learned_metric(task, beliefs=False, **setting):
    "The field, fitted again in a metric that it has helped to learn."
    torch.set_num_threads(1)
    X, y, speakers, corpora = task.stacked()
    field = resonance_model(task)
    coordinates = (X - field.mean_) @ field.axes_
    wanted = field.label_distributions_ if beliefs else None
    metric = learn_metric(coordinates, y, seed=task.seed, beliefs=wanted, **setting)
    again = ResonanceClassifier(whitening=0.0)
    again.fit(coordinates @ metric, y, speakers=speakers, corpora=corpora)
    return again.label_distributions_[len(task.source_X) :]


METHODS = {"field": FIELD}
METHODS.update({name: Method(partial(in_learned_metric, **how), name) for name, how in SETTINGS.items()})


def terms(task, field):
    "The loss terms in the field's whitened coordinates, nothing learned."
    X, y, _, _ = task.stacked()
    Z = torch.tensor((X - field.mean_) @ field.axes_)
    width = float((2 * Z.square().sum(1).mean()).sqrt())
    loss = tric(Z[y >= 0], torch.tensor(y[y >= 0]), Z[y < 0], bandwidth=width)
    return dict(contrast=loss.contrast.item(), chain=loss.chain.item(), visit=loss.visit.item())


def criterion_rows(corpora, kind, source, target):
    "UAR of the field for several whitenings, and the loss terms of the same coordinates."
    torch.set_num_threads(1)
    pair = corpora.pair(kind, source, target)
    for draw in range(corpora.options.draws):
        task = pair.draw(5, draw)
        for whitening in WHITENINGS:
            field = resonance_model(task, whitening=whitening)
            uar = score(pair.truth, field.label_distributions_[len(task.source_X) :])["uar"]
            told = dict(source=source, target=target, draw=draw, method=f"whitening {whitening}", uar=uar)
            yield {**told, **terms(task, field)}


def main():
    "Measure, and write."
    parser = arguments(__doc__, draws=5)
    parser.add_argument("--criterion", action="store_true", help="do the terms tell which whitening suits?")
    options = parsed(parser)
    corpora = Corpora(options)
    for kind in options.features:
        if options.criterion:
            rows = each_pair(corpora, kind, lambda *names, kind=kind: criterion_rows(corpora, kind, *names))
        else:
            rows = plain(study(corpora, kind, METHODS))
        told_means(rows, kind)
        name, settings = (f"{kind}_criterion", WHITENINGS) if options.criterion else (kind, SETTINGS)
        told = dict(features=kind, settings=settings, chosen="looked at on draws 100 and 101")
        save("tric", {name: rows}, options, **told)


if __name__ == "__main__":
    main()
