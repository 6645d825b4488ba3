"Pages made from the book's own sources: the reference, the results, and what the paper says."

import importlib
import inspect
import json
import posixpath
import re

import pandas as pd
from nbdev.showdoc import BasicMarkdownRenderer, show_doc
from notebooks import NOTEBOOKS, chapter_name, exported_name, read

CALLOUT = re.compile(r"::: \{\.callout-note\}\n## Paper says / we do\n(.*?)\n:::", re.S)
TASK = ["source", "target"]
LONGEST_TABLE = 40  # rows
FIRST = ["matrix/both", "matrix", "loop", "shots", "neighbours"]


def page(title, description, body, **front):
    "A Markdown page with its front matter."
    head = {"title": title, "description": description, **front}
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in head.items()]
    return "\n".join(["---", *lines, "---", "", body.strip(), ""])


# --- what the paper says


LINK = re.compile(r"\]\((?!\w+:|#)([^)]+)\)")


def from_above(text, folder):
    "Text of a chapter in a folder, its links as a page beside that folder needs them."
    return LINK.sub(lambda link: f"]({posixpath.normpath(posixpath.join(folder, link[1]))})", text)


def callouts(chapters):
    "The *Paper says / we do* of every chapter under its name."
    for path in chapters:
        prose = [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]
        said = [found for text in prose for found in CALLOUT.findall(text)]
        if said:
            address = path.relative_to(NOTEBOOKS)
            told = from_above("\n\n".join(said), address.parent.as_posix())
            yield f"### [{chapter_name(path)}]({address.as_posix()})\n\n{told}"


# --- reference


def public(module):
    """Names that a chapter exports, in its order of telling.

    Constants have no signature and are told in the chapter."""
    exported = [getattr(module, name) for name in module.__all__]
    own = [thing for thing in exported if getattr(thing, "__module__", "") == module.__name__]
    return [thing for thing in own if callable(thing) and thing.__doc__]


def methods(thing):
    "Public methods of a class that say what they do."
    own = [member for name, member in vars(thing).items() if not name.startswith("_") or name == "__format__"]
    return [member for member in own if inspect.isfunction(member) and member.__doc__]


def told(thing, level, name=None):
    "Heading, signature with its comments, docstring."
    text = show_doc(thing, renderer=BasicMarkdownRenderer)._repr_markdown_()
    text = re.sub(r"^---\n+#+ [^\n]*\n", "", text)
    return f"{'#' * level} {name or thing.__name__}\n{text}".rstrip()


def told_with_methods(thing):
    "A function, or a class and then its methods."
    inner = methods(thing) if inspect.isclass(thing) else []
    return [told(thing, 2), *(told(method, 3, f"{thing.__name__}.{method.__name__}") for method in inner)]


def first_line(thing):
    "What a thing is, in a line."
    return inspect.getdoc(thing).splitlines()[0]


def module_page(chapter, order, folder):
    "Write the page of a chapter's module into `folder`; the text that lists its names."
    name = exported_name(chapter)
    module = importlib.import_module(f"sere_nb.{name}")
    things, promise = public(module), module.__doc__.strip()
    address = chapter.relative_to(NOTEBOOKS).as_posix()
    parts = [f"Chapter: [{chapter_name(chapter)}](../{address})."]
    parts += [text for thing in things for text in told_with_methods(thing)]
    file = name.replace(".", "_") + ".md"
    (folder / file).write_text(page(name, promise, "\n\n".join(parts), order=order), encoding="utf-8")
    named = [(thing.__name__, first_line(thing)) for thing in things]
    rows = [f"| [`{one}`](reference/{file}#{one.lower()}) | {line} |" for one, line in named]
    return "\n".join([f"## [{name}](reference/{file})\n\n{promise}\n", "| name | |", "|---|---|", *rows])


def reference(chapters, folder):
    "Write a page per module into `folder`; the text that lists them all."
    folder.mkdir()
    return "\n\n".join(module_page(chapter, order, folder) for order, chapter in enumerate(chapters))


# --- results


def cell(value):
    "A value as it stands in a table; numbers with at most two decimals."
    if pd.isna(value):
        return ""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def markdown(frame):
    "A table in Markdown."
    rows = [[cell(value) for value in row] for row in frame.itertuples(index=False)]
    head = [list(map(str, frame.columns)), ["---"] * frame.shape[1]]
    return "\n".join("| " + " | ".join(row) + " |" for row in [*head, *rows])


