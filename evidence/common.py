"""What the scripts share: options, corpora, features by name, pairs, and results that say where they come
from."""

import argparse
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache, cached_property
from pathlib import Path

import pandas as pd
from joblib import Parallel, delayed

from sere_nb.answers.recogniser import semantic_width
from sere_nb.base.core import atomic_path, progress, provenance
from sere_nb.corpus.data import load_corpus
from sere_nb.encoding.encoder import load_encoder
from sere_nb.encoding.features import extract
from sere_nb.study.store import stored_features
from sere_nb.study.study import COLUMNS, run_study
from sere_nb.tasks.tasks import prepare

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
NAMES = ("emodb", "emovo", "ravdess", "nemo")
FEATURES = {  # the one naming scheme -> (what `extract` is asked for, of which encoder)
    "prosody": ("prosody", "bundled"),
    "encoder": ("encoder", "bundled"),
    "both": ("both", "bundled"),
    "whisper-tiny": ("encoder", "whisper-tiny"),
    "whisper-tiny+prosody": ("both", "whisper-tiny"),
}
SOURCE = ("sere_nb", "nbs/*.ipynb", "evidence/*.py")  # what a result depends on


# --- options --------------------------------------------------------------------------------------


def arguments(
    description: str,  # the script's docstring
    draws: int = 20,
    features=("prosody", "both"),
):  # `argparse.ArgumentParser`
    "The options that all scripts have."
    style = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=description, formatter_class=style)
    add = parser.add_argument
    add("--corpora", type=Path, default=os.environ.get("SERE_CORPORA"), help="folder; or SERE_CORPORA")
    add("--names", nargs="+", default=list(NAMES), metavar="NAME", help="corpora in that folder")
    add("--features", nargs="+", default=list(features), choices=list(FEATURES))
    add("--stored", type=Path, help="folder with features, where the corpora are not; see stored.py")
    add("--whisper", default=os.environ.get("SERE_WHISPER"), help=_WHISPER)
    add("--norm", default="speaker", choices=["none", "corpus", "speaker", "auto"])
    add("--draws", type=int, default=draws)
    add("--jobs", type=int, default=1, help="processes")
    add("--work", type=Path, help="keep finished parts in this folder, and go on with them")
    add("--allow-dirty", action="store_true", help="run on a changed source tree: print, write nothing")
    add("--quick", action="store_true", help="two slices of corpora, two draws: print, write nothing")
    return parser


_WHISPER = "script whose load() returns Whisper-tiny's encoder, a yardstick; or SERE_WHISPER"


def parsed(
    parser: argparse.ArgumentParser,
    given=None,  # words; None: those of the command line
) -> argparse.Namespace:
    "Options that can work. Stops on a changed source tree at once, unless nothing is to be written."
    options = parser.parse_args(given)
    options.writes = not (options.quick or options.allow_dirty)
    if options.corpora is None and options.stored is None:
        parser.error("name the folder of the corpora: --corpora FOLDER, or SERE_CORPORA in the environment")
    options.corpora = options.corpora and Path(options.corpora)
    if options.quick:
        options.names, options.draws = options.names[:2], min(options.draws, 2)
    if options.writes:
        refuse_changes()
    return options


# --- corpora and features -------------------------------------------------------------------------


def sliced(
    table: pd.DataFrame,
    speakers: int = 4,
    each: int = 4,  # utterances of an emotion by a speaker
) -> pd.DataFrame:
    "A few utterances of a few speakers, to see whether a script runs."
    few = table[table.speaker.isin(sorted(table.speaker.unique())[:speakers])]
    return few.groupby(["speaker", "emotion"], sort=False).head(each).reset_index(drop=True)


def teacher(
    options,  # with `whisper`
):
    "Whisper-tiny's encoder, from the script that loads it."
    if not options.whisper:
        sys.exit(
            "Whisper-tiny is no part of the package: --whisper SCRIPT (or SERE_WHISPER) names what loads it"
        )
    spec = importlib.util.spec_from_file_location("whisper_tiny", options.whisper)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.load()


