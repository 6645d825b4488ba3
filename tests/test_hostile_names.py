"""Names of corpora and methods: whatever they hold, files stay apart, and pictures and pages show them."""

import io
import os
import warnings
from html import unescape
from html.parser import HTMLParser
from itertools import product
from unicodedata import normalize

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sere_nb.base.core import file_stem, shown
from sere_nb.base.figures import figure_text, heat_map, page_text, plot_intervals
from sere_nb.corpus.data import mini_corpus
from sere_nb.study import report
from sere_nb.study.report import write_report, write_results

plt.switch_backend("Agg")
LONG = os.environ.get("SERE_FUZZ") == "long"  # fifty times as many, and others in every run
calm = settings(
    derandomize=not LONG,
    database=None,
    deadline=None,
    max_examples=60 * (50 if LONG else 1),
    suppress_health_check=list(HealthCheck),
)
few = settings(calm, max_examples=20 if LONG else 4)
PIECES = [
    *(
        "call",
        "day1",
        "a",
        "A",
        "é",
        "e\u0301",
        "ß",
        "ss",
        "İ",
        "情感",
        "😀",
        "عربي",
        "\u202e",
        "\ud83d",
        "\x00",
        "\x1b[31m",
    ),
    *(
        ".",
        "..",
        "/",
        "\\",
        "$",
        r"\$",
        "%",
        "-",
        "--",
        "_",
        " ",
        "\n",
        "\t",
        "|",
        "*",
        "`",
        "[x](y)",
        "{",
        "}",
        "&amp;",
    ),
    *(
        "nul",
        "CON",
        "com1",
        "<script>alert(1)</script>",
        '"',
        "'",
        "x" * 300,
        "_labels",
        "^2",
        "{title}",
        " → ",
    ),
]
names = st.lists(st.sampled_from(PIECES), max_size=5).map("".join)
VARIANTS = [
    str.lower,
    str.upper,
    lambda s: normalize("NFC", s),
    lambda s: normalize("NFD", s),
    file_stem,
    str.strip,
]


def seen_by_file_system(stem):
    "The strictest view: neither case nor Unicode form counts."
    return normalize("NFC", normalize("NFD", stem).casefold())


@calm
@given(names, names, st.sampled_from(VARIANTS))
@example("call.day1", "call.day2", str.lower)
@example("a/b", "a-b", str.upper)
@example("nul", "aux", str.upper)
def test_different_names_give_different_files(first, second, variant):
    for one, other in [
        (first, second),
        (first, variant(first)),
        (first, first + "."),
        (first, file_stem(first)),
    ]:
        same = seen_by_file_system(file_stem(one)) == seen_by_file_system(file_stem(other))
        assert same == (one == other) or file_stem(one) == one == other


@calm
@given(names)
def test_stems_are_names_of_files_everywhere(name):
    stem = file_stem(name)
    assert stem and "." not in stem and stem.isprintable() and not set(stem) & set('<>:"/\\|?* $')
    assert len(f".predictions_{stem}.csv.1234567-123456789012345.tmp".encode()) <= 255
    assert stem.lower() not in {
        "con",
        "prn",
        "aux",
        "nul",
        *(f"{d}{n}" for d, n in product(["com", "lpt"], range(10))),
    }
    assert not stem.startswith("-") and stem == stem.strip()


def test_every_pair_of_pieces_has_its_own_file():
    every = {"".join(pair) for pair in product(PIECES, repeat=2)} | set(PIECES)
    assert len({seen_by_file_system(file_stem(name)) for name in every}) == len(every)


@calm
@given(names)
def test_printable_is_one_line_without_commands(name):
    line = shown(name)
    assert line.isprintable() and shown(line) == line and len(line.splitlines()) <= 1
    line.encode("utf-8")


