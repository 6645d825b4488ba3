"README.md is nbs/index.ipynb: its prose, its code and what that printed."

import re

from notebooks import NOTEBOOKS, ROOT, read

HEAD = "<!-- Written from nbs/index.ipynb by `python tools/book.py readme`: edit the notebook. -->"


def output_text(cell):
    "What a code cell printed, as a fenced block, or said in Markdown; its figures are not repeated."
    said = "".join(out.get("data", {}).get("text/markdown", "") for out in cell.outputs).strip()
    printed = "".join(out.get("text", "") for out in cell.outputs).rstrip()
    return "\n\n".join(part for part in (f"```\n{printed}\n```" if printed else "", said) if part)


def code_text(cell):
    "The code of a cell as a fenced block, without what it tells the book's tools."
    return "```python\n" + re.sub(r"(?m)^#\|.*\n", "", cell.source) + "\n```"


def readme_text():
    "README.md: the prose, the code and the printed output of nbs/index.ipynb."
    parts = [HEAD]
    for cell in read(NOTEBOOKS / "index.ipynb").cells:
        if cell.cell_type == "markdown":
            text = re.sub(r"\]\((?!https?:|#)([^)]+)\)", r"](nbs/\1)", cell.source)
            parts.append(text.replace("](nbs/../", "]("))
            continue
        if not re.search(r"(?m)^#\|\s*(hide|echo: false)", cell.source):
            parts.append(code_text(cell))
        if not re.search(r"(?m)^#\|\s*hide", cell.source):
            parts.append(output_text(cell))
    return "\n\n".join(part for part in parts if part) + "\n"


def readme():
    "Write README.md."
    (ROOT / "README.md").write_text(readme_text(), encoding="utf-8")
