#!/usr/bin/env python3
"""How sure may a model be that was adapted to a folder without labels? One temperature for all folders leaves
some too sure and some not sure enough. Does anything that needs no label tell how often it will be right?

    python evidence/agreement.py --corpora FOLDER

Four numbers of a folder are tried: how often the adapted model agrees with self-training, and with logistic
regression, on features without the like voices; its mean confidence; its mean entropy. Each predicts the
accuracy of a corpus by a straight line through the other four, and the temperature is the one at which the
mean confidence is that accuracy. (Baek et al. 2022 found such lines for networks that agree.)"""

import numpy as np
import pandas as pd
from common import Corpora, arguments, parsed, save
from ready import FIVE, SIX, calibrated, figures, tempered

from sere_nb.study import METHODS
from sere_nb.tasks import prepare
from sere_nb.voices import WHOLE, grouped, voices_out

TEMPERATURES = np.geomspace(0.5, 30, 200)


def task_of(corpora, name):
    "A corpus without any metadata, and the labels of the ready pack, as `sere adapt` has them."
    table, X = corpora.tables["emodb"], corpora.features("both", "emodb")
    kept = table.emotion.isin(FIVE).to_numpy()
    bare = corpora.tables[name].assign(emotion=None, speaker="(unknown)", corpus="own", language="und")
    sides = table[kept], X[kept], bare, corpora.features("both", name)
    return prepare(*sides, "corpus", semantic_width=384).task


def told(task, said):
    "The four numbers of a folder."
    rivals = {name: METHODS[name].run(voices_out(grouped(task))) for name in ("selftrain", "logreg")}
    agree = {f"agrees with {name}": (said.argmax(1) == one.argmax(1)).mean() for name, one in rivals.items()}
    entropy = -(said * np.log(np.maximum(said, 1e-12))).sum(axis=1).mean()
    return {**agree, "confidence": said.max(axis=1).mean(), "entropy": entropy}


def by_line(values, accuracy, answers, truths, name):
    "Figures of one corpus at the temperature that the line through the other ones asks for."
    others = [other for other in values if other != name]
    slope, start = np.polyfit([values[o] for o in others], [accuracy[o] for o in others], 1)
    expected = float(np.clip(start + slope * values[name], 0.2, 1))
    said, classes = answers[name]
    confidence = [tempered(said, one).max(axis=1).mean() for one in TEMPERATURES]
    temperature = TEMPERATURES[np.abs(np.array(confidence) - expected).argmin()]
    found = figures(tempered(said, temperature), classes, truths[name])
    return dict(corpus=name, value=values[name], expected=expected, temperature=temperature, **found)


def main():
    "Adapt, compare, write."
    parser = arguments(__doc__, draws=0, features=("both",))
    parser.set_defaults(names=list(SIX))
    options = parsed(parser)
    if options.quick:
        options.names = list(SIX[:4])  # a line needs two others
    corpora = Corpora(options)
    tasks = {name: task_of(corpora, name) for name in corpora.tables if name != "emodb"}
    truths = {name: corpora.tables[name].emotion.to_numpy(dtype=str) for name in tasks}
    answers = {name: (WHOLE.run(task), list(task.classes)) for name, task in tasks.items()}
    rows = [dict(one, by="one temperature") for one in calibrated(answers, truths)]
    accuracy = {row["corpus"]: row["accuracy"] for row in rows}
    numbers = pd.DataFrame({name: told(task, answers[name][0]) for name, task in tasks.items()})
    for number, values in numbers.iterrows():
        lines = (by_line(values.to_dict(), accuracy, answers, truths, name) for name in tasks)
        rows += [dict(line, by=number) for line in lines]
    table = pd.DataFrame(rows)
    print(table.pivot_table("ece", "by", "corpus", sort=False).assign(mean=lambda t: t.mean(axis=1)).round(3))
    print(numbers.T.assign(accuracy=accuracy).corr().accuracy.round(2).to_dict())
    save("ready", {"agreement": table}, options, tried=list(numbers.index))


if __name__ == "__main__":
    main()
