"""Whether a run of a notebook printed what is committed: the same words, and numbers that agree.

A number with decimals may differ by a thousandth of itself and by one in its last printed digit; a whole
number may not differ. A cell says with a directive if more is right:

`#| tolerance 0.05`      numbers may differ by 5 % (a network was trained); whole numbers by 1, too
`#| tolerance 0.05 0.5`  or by 0.5, whatever they are (differences near zero)
`#| timing`              numbers are seconds, or follow from them: only the words are compared
"""

import html
import re
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from execute import execute
from notebooks import NOTEBOOKS, notebooks, read

SIGN, DIGITS, REST = r"(?:(?<![\w.)\]])[-−+])?", r"(?:\d{1,3}(?:,\d{3})+|\d+)", r"(?:\.\d*)?(?:[eE][-+]?\d{1,3})?"
NUMBER = re.compile(SIGN + DIGITS + REST)
TEXTS = ("text/plain", "text/markdown", "text/html")
NOISE = 1e-6  # what is smaller is the rounding of some processor
DIRECTIVE = re.compile(r"(?m)^#\|[ \t]*([\w-]+):?[ \t]*(.*)$")
NBDEV = {"default_exp", "export", "exports", "exporti", "hide", "eval", "skip_showdoc", "filter_stream"}
QUARTO = {"echo", "output", "warning", "label", "fig-alt", "fig-cap", "code-fold", "column"}
OURS = {"tolerance", "timing"}


class Tolerance(NamedTuple):
    "How far two printed numbers may lie apart."

    relative: float = 1e-3  # of the larger number
    absolute: float = 0.0
    marked: bool = False  # whether the cell asked for it: then whole numbers may differ, too

    def allows(self, one, other):
        "Whether two printed numbers agree."
        if one == other:
            return True
        values, units = zip(*map(parsed, (one, other)))
        unit = min(units)
        if unit == 1 and not self.marked:
            return values[0] == values[1]
        largest = max(map(abs, values))
        allowed = max(self.relative * largest + 1.001 * unit, self.absolute, NOISE)
        return abs(values[0] - values[1]) <= allowed


def parsed(number):
    "(value, one in the last printed digit) of a number as it is printed."
    mantissa, _, exponent = number.replace("−", "-").replace(",", "").lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    return float(mantissa + "e" + (exponent or "0")), 10.0 ** (int(exponent or 0) - decimals)


def directives(cell):
    "What a cell tells nbdev, quarto and the book's tools, by name."
    return dict(DIRECTIVE.findall(cell.source))


def tolerance(cell):
    "The tolerance of a cell; None if its numbers are left out."
    told = directives(cell)
    if "timing" in told:
        return None
    values = [float(value) for value in told.get("tolerance", "").split()]
    return Tolerance(*values, marked=True) if len(values) == 2 else Tolerance(*values, marked=bool(values))


def directive_faults(cell):
    "What is wrong with the directives of a cell: a misspelt one would be passed over in silence."
    told = directives(cell)
    for name in sorted(set(told) - NBDEV - QUARTO - OURS):
        yield f"unknown directive #| {name}"
    if "tolerance" in told and not re.fullmatch(r"\d*\.?\d+( \d*\.?\d+)?", told["tolerance"].strip()):
        yield f"#| tolerance {told['tolerance']}: one or two numbers are wanted, such as 0.05"
    marks = OURS & set(told)
    if marks and not any(NUMBER.search(text) for _, text in printed(cell)):
        yield f"#| {min(marks)} stands in a cell that prints no number"


def plain(text, kind):
    "Text without markup, addresses of objects, and what aligns columns."
    if kind == "text/html":
        text = html.unescape(re.sub(r"(?s)<style.*?</style>|<script.*?</script>|<[^>]*>", " ", text))
    text = re.sub(r"\b0x[0-9a-f]{6,}", "0x…", text)
    return re.sub(r"\s+", " ", re.sub(r"-{3,}", "---", text)).strip()


def printed(cell):
    "(kind, text) of everything that a cell printed and that can be compared."
    for output in cell.get("outputs", []):
        if output.get("name") == "stdout":
            yield "stdout", plain(output.text, "stdout")
        for kind in TEXTS:
            if kind in output.get("data", {}):
                yield kind, plain(output.data[kind], kind)


def text_differences(committed, fresh, allowed):
    "How two printed texts differ, a line each."
    numbers = [NUMBER.findall(text) for text in (committed, fresh)]
    words = [NUMBER.sub("#", text) for text in (committed, fresh)]
    if words[0] != words[1]:
        place = next((i for i, (a, b) in enumerate(zip(*words)) if a != b), min(map(len, words)))
        around = [word[max(0, place - 20) : place + 40] for word in words]
        yield f"printed “…{around[0]}…”, now “…{around[1]}…”"
    elif allowed:
        for one, other in zip(*numbers):
            if not allowed.allows(one, other):
                yield f"printed {one}, now {other}"


def differences(committed, fresh):
    "How the outputs of one notebook, committed and freshly run, differ: a line for each cell that does."
    for old, new in zip(committed.cells, fresh.cells, strict=True):
        if old.cell_type != "code":
            continue
        texts, now = list(printed(old)), list(printed(new))
        if [kind for kind, _ in texts] != [kind for kind, _ in now]:
            found = [f"printed {len(texts)} texts, now {len(now)}"]
        else:
            pairs = zip(texts, now)
            found = [line for (_, a), (_, b) in pairs for line in text_differences(a, b, tolerance(old))]
        if found:
            more = f" and {len(found) - 1} more" if len(found) > 1 else ""
            yield f"cell {old.id}: {found[0]}{more}"


def difference_to_a_run(path):
    "How a fresh run of a notebook differs from what is committed, a line for each cell that does."
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / path.name
        try:
            execute(path, fresh)
        except SystemExit as failed:
            return [str(failed).strip().splitlines()[-1]]
        return list(differences(read(path), read(fresh)))


def compare_runs(names):
    "Execute notebooks whose path contains one of `names`; print each cell that differs, exit 1 if one does."
    faults = 0
    for path in notebooks():
        name = path.relative_to(NOTEBOOKS).as_posix()
        if not names or any(part in name for part in names):
            found = difference_to_a_run(path)
            print(f"{name}: {'; '.join(found) or 'as committed'}", flush=True)
            faults += len(found)
    sys.exit(bool(faults))
