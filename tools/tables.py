"The page of all measured tables: by question, then by claim, folded, in points."

import ast
import json
import re

import pandas as pd
from notebooks import ROOT

TASK = ["source", "target"]
LONGEST_TABLE = 80  # rows
DEFAULT_SINCE = "2026-11-26T15:02"  # when the joint field became `sere`, the default
SPOKEN = {
    "emodb": "German",
    "emovo": "Italian",
    "ravdess": "English",
    "nemo": "Polish",
    "casia": "Mandarin",
    "urdu": "Urdu",
}
QUESTIONS = {  # question -> claim -> title; a claim that is not here comes last under its own name
    "Does it hold?": {
        "conditions": "Thirty tasks under every condition",
        "inductive": "A speaker who comes later",
        "normalisation": "Without speaker labels",
        "skewed": "Targets with unbalanced emotions",
        "ready": "The ready model",
        "folders": "Folders as people have them",
        "like_voices": "Speaker clusters in place of speaker labels",
        "no_speech": "Noise, tones and music against speech",
        "speakers": "What it is worth to know who speaks",
        "speech": "Calls, stretch by stretch",
        "channels": "One person or two in the channels of a recording",
        "unfamiliar": "Answers to recordings unlike all that the bundled model knows",
    },
    "Compared with which methods?": {
        "relatives": "Related methods",
        "matrix": "The ladder and the plain field on twelve tasks",
        "full_run": "The full run on a GPU",
    },
    "How many labels?": {
        "shots": "From one label to twenty",
        "damping": "What damping is worth",
    },
    "Which part helps?": {
        "voices": "The parts of sere",
        "uneven": "What sere loses without its balance constraint",
        "ablations": "The parts of the plain field",
        "clusters": "Clusters with the field and without",
        "highlights": "Which moments speak",
        "tric": "A metric shaped by the chain",
        "loop": "The parts of the trained network",
    },
    "What does it cost?": {"scale": "Time and memory", "gpu": "What a GPU is worth"},
    "What goes in": {
        "prosody": "Pitch and prosody",
        "encode": "Encoders",
        "bundled_encoder": "The bundled encoder",
    },
}
TABLES = {
    "prosody": "prosody alone",
    "encoder": "encoder alone",
    "both": "encoder and prosody",
    "whisper-tiny": "Whisper tiny alone",
    "whisper-tiny+prosody": "Whisper tiny and prosody",
    "comparisons": "against self-training",
    "confusion": "what is taken for what",
    "directions": "there and back",
    "ranks": "ranks",
    "summary": "each task",
    "map": "points of the map",
    "maps": "points of the maps",
    "criterion": "the loss as a criterion",
    "recorded": "as recorded, over all draws",
    "conditions": "every condition",
    "single": "each corpus",
    "adapted": "each corpus, after adapting",
    "settings": "settings that were tried",
    "folders": "each kind of folder, without answers and with some",
    "kinds": "each kind of recording",
    "pooled": "all folders, and how far their shares may be off",
    "ideas": "without each part, and other ideas",
    "shares": "variance that lies between speakers",
    "parts": "one part at a time",
    "cost": "each run",
    "growth": "how fast it grows",
    "trackers": "pitch trackers",
    "transfer": "functionals and eGeMAPS",
    "speed": "speed",
    "pooling": "which frames are pooled",
    "layers": "layer by layer",
    "features": "beside other features",
    "areas": "areas of the sign of speech",
    "called_speech": "what is called speech",
    "harmed": "distance from what is known",
    "tried": "settings that were tried",
    "all": "all source labels",
    "shots": "five labels",
    "training": "the loss while it learned",
    "rows": "each task",
    "sere-both": "sere with the bundled encoder and prosody",
    "sere-whisper-tiny+prosody": "sere with Whisper tiny and prosody",
}
COLUMNS = {"uar": "UAR", "war": "accuracy", "ece": "calibration error", "sure": "surer half right"}
COLUMNS.update(ready_uar="ready UAR", ready_ece="ready calibration error")
SETTINGS = ["features", "norm", "shots", "width", "setting"]  # left out where all rows have the same
WITHOUT_METHOD = {"prosody", "encode", "bundled_encoder"}  # about what goes in, not about a method
SHARES = re.compile(
    r"(uar|war|ece|sure|strange|share|low|high|difference|coverage|features|scores|std_over_draws"
    r"|ready_\w+|estimate|confidence|shares_off|share_error|allowed"
    r"|accuracy\w*|purity_\w+|probe_\w+|chance_\w+|share_of_\w+)"
)


