"""Notebooks run from top to bottom in an empty folder, on the package as it is installed.

All of them where SERE_CI is set; elsewhere those that the changes since main can have changed.

What is committed is what it printed: the same kinds of output, and the same words and numbers. Every solution
also shows that the check of its exercise refuses the wrong answers of wrong_answers.py."""

import ast
import os
import subprocess
import sys
from importlib.metadata import version
from textwrap import indent

import execute
import nbformat
import printed
import pytest
import warm
from affected import PACKAGE, affected, changes, needs
from conftest import ROOT
from notebooks import NOTEBOOKS, dump, notebooks, read, settings
from wrong_answers import SETUP, WRONG

pytestmark = pytest.mark.book

COUNTING = ("numpy", "scipy", "scikit-learn", "pandas", "torch", "transformers", "librosa", "torchcrepe")


def other_versions():
    "Packages that count and are not here in the version that the committed numbers were printed with."
    pinned = dict(pin.split(";")[0].split("==") for pin in settings()["dev_requirements"].split())
    return [f"{name} {version(name)}" for name in COUNTING if version(name) != pinned[name]]


def kinds(notebook):
    "For each code cell, which kinds of output it has."
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    named = [[output.get("data") or {output.get("name"): 0} for output in cell.outputs] for cell in code]
    return [sorted({kind for output in outputs for kind in output}) for outputs in named]


def test_the_package_is_the_installed_one(installed, tmp_path):
    command = [sys.executable, "-c", "import sere_nb; print(sere_nb.__file__)"]
    environment = execute.quiet_environment(installed)
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout.startswith(str(installed)), done.stdout + done.stderr


def test_numbers_are_compared():
    "They are where the versions are those of the book; elsewhere this line says why not."
    if other_versions():
        pytest.skip("committed numbers are not compared: here are " + ", ".join(other_versions()))


@pytest.fixture(scope="session")
def kernels(installed, tmp_path_factory):
    "Kernels that have their imports behind them, and the installed package before them."
    folder = tmp_path_factory.mktemp("warm")
    with warm.kernels(folder, execute.quiet_environment(installed)) as made:
        yield made


# --- exercises that answer back

ASKS = "answer = None  # yours, in place of None\n\n"
CHECKS = "if answer is not None:\n"
SOLUTIONS = NOTEBOOKS / "solutions"
EXERCISES = [path for path in notebooks() if (SOLUTIONS / path.name).exists() and path.parent != SOLUTIONS]
REFUSES = """for wrong in ({answers},):
    answer = wrong(answer_given)
    try:
{check}
    except AssertionError as refusal:
        assert str(refusal), "refused without a hint"
    else:
        raise RuntimeError(f"accepted: {{answer}}")"""


def check_of(cell):
    "From `if answer is not None:` to the end of a cell."
    before, line, after = cell.source.rpartition(CHECKS)
    assert line, f"no check of an exercise in:\n{cell.source}"
    return line + after


def refusals(name, cell):
    "Cells that give wrong answers to the check of an exercise, and fail if one is accepted."
    answers = ", ".join(f"lambda answer: {wrong}" for wrong in WRONG[name])
    refuses = REFUSES.format(answers=answers, check=indent(check_of(cell), " " * 8))
    sources = "answer_given = answer", SETUP.get(name, ""), refuses
    return [nbformat.v4.new_code_cell(source) for source in sources]


def test_every_exercise_has_a_solution_and_wrong_answers():
    asking = [path for path in notebooks() if any("## Exercise" in cell.source for cell in read(path).cells)]
    assert asking == EXERCISES and {path.stem for path in asking} == set(WRONG) and len(asking) > 40
    assert {path.name for path in SOLUTIONS.glob("*.ipynb")} == {path.name for path in asking}


@pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)
def test_exercise_is_checked(path):
    "A chapter ends in one cell that checks the reader's answer, and its solution in the same check."
    *before, text, cell = read(path).cells
    assert "## Exercise" in text.source and "`answer`" in text.source.split("## Exercise")[1]
    assert cell.source.startswith(ASKS + CHECKS) and not cell.outputs
    assert not any(CHECKS in one.source for one in before)
    lines = list(filter(str.strip, cell.source.splitlines()))
    assert len(lines) <= 15 and max(map(len, lines)) <= 79 and lines[-1] == '    print("right")'
    asserts = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Assert)]
    assert asserts and all(node.msg for node in asserts), "every assertion has a hint"
    solution = [cell for cell in read(SOLUTIONS / path.name).cells if cell.cell_type == "code"][-1]
    assert check_of(solution) == check_of(cell)
    set_first = solution.source.split(CHECKS)[0]
    assert "answer = " in set_first and ASKS not in solution.source
    assert solution.outputs[-1].text.endswith("right\n")


# --- every notebook

CHOSEN = notebooks() if os.environ.get("SERE_CI") else affected(changes())


def test_a_notebook_is_affected_by_what_it_imports():
    metrics, network = NOTEBOOKS / "tasks" / "metrics.ipynb", NOTEBOOKS / "field" / "model.ipynb"
    assert {PACKAGE / "base" / "core.py", PACKAGE / "tasks" / "metrics.py"} <= needs(
        NOTEBOOKS / "study" / "study.ipynb"
    )
    assert affected({"README.md", "tests/conftest.py"}) == []
    assert affected({"nbs/tasks/metrics.ipynb"}) == [metrics]
    assert affected({"settings.ini"}) == affected(None) == notebooks()
    assert {metrics, network} < set(affected({"sere_nb/base/core.py"}))
    late = affected({"sere_nb/command/cli.py"})
    assert NOTEBOOKS / "solutions" / "cli.ipynb" in late and not {metrics, network} & set(late)
    claims = [path.name for path in affected({"evidence/results/relatives/all.csv"})]
    assert claims and metrics.name not in claims


