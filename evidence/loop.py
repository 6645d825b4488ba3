#!/usr/bin/env python3
"""What each part of the loop is worth: the network that the field taught, with one thing added, left out
or replaced.

python evidence/loop.py --corpora FOLDER [--draws 5]

`network` is `semisup.learn` with its defaults, on eight moments per utterance; every other row changes
one thing. One setting for all tasks, target labels in the scores only."""

import warnings
from dataclasses import replace

import numpy as np
import torch
from common import Corpora, arguments, each_pair, parsed, save, told_means

from sere_nb.field.highlights import RULE, corpus_moments
from sere_nb.field.irf import ResonanceClassifier
from sere_nb.field.model import join, recordings, standardise
from sere_nb.field.semisup import learn_network, train_student
from sere_nb.sound.normalise import normalisation_groups
from sere_nb.tasks.baselines import logreg, selftrain
from sere_nb.tasks.tasks import score

ADDED = {  # name -> options of `learn_network`
    "with TRIC": dict(chain=0.02),
    "with TRIC ten times as strong": dict(chain=0.2),
    "with attention": dict(attention=True),
    "with agreement": dict(agreement=0.3),
    "with hiding": dict(hide=0.1),
}


def read(corpora):
    "name of corpus -> kind of moments -> `Recordings`, raw."
    encoder = corpora.encoder("bundled")
    for name, table in corpora.tables.items():
        plain = recordings(table, encoder)
        moments, weights, _ = corpus_moments(table, encoder, rule=RULE)
        yield name, {"plain": plain, "rule": replace(plain, moments=moments, weights=weights)}


def samples_of(pair, features, kind, norm):
    "Both sides of a pair, normalised, one after the other."
    sides = [(table, features[table.corpus.iloc[0]][kind]) for table in (pair.source, pair.target)]
    return join([standardise(raw[table.index], normalisation_groups(table, norm)) for table, raw in sides])


def refreshed(samples, y, classes, found, **here):
    "The field organised again in the network's embedding, and the network taught again."
    with torch.inference_mode():
        embedded = found.model.embed(*samples.tensors()).numpy().astype(float)
    standard = (embedded - embedded.mean(axis=0)) / np.maximum(embedded.std(axis=0), 1e-6)
    field = ResonanceClassifier().fit(standard, y, **here)
    return train_student(samples, y, field.label_distributions_, classes)[0]


def networks(samples, ruled, task):
    "name, probabilities of all samples: the field as the teacher."
    _, y, speakers, corpora = task.stacked()
    here, classes = dict(speakers=speakers, corpora=corpora), list(task.classes)
    found = learn_network(samples, y, classes, **here)
    yield "field", found.field.label_distributions_
    yield "network", found.model.probabilities(samples)
    for name, options in ADDED.items():
        yield name, learn_network(samples, y, classes, **here, **options).model.probabilities(samples)
    yield "highlights by rule", learn_network(ruled, y, classes, **here).model.probabilities(ruled)
    deaf = replace(samples, prosody=samples.prosody[:, :0])
    blind = replace(samples, moments=samples.moments[:, :, :0])
    yield "semantic path alone", learn_network(deaf, y, classes, **here).model.probabilities(deaf)
    yield "prosodic path alone", learn_network(blind, y, classes, **here).model.probabilities(blind)
    yield "field refreshed", refreshed(samples, y, classes, found, **here).probabilities(samples)


def others(samples, task):
    "name, probabilities of all samples or of the target alone: no field."
    _, y, _, corpora = task.stacked()
    known, classes = y >= 0, list(task.classes)
    certain = np.eye(len(classes))[y[known]]
    alone = train_student(samples[known], y[known], certain, classes)[0]
    yield "labels alone", alone.probabilities(samples)
    guessed = selftrain(task)
    beliefs = np.vstack([np.full((len(task.source_y), len(classes)), 1 / len(classes)), guessed])
    beliefs[known] = certain
    kept = known | (corpora == 1)
    taught = train_student(samples[kept], y[kept], beliefs[kept], classes)[0]
    yield "self-training teaches", taught.probabilities(samples)
    yield "selftrain", guessed
    yield "logreg", logreg(task)


def rows_of(corpora, features, source, target):
    "All rows of one pair."
    torch.set_num_threads(1)
    pair = corpora.pair("both", source, target)
    samples, ruled = (samples_of(pair, features, kind, corpora.options.norm) for kind in ("plain", "rule"))
    for draw in range(corpora.options.draws):
        task = pair.draw(5, draw)
        for name, found in [*networks(samples, ruled, task), *others(samples, task)]:
            uar = score(pair.truth, found[-len(pair.truth) :])["uar"]
            told = dict(source=source, target=target, draw=draw, method=name, uar=uar)
            yield {**told, "labels_used": "source-shots"}


def main():
    "Measure, and write."
    options = parsed(arguments(__doc__, draws=5, features=("both",)))
    corpora = Corpora(options)
    features = dict(read(corpora))
    warnings.filterwarnings("ignore", message=".*(fell into one class|has collapsed)")
    results = each_pair(corpora, "both", lambda *names: rows_of(corpora, features, *names))
    told_means(results, "both")
    save("loop", {"parts": results}, options, network_seed=0)


if __name__ == "__main__":
    main()
