#!/usr/bin/env python3
"""SERE beside its relatives: every method of the four chapters of relatives, the ladder and the field,
on thirty ordered tasks among six corpora, with five labels per emotion and with all source labels.

    python evidence/relatives.py --corpora FOLDER [--draws 20] [--jobs 16] [--work FOLDER]
    python evidence/relatives.py --stored FOLDER [--jobs 16] [--work FOLDER]      # where there is no audio
    python evidence/relatives.py --stored FOLDER --draws 1 --under nameless  # harder tasks

Settings are chosen without the target's corpus, as its target or its source: the best of at most four
candidates (`TRIED`), with five labels on draw 100, with all labels on the other tasks' rows. The
defaults in the chapters and the candidates were looked at on draw 100 of six of these tasks. Ladder and field
have one setting for all tasks. `--under` makes the tasks harder (chapter conditions), with the settings that
the tables on file chose as recorded. `--work` keeps five draws of a method on a task at a time: a run that is
interrupted, or asked for more draws, goes on from there."""

import hashlib
from argparse import Namespace
from functools import partial

import pandas as pd
from common import RESULTS, Corpora, arguments, kept, parsed, save, told_means
from conditions import pair_of, per_task
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from sere_nb.base.core import progress
from sere_nb.study.report import statistics
from sere_nb.study.study import COLUMNS, METHODS, RELATIVES
from sere_nb.tasks.conditions import CONDITIONS
from sere_nb.tasks.tasks import Method, run_task

SIX = ("emodb", "emovo", "ravdess", "nemo", "casia", "urdu")
LADDER = [name for name in METHODS if name not in ("sere-network", "logreg-all")]
TOGETHER = 5  # draws
HEADS = [dict(head=head) for head in ("logreg", "logreg-balanced", "selftrain")]
SHARES = [dict(equal=True), dict(equal=False)]


def crossed(first, second):
    "Every setting of the first list with every one of the second."
    return [{**one, **other} for one in first for other in second]


WEIGHTS = crossed([dict(strength=0.1), dict(strength=1.0)], SHARES)
DEPTHS = crossed([dict(deep=True), dict(deep=False)], SHARES)
TRIED = {  # name -> settings, at most four; a published one is among them where there is one
    "coral": HEADS,
    "tca": crossed([dict(components=10), dict(components=30)], HEADS[1:]),
    "kmm": SHARES,
    "jdar-style": crossed([dict(strength=0.1), dict(strength=1.0)], [dict(ridge=0.1), dict(ridge=0.4)]),
    "lrjda-style": crossed([dict(strength=0.1), dict(strength=1.0)], [dict(ridge=0.1), dict(ridge=1.0)]),
    "jiasl-style": crossed([dict(strength=1.0), dict(strength=10.0)], [dict(ridge=0.1), dict(ridge=0.4)]),
    "laplacianshot": crossed([dict(strength=0.1), dict(strength=0.3)], SHARES),
    "pt-map": crossed([dict(step=0.2), dict(step=0.4)], [dict(axes=32), dict(axes=64)]),
    "tim": crossed([dict(labelled=0.1), dict(labelled=1.0)], [dict(alpha=0.1), dict(alpha=1.0)]),
    "em-dirichlet": crossed([dict(shares=0.0), dict(shares=1.0)], [dict(temperature=t) for t in (0.5, 1.0)]),
    "unem-style": crossed([dict(shares=0.0), dict(shares=0.5)], [dict(sharpness=s) for s in (15.0, 30.0)]),
    "prototype-consistency": crossed([dict(axes=32), dict(axes=64)], SHARES),
    "emo-tta-style": crossed([dict(weight=0.1), dict(weight=1.0)], [dict(axes=16), dict(axes=64)]),
    "wccn": crossed([dict(shrink=0.9), dict(shrink=0.99)], HEADS[1:]),
    "dan": WEIGHTS,
    "dann": WEIGHTS,
    "adogt-style": crossed([dict(strength=0.03), dict(strength=0.1)], SHARES),
    "afuer-style": crossed([dict(weight=0.1), dict(weight=1.0)], SHARES),
    "nrc": DEPTHS,
    "aad": crossed([dict(decay=0.0), dict(decay=2.0)], SHARES),
    "ecan-style": crossed(
        [dict(near_weight=0.5), dict(near_weight=1.0)], [dict(class_weight=w) for w in (0, 0.5)]
    ),
    "pseudo-label": DEPTHS,
    "mixmatch": crossed([dict(weight=1.0), dict(weight=75.0)], [dict(deep=True), dict(deep=False)]),
    "fixmatch": crossed([dict(threshold=0.8), dict(threshold=0.95)], [dict(deep=True), dict(deep=False)]),
    "adamatch": DEPTHS,
    "grand": crossed([dict(order=2), dict(order=4)], SHARES),
    "byol": crossed([dict(weight=0.3), dict(weight=1.0)], SHARES),
    "simsiam": crossed([dict(weight=0.3), dict(weight=1.0)], SHARES),
    "saddi-style": WEIGHTS,
}


# --- work -----------------------------------------------------------------------------------------


