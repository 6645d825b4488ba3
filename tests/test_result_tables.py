"The page of all tables: what stands in its cells, and that no claim is left out."

import os
import re
import subprocess
import sys

import pandas as pd
import pytest
import tables
from notebooks import NOTEBOOKS, RESULTS, ROOT

pytestmark = pytest.mark.book


@pytest.fixture(scope="module")
def page():
    return "\n\n".join(tables.tables(RESULTS))


def test_a_probability_is_never_zero():
    assert [tables.probability(p) for p in (0.0, 1e-6, 0.0062, 0.25, 1.0)] == [
        "< .001",
        "< .001",
        ".006",
        ".250",
        "1.000",
    ]


def test_shares_are_points_and_tasks_have_names():
    frame = pd.DataFrame(
        {
            "source": ["emodb"],
            "target": ["nemo"],
            "uar": [0.4567],
            "p": [0.0],
            "rank": [1.5],
            "norm": ["speaker"],
        }
    )
    told = tables.plain(frame)
    assert told.to_dict("list") == {
        "task": ["German → Polish"],
        "UAR": ["45.7"],
        "p": ["< .001"],
        "rank": [1.5],
    }
    percent = pd.DataFrame({"accuracy": [98.5, 0.5]})  # percent already
    assert tables.plain(percent).accuracy.tolist() == [98.5, 0.5]


def test_means_are_those_of_the_tasks():
    rows = [("emodb", "nemo", draw, "sere", 0.4 + 0.1 * draw) for draw in range(2)]
    rows += [("nemo", "emodb", draw, "sere", 0.6 + 0.1 * draw) for draw in range(2)]
    frame = pd.DataFrame(rows, columns=["source", "target", "draw", "method", "uar"])
    (said, means), (_, tasks) = tables.by_task(frame)
    assert said == "Mean of 2 tasks, draws per task: 2"
    assert means.iloc[0, 1] == "55.0 [45.0, 65.0]"
    assert dict(zip(tasks.task, tasks.sere)) == {"German → Polish": "45.0", "Polish → German": "65.0"}


def test_a_table_older_than_the_default_says_so(page):
    parts = page.split("<summary>")
    older = [part for part in parts if "2026-11-22" in part and part.startswith("encoder and prosody</")]
    newer = [part for part in parts if part.startswith("each run<")]
    assert older and all("Older than the default" in part for part in older)
    assert newer and not any("Older than the default" in part for part in newer)


def test_every_table_is_folded_and_every_heading_is_in_words(page):
    assert page.count("<details>") == page.count("</details>") >= len(list(RESULTS.rglob("*.csv")))
    headings = [line for line in page.splitlines() if line.startswith("### ")]
    claims = {path.parent.name for path in RESULTS.glob("*/origin.json")}
    assert len(headings) == len(claims) and not any(line[4:].startswith(tuple(claims)) for line in headings)


def test_folders_are_averaged_by_kind_and_number_of_answers():
    rows = [("nemo", kind, 30, draw, count, 0.2 + 0.4 * draw) for kind in ("two", "one") for draw in (0, 1)
            for count in (0, 10)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["corpus", "kind", "size", "draw", "answers", "accuracy"])
    ((caption, told),) = tables.parts("folders", frame)
    assert caption == "Mean of 1 corpora" and list(told) == ["kind", "answers", "folders", "accuracy"]
    assert told.to_numpy().tolist() == [
        ["two", 0, 2, "40.0"], ["two", 10, 2, "40.0"], ["one", 0, 2, "40.0"], ["one", 10, 2, "40.0"]
    ]  # fmt: skip


def test_no_table_names_a_folder_of_the_machine_that_made_it():
    cell = re.compile(r"""(?:^|[,"'\s])(?:/|~/|[A-Za-z]:\\)[\w.-]+[/\\]""", re.MULTILINE)
    assert cell.search("emodb,/home/me/whisper-tiny,1") and cell.search(r"C:\me\x")
    files = [*RESULTS.rglob("*.csv"), *RESULTS.rglob("*.json")]
    assert not [path.name for path in files if cell.search(path.read_text(encoding="utf-8"))]


def test_every_source_of_a_relative_is_in_the_bibliography():
    listed = (NOTEBOOKS / "bibliography.md").read_text(encoding="utf-8")
    chapters = sorted((NOTEBOOKS / "relatives").glob("*.ipynb"))
    told = {
        found
        for path in chapters
        for found in re.findall(
            r"arxiv\.org/abs/[\d.]+\d|doi\.org/[\w./]+\w", path.read_text(encoding="utf-8")
        )
    }
    assert len(told) > 20 and not [name for name in told if name not in listed]


def test_every_measuring_script_finds_what_it_imports():
    "A script that nobody ran for a while may ask the package for names that are gone."
    code = "import runpy, sys; [runpy.run_path(name, run_name='read') for name in sys.argv[1:]]"
    scripts = sorted(map(str, (ROOT / "evidence").glob("*.py")))
    assert len(scripts) > 20
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "evidence")])}
    command = [sys.executable, "-c", code, *scripts]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-600:]