def over_tasks(frame):
    "Says over how many tasks a mean was taken."
    return f"Mean over {len(frame.groupby(TASK))} tasks."


def by_method(frame):
    "Mean UAR over tasks with its interval over draws, one row per method."
    from sere_nb.metrics import bootstrap_mean, score_array

    if "shots" in frame and frame.shots.nunique() > 1:  # a curve over labels: a row for each of its points
        frame = frame.assign(method=frame.method + ", " + frame.shots.astype(str) + " shots")
    if "norm" in frame and frame.norm.nunique() > 1:
        frame = frame.assign(method=frame.method + ", per " + frame.norm)
    frame = frame.assign(labels_used=frame.get("labels_used", ""))
    rows = []
    for method, own in frame.groupby("method", sort=False):
        scores = bootstrap_mean(score_array(frame, method))
        rows.append((method, own.labels_used.iloc[0], own.draw.nunique(), str(scores)))
    columns = ["method", "labels used", "draws", "mean UAR, % [95 %]"]
    return pd.DataFrame(rows, columns=columns), over_tasks(frame)


def shown(frame):
    "(table, what was done to fit it on a page)"
    frame = frame.rename(columns={"draws": "draws per task"})
    if {"draw", "method", "uar"} <= set(frame.columns):
        return by_method(frame)
    if set(TASK) <= set(frame.columns):
        words = [name for name in frame.columns if frame[name].dtype.kind not in "fi" and name not in TASK]
        shares = [column for column in ("uar", "std_over_draws") if column in frame]
        renamed = {name: f"{name}, %" for name in shares}
        percent = frame.assign(**100 * frame[shares]).rename(columns=renamed)
        return percent.groupby(words, sort=False).mean(numeric_only=True).reset_index(), over_tasks(frame)
    step = -(-len(frame) // LONGEST_TABLE)
    return frame[::step], f"Every {step}th of {len(frame)} rows." if step > 1 else ""


def origin_file(path):
    "The file that says where the tables of a claim come from."
    return path.with_name("origin.json")


def origin(path, folder):
    "The provenance beside a result, in a line."
    file = origin_file(path)
    told = json.loads(file.read_text(encoding="utf-8"))[path.stem]
    options = {key: value for key, value in told["options"].items() if not isinstance(value, dict | list)}
    script = options.pop("script", "evidence")
    made = [script, f"commit {told['commit']}", told["date"][:10], told["device"]]
    how = ", ".join(f"{key} {value}" for key, value in options.items())
    links = [f"[{one.name}](results/{one.relative_to(folder).as_posix()})" for one in (path, file)]
    return f"*{', '.join(made)}{'; ' + how if how else ''}. {', '.join(links)}*"


def result_name(path, folder):
    "What a result is called: its claim and its table."
    words = path.relative_to(folder).with_suffix("").as_posix().removesuffix("/table")
    return words.replace("/", " ").replace("_", " ")


def results(folder):
    "A section per measured table."

    def place(path):
        name = path.relative_to(folder).as_posix()
        return (*(not name.startswith(first) for first in FIRST), name.removesuffix(".csv"))

    for path in sorted(folder.rglob("*.csv"), key=place):
        frame = pd.read_csv(path)
        table, remark = shown(frame)
        if path.stem.endswith(("_map", "_maps")):
            table, remark = frame[:3], f"The first 3 of {len(frame)} points of a map."
        heading = f"## {result_name(path, folder)}"
        yield f"{heading}\n\n{markdown(table)}\n\n{remark}\n\n{origin(path, folder)}"


# --- your voice


def expectations(folder):
    "What to expect of the ready model: how often it is right on corpora that it has not heard, in percent."
    path = folder / "ready" / "single.csv"
    frame = pd.read_csv(path)
    shares = 100 * frame[["uar", "ece", "coverage", "accuracy_covered"]].round(3)
    shares.columns = ["UAR", "calibration error", "not called unsure", "right among these"]
    table = pd.concat([frame[["corpus", "language"]], shares], axis=1)
    return f"{markdown(table)}\n\n{origin(path, folder)}"