def candidates(name):
    "Setting -> `Method`; one without a name for the ladder."
    if name in METHODS:
        return {"": METHODS[name]}
    known = RELATIVES[name]
    return {str(setting): Method(partial(known.run, **setting), known.line) for setting in TRIED[name]}


def rows_of(corpora, task, name, setting, labels, draws, condition):
    "Rows of one method on one task; without a setting, of all its candidates."
    options = Namespace(**{**vars(corpora.options), "draws": list(draws)})
    norm = METHODS[name].norm if name in METHODS else None
    norm = norm or options.norm

    def function(source, target):
        asked = {one: m for one, m in candidates(name).items() if setting in (None, one)}
        asked = {one: Method(m.run, m.line, labels) for one, m in asked.items()}
        with threadpool_limits(1):
            made = pair_of(corpora, condition, source, target, norm)
            rows = pd.DataFrame(run_task(made, asked, draws=draws))
        told = dict(norm=norm, norm_asked=options.norm, unheard=False, encoder="both", condition=condition)
        return rows.assign(setting=rows.method, method=name, **told)[[*COLUMNS, "setting"]]

    shaping = hashlib.sha256(str((setting, labels, condition)).encode()).hexdigest()[:8]
    return kept(options, f"{name}-{shaping}", task, function)


def measured(corpora, names, labels, draws, settings=None, condition="recorded"):
    "Rows of all methods on all tasks; `settings`: (method, target) -> the one to use; None: all candidates."
    options = corpora.options

    def setting(name, target):
        return None if settings is None else settings.get((name, target), "")

    parts = [draws[place : place + TOGETHER] for place in range(0, len(draws), TOGETHER)]
    calls = [
        delayed(rows_of)(corpora, pair, name, setting(name, pair[1]), labels, part, condition)
        for part in parts
        for pair in corpora.pairs
        for name in names
    ]
    found = Parallel(n_jobs=options.jobs, batch_size=1, return_as="generator")(calls)
    return pd.concat(progress(found, f"{labels}, {condition}", len(calls), unit="part"), ignore_index=True)


def nested(rows):
    "(method, target) -> the setting that is best on the tasks in which that corpus has no part."
    chosen = {}
    for target in dict.fromkeys(rows.target):
        others = rows[(rows.source != target) & (rows.target != target)]
        others = others if len(others) else rows  # two corpora only, as with --quick
        means = others.groupby(["method", "setting"], sort=False).uar.mean()
        chosen.update({(name, target): means[name].idxmax() for name in dict.fromkeys(others.method)})
    return chosen


def chosen_rows(rows, settings):
    "The rows of the chosen settings, and those of methods that have none."
    wanted = [settings.get((row.method, row.target), row.setting) == row.setting for row in rows.itertuples()]
    return rows[wanted]


def harder(corpora, names, conditions):
    "Means of each task under harder conditions, with the settings that the tables on file chose as recorded."
    tried = pd.concat(pd.read_csv(path) for path in sorted((RESULTS / "relatives").glob("*tried.csv")))
    settings, draws = nested(tried), tuple(range(corpora.options.draws))
    found = []
    for condition in conditions:
        found.append(measured(corpora, [*LADDER, *names], "source-shots", draws, settings, condition))
        told_means(found[-1], condition)
    return per_task(pd.concat(found))


def main():
    "Choose, measure, and write."
    parser = arguments(__doc__, features=("both",))
    parser.add_argument(
        "--methods", nargs="+", choices=list(RELATIVES), help="relatives to run; all if left out"
    )
    parser.add_argument(
        "--part", help="name before the tables of what is measured later; some methods: no ladder, no ranks"
    )
    parser.add_argument(
        "--under", nargs="+", choices=[*CONDITIONS], help="conditions: nothing else is measured then"
    )
    parser.set_defaults(names=list(SIX), methods=list(RELATIVES), norm="auto")
    options = parsed(parser)  # rows do not depend on what is taken out of it here
    names, part, under = (vars(options).pop(name) for name in ("methods", "part", "under"))
    corpora, ladder = Corpora(options), [] if part else LADDER
    if under:
        table = {f"{part}_conditions" if part else "conditions": harder(corpora, names, under)}
        return save("relatives", table, options, tuned="as recorded")
    run = partial(measured, corpora)
    tried = run(names, "source-shots", (100,))
    rows = run([*ladder, *names], "source-shots", tuple(range(options.draws)), nested(tried))
    told_means(rows, f"five shots, {options.norm}")
    whole = run([*ladder, *names], "source-all", (0,))
    whole = chosen_rows(whole, nested(whole[whole.setting != ""]))
    told_means(whole, f"all source labels, {options.norm}")
    cost = rows.groupby("method", sort=False).seconds.mean().reset_index()
    sheets = statistics(rows, names[0] if part else "selftrain")
    sheets = {"summary": sheets["summary"]} if part else sheets
    tables = {"tried": tried, "shots": rows, "all": whole, "cost": cost}
    tables.update({f"shots_{name}": sheet for name, sheet in sheets.items()})
    tables = {f"{part}_{name}" if part else name: sheet for name, sheet in tables.items()}
    save("relatives", tables, options, tried=TRIED, tuned="draw 100")


if __name__ == "__main__":
    main()