class Corpora:
    "The corpora of a script, their features and their pairs, each made once."

    def __init__(self, options):
        self.options = options
        self.tables = {name: self._table(name) for name in options.names}

    def _table(self, name):
        if self.options.stored:
            return stored_features(self.options.stored, name)[0]
        table = load_corpus(name, self.options.corpora / name)
        return sliced(table) if self.options.quick else table

    @property
    def pairs(self):
        "All ordered pairs of names."
        return [(source, target) for source in self.tables for target in self.tables if source != target]

    @cached_property
    def _checkpoints(self):
        return tempfile.TemporaryDirectory(prefix="sere-evidence-")

    @cache  # noqa: B019  as long as the script
    def encoder(self, name):
        "An encoder by its name in `FEATURES`, or whatever else `load_encoder` takes."
        return self.checkpoint(name, teacher(self.options)) if name == "whisper-tiny" else load_encoder(name)

    def checkpoint(self, name, model):
        "A transformers model as an encoder of this package."
        folder = Path(self._checkpoints.name) / name
        model.save_pretrained(folder)
        return replace(load_encoder(folder), name=name)

    @cache  # noqa: B019
    def features(self, kind, name):
        "Raw features of a corpus, (n, F)."
        what, encoder = FEATURES[kind]
        if self.options.stored:
            return _part(stored_features(self.options.stored, name)[1], kind)
        encoder = encoder if what == "prosody" else self.encoder(encoder)
        return extract(self.tables[name], what, encoder, jobs=self.options.jobs)

    @cache  # noqa: B019
    def pair(self, kind, source, target, norm=None):
        "Two corpora made ready for each other, normalised as the options say or as asked for."
        X, Y = (self.features(kind, name) for name in (source, target))
        width = semantic_width(FEATURES[kind][0], X.shape[1])
        sides = self.tables[source], X, self.tables[target], Y
        return prepare(*sides, norm or self.options.norm, semantic_width=width)


def _part(features, kind):
    "Of stored features of bundled encoder and prosody, those of a kind."
    width = semantic_width("both", features.shape[1])
    return features[:, {"prosody": slice(width, None), "encoder": slice(0, width), "both": slice(None)}[kind]]


# --- work -----------------------------------------------------------------------------------------


def study(
    corpora: Corpora,
    kind: str,  # key of `FEATURES`
    methods: dict,  # name -> `Method`
    part: str = "",  # of the script, where it runs several studies of one kind
    **told,  # other options of `run_study`
) -> pd.DataFrame:  # its rows
    "One study with the package's own engine. In the folder `work` it goes on where it was interrupted."
    options, (what, encoder) = corpora.options, FEATURES[kind]
    told = {"norm": options.norm, "draws": options.draws, **told}
    folder = options.work and options.work / f"{Path(sys.argv[0]).stem}-{kind}{part and '-'}{part}"
    how = dict(methods=methods, features=what, jobs=options.jobs, folder=folder, resume=True)
    reader = encoder if what == "prosody" else corpora.encoder(encoder)
    return run_study(corpora.tables, encoder=reader, **how, **told)


def plain(
    rows: pd.DataFrame,  # of `run_study`
) -> pd.DataFrame:
    "Without what rides along."
    return rows[COLUMNS]


def each_part(
    corpora: Corpora,
    functions: dict,  # name of the part -> (source, target) -> rows (dicts)
) -> dict:  # name -> rows of every pair
    "All parts on every pair, side by side. What is finished is kept in the folder `work`."
    calls = [(name, pair) for name in functions for pair in corpora.pairs]
    work = (delayed(kept)(corpora.options, name, pair, functions[name]) for name, pair in calls)
    found = Parallel(n_jobs=corpora.options.jobs, return_as="generator")(work)
    parts = {name: [] for name in functions}
    for (name, _), rows in zip(calls, progress(found, "parts", len(calls), unit="pair")):
        parts[name].append(rows)
    return {name: pd.concat(rows, ignore_index=True) for name, rows in parts.items()}