@pytest.mark.parametrize("path", [str(path.relative_to(ROOT)) for path in CHOSEN])
def test_notebook_runs(path, tmp_path, installed, kernels):
    alone, committed = tmp_path / "empty" / path.replace("/", "-"), read(ROOT / path)
    alone.parent.mkdir()
    given = read(ROOT / path)
    if (ROOT / path).parent == SOLUTIONS:
        given.cells += refusals((ROOT / path).stem, given.cells[-1])
    alone.write_text(dump(given), encoding="utf-8")
    execute.execute(alone, tmp_path / "executed.ipynb", library=installed, kernels=kernels)
    fresh = read(tmp_path / "executed.ipynb")
    fresh.cells = fresh.cells[: len(committed.cells)]
    remedy = f"python tools/book.py run {path.removeprefix('nbs/').removesuffix('.ipynb')}"
    assert kinds(fresh) == kinds(committed), f"{path}: not the committed outputs; {remedy}"
    found = [] if other_versions() else list(printed.differences(committed, fresh))
    assert not found, f"{path}: not the committed numbers; {remedy}\n" + "\n".join(found)


# --- the comparison itself


def notebook(*cells):
    "A notebook of (source, what was printed)."
    made = []
    for place, (source, text) in enumerate(cells):
        outputs = [nbformat.v4.new_output("stream", text=text)]
        made.append(nbformat.v4.new_code_cell(source, id=f"cell-{place}", outputs=outputs))
    return nbformat.v4.new_notebook(cells=made)


def differs(one, other, source="print(score)"):
    "Whether a cell that printed one text, and then another, is found."
    return bool(list(printed.differences(notebook((source, one)), notebook((source, other)))))


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ("UAR 58.0 %", "UAR 58.0 %", False),
        ("UAR 58.0 %", "UAR 58.1 %", False),  # one in the last printed digit
        ("UAR 58.0 %", "UAR 58.3 %", True),
        ("UAR 58.0 %", "WAR 58.0 %", True),
        ("0.1234567", "0.1235", False),  # a thousandth
        ("12 files", "13 files", True),  # whole numbers are counts
        ("1,200 files", "1200 files", False),
        ("+0.1 points", "−0.3 points", True),
        ("p = 1.2e-05", "p = 1.9e-05", True),
        ("error 3.1e-16", "error 2.2e-16", False),  # rounding
        ("a   1.0\nb  10.0", "a  1.0\nb 10.0", False),  # columns are as wide as their numbers
        ("anger 0.5", "anger 0.5\nfear 0.5", True),
        ("nan", "0.5", True),
        ("<Axes at 0x7f0000000001>", "<Axes at 0x7f0000000002>", False),
    ],
)
def test_what_counts_as_a_difference(one, other, found):
    assert differs(one, other) == differs(other, one) == found


def test_a_cell_may_ask_for_more():
    trained = "#| tolerance 0.05\nprint(score)"
    assert not differs("58.0 of 20", "60.0 of 21", trained) and differs("58.0", "62.0", trained)
    near_zero = "#| tolerance 0.05 0.5\nprint(score)"
    assert not differs("+0.1", "−0.3", near_zero) and differs("+0.1", "−0.6", near_zero)
    timed = "#| timing\nprint(score)"
    assert not differs("58.0 s", "3 s", timed) and differs("58.0 s", "58.0 ms", timed)


def test_tables_and_pages_are_compared():
    def shown(value):
        cell = nbformat.v4.new_code_cell("table", id="table")
        page = f"<style>td {{top: {value}em}}</style><table><td>UAR</td><td>{value}</td></table>"
        cell.outputs = [nbformat.v4.new_output("display_data", {"text/html": page})]
        return nbformat.v4.new_notebook(cells=[cell])

    assert list(printed.differences(shown(0.52), shown(0.55))) == ["cell table: printed 0.52, now 0.55"]
    assert not list(printed.differences(shown(0.52), shown(0.52)))


@pytest.mark.parametrize(
    ("line", "text", "said"),
    [
        ("#| tolerance 0.05", "0.5", None),
        ("#| timing", "0.5 s", None),
        ("#| fig-alt: A curve: it falls.", "0.5", None),
        ("#| tolerence 0.05", "0.5", "unknown directive #| tolerence"),
        ("#| tolerance much", "0.5", "one or two numbers are wanted"),
        ("#| timing", "done", "prints no number"),
    ],
)
def test_marks_that_would_be_passed_over_are_found(line, text, said):
    faults = list(printed.directive_faults(notebook((f"{line}\nprint(score)", text)).cells[0]))
    assert len(faults) == (said is not None) and all(said in fault for fault in faults)


def test_marks_are_for_the_tools_only():
    "nbdev takes them out of the module and of the page."
    from nbdev.process import NBProcessor

    marked = notebook(("#| timing\n#| tolerance 0.05\nprint(score)", "0.5 s"))
    assert NBProcessor(nb=marked).nb.cells[0].source == "print(score)"
