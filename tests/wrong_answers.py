"""Plausible wrong answers to the exercises: each has to be refused with a hint.

They are code that runs after the solution; `answer` is its right answer."""

# What some of them need.
SETUP = {
    "0_tour": """
def leaky(names):  # the speaker is in the training data, too
    columns = prosody[:, [list(FUNCTIONALS).index(name) for name in names]]
    model = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    return np.mean(model.fit(columns, table.emotion).predict(columns[~others]) == table.emotion[~others])
""",
    "cli": """
def spoiled(**columns):
    other = Path(mkdtemp())
    for path in mandarin.path: shutil.copy(path, other / path.name)
    sheet.assign(**columns).to_csv(other / "metadata.csv", index=False)
    return other
""",
}

WRONG = {
    "2_prosody": [
        "few",
        '["pitch_p50"] * 3',
        '["pitch_p50", "alpha_ratio_voiced", "duration"]',
        '["pitch", "timbre", "rhythm"]',
    ],
    "3_encoding": [
        "strides",
        "(5, 2, 2, 2, 2, 1, 2)",
        "(5, 2, 2, 2, 2, 2)",
    ],
    "0_tour": [
        "leaky",
        'lambda names: right["03"]',
        "lambda names: 1 - share_right(names)",
    ],
    "1_data": [
        "lambda counts: counts.diagonal().sum() / counts.sum()",
        "lambda counts: from_counts(counts.T)",
        "lambda counts: np.mean(counts.diagonal() / np.maximum(counts.sum(axis=1), 1))",
    ],
    "7_own_folder": [
        "lambda confidence, right: two_shares(-confidence, right)",
        "lambda confidence, right: two_shares(confidence, right)[::-1]",
        "lambda confidence, right: (right[confidence > 0.5].mean(), right.mean())",
        "lambda confidence, right: (right[:10].mean(), right.mean())",
    ],
    "core": [
        '(("a", "b"), ("b", "a"))',
        '(("draw", 3), ("draw", 3))',
    ],
    "files": [
        'lambda folder: [(folder / name).write_text("") and None or folder / name for name in ("a", "b")]',
        'lambda folder: [(folder / "a").write_text("") and None or folder / "a"] * 2',
    ],
    "audio": [
        "{100: -57.9, 2000: -57.9}",
        "{100: -78.2, 2000: -57.9}",
        "{100: 0.001267, 2000: 0.000123}",
    ],
    "corpora": [
        'Corpus(**{**vars(mine), "patterns": (r"(?P<speaker>anna)-07-(?P<emotion>joy)",)})',
        'Corpus(**{**vars(mine), "patterns": (r"(?P<speaker>\\w+?)[-_](?:\\w+[-_])(?P<emotion>\\w+)",)})',
    ],
    "figures": [
        "lambda name: colormaps[name](np.linspace(0, 1, 64))[:, :3].mean(axis=1)",
        "lambda name: np.linspace(0, 1, 64)",
        "lambda name: colormaps[name](np.linspace(0, 1, 64))[:, 1]",
    ],
    "metadata": [
        '("гнев", "гнев")',
        '("anger", label)',
    ],
    "live": [
        "head + picture.page",
        'head + script("field")',
        "page + '<script src=\"field.js\"></script>'",
        'page + "https://cdn.example.org/field.js"',
    ],
    "workers": [
        "abs",
        "lambda number: None",
    ],
    "tables": [
        "lambda start, end: False",
        "lambda start, end: end >= 3",
        "lambda start, end: start >= 6",
    ],
    "data": [
        (
            "lambda train, test, columns: np.mean([all(value in set(german.iloc[train][name]) for name, "
            "value in row.items()) for _, row in german.iloc[test][columns].iterrows()])"
        ),
        'lambda train, test, columns: leaked(train, test, ["speaker"])',
        "lambda train, test, columns: 1 - leaked(train, test, columns)",
    ],
    "names": [
        '"{emotion}-{speaker}*"',
        '"{speaker}-{emotion}"',
        '"S{speaker}-{emotion}*"',
    ],
    "frames": [
        "lambda gate, ratio: kept_and_let_in(paths, gate, None)",
        "lambda gate, ratio: kept_and_let_in(paths, GATE, ratio)",
        "lambda gate, ratio: kept_and_let_in(paths, gate, ratio)[::-1]",
    ],
    "pitch": [
        "lambda waveform, active: (simple(waveform, active)[0] / 2, simple(waveform, active)[1])",
        "lambda waveform, active: (np.full(len(active), 200.0), np.ones(len(active)))",
        "lambda waveform, active: simple(waveform, active, octave_cost=1)",
    ],
    "prosody": [
        "-both",
        "both * 0.6",
        "both.assign(it=both.it.to_numpy()[::-1])",
        "both * 3",
    ],
    "normalise": [
        "-answer",
        "(without.mean - whole.mean)[0, 0]",
        "(without.mean - whole.mean)[0, 0] / without.spread[0, 0] * 1.2",
    ],
    "channels": [
        "lambda waveform: both(waveform)[::-1]",
        "lambda waveform: [number / 2 for number in both(waveform)]",
        "lambda waveform: (difference(waveform, small_room(waveform)), both(waveform)[1])",
        (
            "lambda waveform: (difference(telephone(small_room(waveform)), "
            "telephone(small_room(waveform)) + 1e-12), both(waveform)[1])"
        ),
    ],
    "speech": [
        "lambda noise: found(-noise)",
        "lambda noise: 1.0",
        "lambda noise: 100 * found(noise)",
    ],
    "layers": [
        "(before, before)",
        "([25], after)",
        "(after, before)",
    ],
    "encoder": [
        "lambda encoder, t: (320 * t, 320 * t + 400)",
        "lambda encoder, t: (320 * t, 320 * t + 319)",
        "lambda encoder, t: (400 * t, 400 * t + 399)",
    ],
    "encode": [
        "lambda active: np.ones_like(active)",
        "lambda active: active",
        "lambda active: fill_gaps(active, 6)",
        'lambda active: np.convolve(active, np.ones(5), "same") > 0',
    ],
    "cache": [
        "(0, 0)",
        "(renamed, in_place)",
    ],
    "features": [
        "(np.ones(len(german)), np.ones(len(german)))",
        '(answers["encoder"].mean(), answers["prosody"].mean())',
        '(answers["encoder"], answers["encoder"])',
    ],
    "metrics": [
        "(lambda truth, table: table[np.arange(len(truth)), truth].mean(), *answer[1:])",
        "(lambda truth, table: table.max(axis=1).mean(), *answer[1:])",
        "(*answer[:2], answer[2], answer[2])",
        "(*answer[:3], answer[3][:, ::-1])",
    ],
    "confidence": [
        "((truth, np.tile([1.0, 0.0], (100, 1))), answer[1])",
        "((truth, np.eye(2)[truth]), answer[1])",
        "(answer[0], answer[0])",
    ],
    "tasks": [
        "honest",
        "lambda task, kept=pair.truth: np.eye(len(task.classes))[kept]",
    ],
    "conditions": [
        "lambda made, random: made",
        (
            "lambda made, random: replace(made, "
            "source=made.source[made.source.speaker.isin(sorted(set(made.source.speaker))[:2])], "
            "target=made.target[made.target.speaker.isin(sorted(set(made.target.speaker))[:2])])"
        ),
        "lambda made, random: replace(made, source=made.source[:0])",
    ],
    "baselines": [
        "lambda rows: gain(np.arange(len(target)))",
        "lambda rows: -gain(rows)",
    ],
    "highlights": [
        "lambda level, active: active & (level >= np.quantile(level, 0.8))",
        "lambda level, active: level >= np.quantile(level, 0.8)",
        "lambda level, active: loudest_fifth(-level, active)",
    ],
    "aligning": [
        "lambda source, target: np.linalg.norm(source.mean(axis=0) - target.mean(axis=0))",
        (
            "lambda source, target: np.linalg.norm(power(covariance(source), -0.5) @ "
            "power(covariance(target), 0.5))"
        ),
        "lambda source, target: 0.0",
    ],
    "neighbours": [
        (
            "lambda method: np.mean([method(task).argmax(1) != method(replace(task, "
            "target_X=task.target_X[::-1], target_speaker=task.target_speaker[::-1])).argmax(1)])"
        ),
        "lambda method: 0.0",
        "lambda method: 1 - changed(method)",
    ],
    "adapting": [
        "lambda X, y, Z, z: mmd(X, Z)",
        "lambda X, y, Z, z: mmd(X[y == 0], X[y == 1])",
        "lambda X, y, Z, z: torch.tensor(0.0)",
    ],
    "consistency": [
        "lambda said, truth: sure_and_all(said, truth)[::-1]",
        "lambda said, truth: (said.max(axis=1)[:4].mean(), np.mean(said.argmax(axis=1) == truth))",
        "lambda said, truth: (sure_and_all(said[:, ::-1], truth)[0], sure_and_all(said, truth)[1])",
    ],
    "irf": [
        "lambda kernel, damping: ringing(kernel * len(kernel), damping)",
        "lambda kernel, damping: np.linalg.matrix_rank(kernel)",
        "lambda kernel, damping: ringing(kernel, damping) / len(kernel)",
    ],
    "voices": [
        "lambda task: [sere(task)] * 2",
        "lambda task: [both(task)[0], both(task)[1][::-1]]",
    ],
    "folder": [
        "lambda told, classes, share: told",
        "lambda told, classes, share: np.where(told >= 0, (told + 1) % classes, told)",
        "lambda told, classes, share: erring(np.abs(told), classes, share)",
    ],
    "plain": [
        "lambda *given: plain_sere(*given[:3], given[3][given[6]], given[4][given[6]], given[5])",
        "lambda *given: reordered(*given[:4], given[4][np.argsort(given[6])], *given[5:])",
        "lambda *given: plain_sere(*given[:6])",
    ],
    "tric": [
        "lambda to, among, back, classes, steps: home(to, among, back, classes, 1)",
        (
            "lambda to, among, back, classes, steps: float((to @ torch.linalg.matrix_power(among, steps) "
            "@ back).diagonal().mean())"
        ),
        "lambda to, among, back, classes, steps: home(to, among ** max(steps, 1), back, classes, 1)",
    ],
    "5_chain": [
        "lambda anchors, classes, free: chain(anchors, classes, free, 1.0, 1.0)",
        "lambda *places: torch.exp(-walker(*places))",
        (
            "lambda anchors, classes, free: -(transitions(anchors, free, 1.0, 1.0) @ "
            "transitions(free, anchors, 1.0, 1.0)).diagonal().log().mean()"
        ),
    ],
    "model": [
        "lambda model, samples: -contribution(model, samples)",
        (
            "lambda model, samples: model.probabilities(samples).max(axis=1) - "
            "model.probabilities(replace(samples, prosody=samples.prosody * 0)).max(axis=1)"
        ),
        "lambda model, samples: contribution(model, samples).mean()",
    ],
    "checkpoint": [
        (
            'lambda folder, key: hmac.new(b"", b"".join((folder / name).read_bytes() for name in '
            'LARGEST), "sha256").digest()'
        ),
        (
            'lambda folder, key: hmac.new(key, b"".join((folder / name).read_bytes() for name in '
            'sorted(LARGEST)), "sha256").digest()'
        ),
        ('lambda folder, key: hmac.new(key, (folder / sorted(LARGEST)[1]).read_bytes(), "sha256").digest()'),
    ],
    "semisup": [
        "lambda angle: [share / 2 + 0.5 for share in three(angle)]",
        "lambda angle: [1 - share for share in three(angle)]",
        "lambda angle: three(0)",
    ],
    "6_loop": [
        "lambda momentum: math.log(0.5) / math.log(momentum)",
        "lambda momentum: math.floor(math.log(0.5) / math.log(momentum))",
        "lambda momentum: math.ceil(0.5 / (1 - momentum))",
    ],
    "recogniser": [
        "lambda recogniser, reading: -contribution(recogniser, reading)",
        "lambda recogniser, reading: contribution(recogniser, reading).mean()",
    ],
    "store": [
        "one_by_one",
        'lambda store, jobs: (store.connection.execute("BEGIN"), one_by_one(store, jobs))',
        "lambda store, jobs: together(store, jobs[:-1])",
        "lambda store, jobs: (together(store, jobs[:10]), together(store, jobs[10:]))",
    ],
    "study": [
        "1000 * each",
        "each / 1000",
    ],
    "8_does_it_hold": [
        'lambda tasks: (tasks.sere - tasks[tasks.drop(columns="sere").mean().idxmax()]).mean()',
        'lambda tasks: (tasks.sere - tasks.drop(columns="sere").min(axis=1)).mean()',
        "lambda tasks: -left_over(tasks)",
    ],
    "results": [
        'lambda tasks: (tasks.sere - tasks[tasks.drop(columns="sere").mean().idxmax()]).mean()',
        'lambda tasks: (tasks.sere - tasks.drop(columns="sere").max(axis=1)).mean()',
        "lambda tasks: -nested_lead(tasks)",
    ],
    "report": [
        "{count: 1 - share for count, share in answer.items()}",
        "{count: 1.0 for count in answer}",
        "{count: 100 * share for count, share in answer.items()}",
    ],
    "plots": [
        "lambda temperature: 1 - strength(temperature)",
        "lambda temperature: strength(0.1)",
        "lambda temperature: 0.9 + 0.1 * strength(temperature)",
    ],
    "widgets": [
        (
            'explore(lambda emotion: first_of("anger"), '
            "emotion=ipywidgets.Dropdown(options=sorted(german.emotion.unique())))"
        ),
        'explore(first_of, emotion=ipywidgets.Dropdown(options=["anger", "sadness"]))',
    ],
    "recordings": [
        (
            "lambda files, place: pd.DataFrame([row(*pair) for pair in zip(files, hear(recogniser, "
            "files)) if isinstance(pair[1], Answer)]).assign(reason=None).to_csv(place)"
        ),
        (
            "lambda files, place: pd.DataFrame([row(*pair) for pair in zip(files, hear(recogniser, "
            'files))]).assign(reason="none").to_csv(place)'
        ),
    ],
    "timeline": [
        "table.T",
        "table / table.to_numpy().sum()",
        "table.iloc[::-1].set_axis(table.index) * 1.3",
        "table * 1000",
        "table.iloc[:1]",
    ],
    "asking": [
        (
            "lambda path: (lambda most: (most.file, most.channel, most.start, most.end))((lambda t: "
            "t.loc[t.anger.idxmax()])(pd.read_csv(path)))"
        ),
        (
            "lambda path: (lambda most: (Path(most.file).name, most.channel, most.start, "
            'most.end))((lambda t: t.loc[t[["anger", "joy"]].max(axis=1).idxmin()])(pd.read_csv(path)))'
        ),
        (
            "lambda path: (lambda most: (Path(most.file).name, most.start, most.end, "
            "most.channel))((lambda t: t.loc[t.anger.idxmax()])(pd.read_csv(path)))"
        ),
    ],
    "own": [
        "enough - 1",
        "2 * enough",
        "float(enough)",
    ],
    "commands": [
        '"{emotion}/{speaker} *"',
    ],
    "cli": [
        'spoiled(language="it")',
        'spoiled(speaker="one")',
        "spoiled(path=mandarin.path.map(str))",
    ],
    "bundled_encoder": [
        "lambda shift: 1 / (ratios(shift) + 1e-9)",
        "lambda shift: ratios(200)",
        "lambda shift: ratios(shift).mean(keepdims=True)",
    ],
    "mini_corpus": [
        "EmotionRule()",
        "EmotionRule(range=4 / 5, rate=1.5)",
        "EmotionRule(range=5 / 4, rate=1 / 1.5)",
        "half",
    ],
    "student": [
        "lambda phases: math.cos(math.pi / phases)",
        "lambda phases: 1 - 1 / (2 * phases)",
    ],
    "4_field": [
        "lambda field, balance, proportions: towards(field, balance, np.full(3, 1 / 3))",
        "lambda field, balance, proportions: softmax(field + np.log(proportions), axis=1)",
        "lambda field, balance, proportions: towards(field, balance, 1 / proportions)",
        "lambda field, balance, proportions: np.tile(proportions, (len(field), 1))",
    ],
}