def each_pair(
    corpora: Corpora,
    kind: str,  # key of `FEATURES`, or another name of what is asked
    function: Callable,  # (source, target) -> rows (dicts)
) -> pd.DataFrame:
    "Rows of every pair, as `each_part`."
    return each_part(corpora, {kind: function})[kind]


def kept(
    options,  # of `parsed`
    kind: str,  # what else shapes the rows
    pair: tuple,  # (source, target)
    function: Callable,  # (source, target) -> rows (dicts)
) -> pd.DataFrame:
    "Rows of one pair: from the folder `work` if the same options and the same code made them."
    if not options.work:
        return pd.DataFrame(function(*pair))
    shaping = [kind, sorted(shaped(options).items()), code()]
    digest = hashlib.sha256(json.dumps(shaping, default=str).encode()).hexdigest()[:12]
    path = options.work / f"{Path(sys.argv[0]).stem}-{kind}-{digest}" / f"{'-'.join(pair)}.json"
    if not path.exists():
        with atomic_path(path) as temporary:
            pd.DataFrame(function(*pair)).to_json(temporary, orient="records", double_precision=15)
    return pd.read_json(path, orient="records", dtype=False, convert_dates=False)


@cache
def code() -> str:
    "Digest of all code that rows depend on; it needs no repository, so rows may be made on another machine."
    files = sorted([*HERE.parent.glob("sere_nb/**/*.py"), *HERE.glob("*.py")])
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


# --- results --------------------------------------------------------------------------------------


def git(*words):
    "What git says of this repository."
    command = ["git", "-C", str(HERE.parent), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def changes() -> list:
    "Tracked files that results depend on and that no commit holds."
    return git("status", "--porcelain", "--untracked-files=no", "--", *SOURCE).splitlines()


def refuse_changes():
    "Stop if a result could not say which commit made it."
    found = changes()
    if found:
        listed = ", ".join(line.split()[-1] for line in found[:5])
        sys.exit(
            f"{len(found)} changed files ({listed}): commit them first; --allow-dirty prints, writes nothing"
        )


def shaped(options) -> dict:
    "Those options that shape a result."
    silent = ("corpora", "stored", "whisper", "jobs", "work", "allow_dirty", "quick", "writes")
    return {name: value for name, value in vars(options).items() if name not in silent}


def save(
    claim: str,  # name of the folder
    tables: dict,  # name -> rows or table
    options,  # of `parsed`
    **told,  # what else shaped them
):
    "Write results/CLAIM/NAME.csv, and into origin.json where each comes from; or print."
    tables = {name: pd.DataFrame(table) for name, table in tables.items()}
    if not options.writes:
        for name, table in tables.items():
            print(f"{claim}/{name}: {len(table)} rows, not written", table.head().to_string(), sep="\n")
        return
    refuse_changes()
    shaping = {"script": f"evidence/{Path(sys.argv[0]).name}"}
    if options.draws:
        shaping.update(shots=5, seeds=f"draw numbers 0 to {options.draws - 1}")
    origin = provenance(**{**shaping, **shaped(options), **told})
    for name, table in tables.items():
        with atomic_path(RESULTS / claim / f"{name}.csv") as path:
            table.to_csv(path, index=False, float_format="%.6g")
    _remember(RESULTS / claim, dict.fromkeys(tables, origin))


def _remember(folder, origins):
    "Write origin.json: table -> provenance, for the tables that are there."
    path = folder / "origin.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    known = {name: told for name, told in {**known, **origins}.items() if (folder / f"{name}.csv").exists()}
    with atomic_path(path) as temporary:
        text = json.dumps(dict(sorted(known.items())), indent=1, default=str)
        temporary.write_text(text + "\n", encoding="utf-8")


def told_means(rows, kind):
    "Print the mean UAR of each method."
    print(kind, rows.groupby("method", sort=False).uar.mean().mul(100).round(1).to_dict(), flush=True)