# --- cells and tables


def probability(p):
    "A p-value, which is never 0."
    return "< .001" if p < 0.001 else f"{p:.3f}".lstrip("0")


def points(share):
    "A share as points; nothing where there is none."
    return "" if pd.isna(share) else f"{round(100 * share, 1) + 0:.1f}"


def cell(value):
    "A value as it stands in a table; numbers with at most two decimals."
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, str) and pd.isna(value):
        return ""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def markdown(frame):
    "A table in Markdown."
    rows = [[cell(value) for value in row] for row in frame.itertuples(index=False)]
    head = [list(map(str, frame.columns)), ["---"] * frame.shape[1]]
    return "\n".join("| " + " | ".join(row) + " |" for row in [*head, *rows])


def task_name(source, target):
    "A task as people say it: `German → Polish`."
    return f"{SPOKEN.get(source, source)} → {SPOKEN.get(target, target)}"


def in_points(frame):
    "Shares from 0 to 1 as points from 0 to 100 with one decimal; p-values as such."
    frame = frame.copy()
    for name in frame.select_dtypes("number"):
        if re.fullmatch(r"p|p_holm|friedman_p", name):
            frame[name] = frame[name].map(probability)
        elif SHARES.fullmatch(name) and frame[name].abs().max() <= 1:
            frame[name] = frame[name].map(points)
    return frame


def plain(frame):
    "A table as it is: tasks and corpora by name, shares in points."
    alike = [name for name in SETTINGS if name in frame and frame[name].nunique() == 1]
    frame = in_points(frame.drop(columns=alike))
    if set(TASK) <= set(frame):
        frame.insert(0, "task", [task_name(*pair) for pair in frame[TASK].itertuples(index=False)])
        frame = frame.drop(columns=TASK)
    if "corpus" in frame:
        frame["corpus"] = frame.corpus.replace(SPOKEN)
    return frame.rename(columns=lambda name: COLUMNS.get(name, name.replace("_", " ")))


# --- what is made of a kind of table: (caption, table) pairs


def named(frame):
    "The rows' names: what varies of method, features, normalisation and labels."
    names = frame.get("method", frame.get("representation"))
    for column, say in {"features": " on {}", "norm": ", per {}", "shots": ", labels: {}"}.items():
        if column in frame and column != "method" and frame[column].nunique() > 1:
            names = names + frame[column].map(say.format)
    return names


def by_task(frame):
    "Mean UAR of every name, with its interval for tasks like these; then UAR of every task."
    from sere_nb.tasks.metrics import bootstrap_mean

    frame = frame.assign(name=named(frame))
    others = [column for column in ("war", "ece", "sure", "seconds") if column in frame]
    tasks = frame.pivot_table(index=TASK, columns="name", values="uar", sort=False).dropna()
    means = in_points(frame.groupby("name", sort=False)[others].mean()).rename(columns=COLUMNS)
    told = [str(bootstrap_mean(tasks[[name]].to_numpy(), over="tasks")) for name in means.index]
    means.insert(0, "mean UAR [95 %]", told)
    draws = frame.get("draw", frame.get("draws"))
    drawn = int(draws.nunique() if "draw" in frame else draws.max())
    yield f"Mean of {len(tasks)} tasks, draws per task: {drawn}", means.reset_index()
    tasks = tasks.map(points)
    tasks.insert(0, "task", [task_name(*pair) for pair in tasks.index])
    yield "UAR of every task", tasks


