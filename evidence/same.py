#!/usr/bin/env python3
"""Does the code still say the same, to the last digit? The ladder and the field on every pair of corpora,
as digests.

    python evidence/same.py --corpora FOLDER [--vectors FOLDER]   # compare
    python evidence/same.py --corpora FOLDER --write              # keep what this code says

same.json was made by the code that still had two data paths, on features that stay as
they are; the digest of the features stands beside, so that other features are told from other methods.
Sums of floating-point numbers differ between machines: where the reference says something else, write
one there with the older code. `--vectors` names a folder with NAME.npy, features that were extracted
before."""

import hashlib
import json
import sys

import numpy as np
from common import HERE, Corpora, arguments, parsed

from sere_nb.baselines import BASELINES
from sere_nb.core import atomic_path
from sere_nb.irf import FIELD
from sere_nb.tasks import prepare

REFERENCE = HERE / "same.json"
SHARED = ["emodb", "emovo", "ravdess", "nemo", "casia", "urdu"]
METHODS = {**BASELINES, "field": FIELD}
NORMS = ("speaker", "corpus")


def digest(array):
    "Of every bit of an array."
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


def vectors(corpora, name):
    "Features of a corpus, from the folder that was named or made now."
    folder = corpora.options.vectors
    return np.load(f"{folder}/{name}.npy") if folder else corpora.features("both", name)


def said(corpora, X):
    "source/target/norm -> method -> digest of the probabilities of draw 0."
    for source, target in corpora.pairs:
        for norm in NORMS:
            pair = prepare(corpora.tables[source], X[source], corpora.tables[target], X[target], norm)
            task = pair.draw(5, 0)
            found = {}
            for name, method in METHODS.items():
                found[name] = digest(method.run(pair.task if method.labels == "source-all" else task))
            yield f"{source}/{target}/{norm}", found


def differences(reference, features, answers):
    "What is not as it was, in words."
    for name, value in features.items():
        if reference["features"].get(name) != value:
            yield f"features of {name}"
    for task, found in answers.items():
        before = reference["answers"].get(task, {})
        for method, value in found.items():
            if before.get(method) != value:
                yield f"{method} on {task}"


def keep(features, answers):
    "Write the reference, a line per task."
    lines = ",\n".join(f"  {json.dumps(task)}: {json.dumps(found)}" for task, found in answers.items())
    text = f' "features": {json.dumps(features)},\n "answers": {{\n{lines}\n }}'
    with atomic_path(REFERENCE) as path:
        path.write_text(f"{{\n{text}\n}}\n", encoding="utf-8")


def main():
    "Compare, or write."
    parser = arguments(__doc__)
    parser.set_defaults(names=SHARED)
    parser.add_argument("--vectors", help="folder with NAME.npy")
    parser.add_argument("--write", action="store_true", help="keep what this code says as the reference")
    options = parsed(parser)
    corpora = Corpora(options)
    X = {name: vectors(corpora, name) for name in corpora.tables}
    features, answers = {name: digest(value) for name, value in X.items()}, dict(said(corpora, X))
    if options.write and options.writes:
        return keep(features, answers)
    reference = json.loads(REFERENCE.read_text())
    wrong, count = list(differences(reference, features, answers)), len(answers) * len(METHODS)
    print(f"{count} answers, {len(wrong)} differ", *wrong[:20], sep="\n  ")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