@few
@given(st.lists(names, min_size=2, max_size=2))
@example(["$x$", r"$\frac$"])
@example(["情感", "\ud83d"])
def test_pictures_draw_names_without_formulas_or_warnings(pair):
    figure, axes = plt.subplots(1, 2)
    heat_map(np.eye(2), pair, pair, axes[0]).set_title(figure_text("".join(pair)))
    plot_intervals([(0.5, 0.4, 0.6)] * 2, pair, axes[1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.savefig(io.BytesIO(), format="png")
    texts = [text.get_text() for axis in axes for text in axis.get_yticklabels()]
    assert all(text.count("$") == text.count(r"\$") for text in texts)  # no dollar begins a formula
    assert texts == [figure_text(name) for name in pair] * 2
    plt.close(figure)


@calm
@given(st.text(alphabet=st.characters(codec="ascii", categories=["L", "N", "P", "S"]), max_size=30))
def test_short_plain_names_are_drawn_as_they_are(name):
    assert figure_text(name).replace(r"\$", "$") == name


@calm
@given(names)
def test_pages_show_names_and_run_nothing(name):
    assert unescape(page_text(name)) == shown(name)
    assert not set(page_text(name)) & set("<>\"'")


class Elements(HTMLParser):
    "Names of all elements and the text of a page."

    def __init__(self):
        super().__init__()
        self.elements, self.text = set(), []

    def handle_starttag(self, name, attributes):
        self.elements.add(name)
        assert not any(key.startswith("on") for key, _ in attributes)

    def handle_data(self, text):
        self.text.append(text)


@pytest.fixture(scope="module")
def study():
    "A study without a study: two corpora, two methods, random answers."
    table, random = mini_corpus("de").groupby("emotion").head(2), np.random.default_rng(0)
    emotions = tuple(sorted(table.emotion.unique()))
    truth, rows = table.emotion.map(emotions.index).to_numpy(), []
    for (source, target), method, draw in product([(0, 1), (1, 0)], ["one", "two"], range(3)):
        said = random.dirichlet(np.ones(len(emotions)), len(truth))
        score = dict(
            uar=random.uniform(), war=0.5, classes=len(emotions), target_size=len(truth), seconds=0.1
        )
        setting = dict(shots=5, norm="speaker", encoder="none", unheard=False, labels_used="source-shots")
        told = dict(source=source, target=target, method=method, draw=draw, emotions=emotions, truth=truth)
        rows.append({**told, **score, **setting, "probabilities": said})
    return pd.DataFrame(rows), table


def renamed(study, corpora, methods):
    "The study with other names."
    results, table = study
    tables = {name: table.assign(corpus=name) for name in corpora}
    sides = {side: results[side].map(dict(enumerate(corpora))) for side in ("source", "target")}
    return results.assign(**sides, method=results.method.map(dict(zip(["one", "two"], methods)))), tables


@settings(few, max_examples=4 if LONG else 1)
@given(st.lists(names, min_size=4, max_size=4, unique=True))
@example(["<script>alert(1)</script>", "$a$", "<img src=x onerror=alert(1)>", "{title}"])
def test_a_report_holds_no_element_of_a_name(study, tmp_path_factory, pieces):
    results, tables = renamed(study, pieces[:2], pieces[2:])
    path = tmp_path_factory.mktemp("page") / "report.html"
    origin = dict(sere_nb="0", commit=None, date="today", device="cpu", options={"source": pieces[0]})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_report(results, tables, path, pieces[0], pieces[1], origin)
    page = Elements()
    page.feed(path.read_text(encoding="utf-8"))
    known = "html meta title style main h1 h2 p img audio table tr th td b details summary"
    assert page.elements <= set(known.split())
    assert shown(" ".join(f"{pieces[0]} → {pieces[1]}".split("\n"))) in "".join(page.text)
    assert "commit None" not in "".join(page.text)


def test_files_of_corpora_do_not_collide(study, tmp_path):
    corpora, methods = ["call.day1", "call.day2"], ["$m$", "<b>"]
    results, tables = renamed(study, corpora, methods)
    write_results(results.assign(uar=np.nan), tmp_path, tables)
    files = sorted(tmp_path.glob("predictions_*.csv"))
    sources = [set(pd.read_csv(path).source) for path in files]
    assert sorted(map(str, sources)) == ["{'call.day1'}", "{'call.day2'}"]
    assert report.file_stem("mini-de") == "mini-de"  # a safe name stays readable


def test_half_a_letter_reaches_a_table_as_its_code(study, tmp_path):
    with pd.option_context("mode.string_storage", "python"):  # Arrow's strings cannot hold half a letter
        results, tables = renamed(study, ["one", "other"], ["half \ud83d", "whole"])
        write_results(results, tmp_path, tables)
    assert r"half \ud83d" in set(pd.read_csv(tmp_path / "results.csv").method)