def by_condition(frame):
    "Means under every condition, then each of them task by task."
    names = frame.assign(name=named(frame))
    means = names.pivot_table(index="name", columns="condition", values="uar", sort=False)
    yield "Mean UAR under every condition", means.map(points).reset_index()
    for condition, rows in frame.groupby("condition", sort=False):
        yield f"UAR of every task: {condition}", list(by_task(rows))[1][1]


def compared(frame):
    "A row per task and a column per method: the difference, its interval and what chance says."
    over = frame.get("over", pd.Series("", frame.index))
    tasks = [task_name(*pair) for pair in frame[TASK].itertuples(index=False)]
    all_of_them = {"draws": "all, over draws", "tasks": "all, tasks like these"}
    frame = frame.assign(task=[all_of_them.get(kind, task) for kind, task in zip(over, tasks)])
    said = in_points(frame)
    text = said.difference + " [" + said.low + ", " + said.high + "]"
    text = text + (", p " + said.p_holm if "p_holm" in said else "")
    wide = frame.assign(text=text).pivot(index="task", columns="method", values="text")
    order = dict(task=frame.task.unique(), method=frame.method.unique())
    yield "Difference in points", wide.loc[order["task"], order["method"]].reset_index()


def confusions(frame):
    "What is taken for what, mean over tasks."
    wide = frame.pivot_table(index="spoken", columns="recognised", values="share", sort=False)
    wide = wide.map(points).rename_axis("spoken, recognised as →")
    yield "Mean over tasks that have both emotions, in percent of what was spoken", wide.reset_index()


def averaged(frame):
    "Means over tasks of whatever was measured."
    words = [name for name in frame if frame[name].dtype.kind not in "fi" and name not in TASK]
    words += ["strength"] if "strength" in frame else []
    numbers = [name for name in frame if frame[name].dtype.kind in "fi" and name not in (*words, "draw")]
    means = frame.groupby(words, sort=False)[numbers].mean().reset_index()
    yield f"Mean of {len(frame.groupby(TASK))} tasks", plain(means)


