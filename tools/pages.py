"Pages made from the book's own sources: the reference, and what the paper says."

import importlib
import inspect
import json
import posixpath
import re

from nbdev.showdoc import BasicMarkdownRenderer, show_doc
from notebooks import NOTEBOOKS, exported_name, read, title

CALLOUT = re.compile(r"::: \{\.callout-note\}\n## Paper says / we do\n(.*?)\n:::", re.S)


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
            yield f"### [{title(path)}]({address.as_posix()})\n\n{told}"


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
    parts = [f"Chapter: [{title(chapter)}](../{address})."]
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