def shortened(frame):
    "A table as it is, or every so manyth row of it."
    step = -(-len(frame) // LONGEST_TABLE)
    yield f"Every {step}th of {len(frame)} rows" if step > 1 else "", plain(frame[::step])


def by_setting(frame):
    "Means over corpora, or over tasks, of every setting that was tried."
    keys = [name for name in ("condition", "setting") if name in frame]
    means = frame.groupby(keys, sort=False).mean(numeric_only=True).reset_index()
    over = f"{frame.corpus.nunique()} corpora" if "corpus" in frame else f"{len(frame.groupby(TASK))} tasks"
    yield f"Mean of {over}", plain(means)


def by_folder(frame):
    "Means over the folders of every kind, for every number of answers."
    means = frame.groupby(["kind", "answers"], sort=False).mean(numeric_only=True)
    means.insert(0, "folders", frame.groupby(["kind", "answers"], sort=False).size())
    means = means.drop(columns=["size", "draw"]).reset_index()
    yield f"Mean of {frame.corpus.nunique()} corpora", plain(means)


def parts(name, frame):
    "(caption, table) pairs of a measured table."
    has = set(frame)
    if name.endswith(("_map", "_maps")):
        return [(f"The first 3 of {len(frame)} points of a map", plain(frame[:3]))]
    if {"spoken", "recognised"} <= has:
        return confusions(frame)
    if {"difference", "low", "high", *TASK} <= has:
        return compared(frame)
    if {"condition", "method", "uar"} <= has:
        return by_condition(frame)
    if {"method", "uar", *TASK} <= has and ("draw" in has or "draws" in has):
        return by_task(frame)
    if {"kind", "size", "draw", "answers"} <= has:
        return by_folder(frame)
    if "setting" in has and len(frame) > LONGEST_TABLE:
        return by_setting(frame)
    return averaged(frame) if {"draw", *TASK} <= has or "five_shot" in has else shortened(frame)


# --- the page


def provenance(path, folder, told):
    "Where a table comes from, in a line."
    options = {key: value for key, value in told["options"].items() if not isinstance(value, dict | list)}
    commit = f"commit {told['commit']}" if told["commit"] else "no commit"
    made = [options.pop("script", "evidence"), commit, told["date"][:10], told["device"]]
    how = ", ".join(f"{key} {cell(value)}" for key, value in options.items() if value is not None)
    files = path, path.with_name("origin.json")
    links = [f"[{one.name}](results/{one.relative_to(folder).as_posix()})" for one in files]
    return f"*{', '.join(made)}{'; ' + how if how else ''}.* {', '.join(links)}"


def table_name(stem):
    "What a table is called."
    first, _, rest = stem.partition("_")
    words = [TABLES.get(word, word.replace("_", " ")) for word in (first, rest) if word]
    return TABLES.get(stem, ": ".join(words))


def folded(title, text):
    "Something that opens at a click."
    return f"<details>\n<summary>{title}</summary>\n\n{text}\n\n</details>"


def rows_of(path):
    "A table of results; rows belong together by the normalisation asked for, where a method used another."
    frame = pd.read_csv(path)
    return frame.assign(norm=frame.pop("norm_asked")) if "norm_asked" in frame else frame


def one_table(path, folder, told):
    "A folded table with what it says of itself."
    claim, found = path.parent.name, list(parts(path.stem, rows_of(path)))
    texts = [f"{caption}:\n\n{markdown(table)}" if caption else markdown(table) for caption, table in found]
    if len(found) > 2:  # the first is the summary, the others open one by one
        texts[1:] = [folded(caption, markdown(table)) for caption, table in found[1:]]
    if claim not in WITHOUT_METHOD and told["date"] < DEFAULT_SINCE:
        texts.insert(0, "Older than the default: `field` here is the plain field of chapter irf.")
    return folded(table_name(path.stem), "\n\n".join([*texts, provenance(path, folder, told)]))


def asked(claim):
    "What the script of a claim asks: the first sentences of its docstring."
    script = ROOT / "evidence" / f"{claim}.py"
    if not script.exists():
        return ""
    words = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8")))
    return re.sub(r"\s+", " ", words.split("\n\n")[0])


def one_claim(folder, claim, title):
    "Heading, question and tables of a claim."
    origins = json.loads((folder / claim / "origin.json").read_text(encoding="utf-8"))
    files = sorted((folder / claim).glob("*.csv"), key=lambda path: path.stem)
    tables = [one_table(path, folder, origins[path.stem]) for path in files]
    return "\n\n".join([f"### {title} {{#{claim.replace('_', '-')}}}", asked(claim), *tables])


def tables(folder):
    "The text of the page: a section per question, in it one per claim."
    left = {path.parent.name for path in folder.glob("*/origin.json")}
    known = {claim for claims in QUESTIONS.values() for claim in claims}
    further = {"Further": {claim: claim.replace("_", " ") for claim in sorted(left - known)}}
    for question, claims in {**QUESTIONS, **further}.items():
        texts = [one_claim(folder, claim, title) for claim, title in claims.items() if claim in left]
        if texts:
            yield "\n\n".join([f"## {question}", *texts])


# --- your voice


def expectations(folder):
    "What to expect of the ready model: how often it is right on corpora that it has not heard."
    path = folder / "ready" / "single.csv"
    frame = pd.read_csv(path)
    shares = frame[["uar", "ece", "coverage", "accuracy_covered"]].map(points)
    shares.columns = ["UAR", "calibration error", "not called unsure", "right among these"]
    told = json.loads(path.with_name("origin.json").read_text(encoding="utf-8"))[path.stem]
    table = pd.concat([frame[["corpus", "language"]], shares], axis=1)
    return f"{markdown(table)}\n\n{provenance(path, folder, told)}"
