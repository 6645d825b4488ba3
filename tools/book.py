#!/usr/bin/env python3
"""Keeps the book in order: `python tools/book.py COMMAND`.

frame         write the generated parts of every chapter (badge, links before and after, guarded Colab cell)
              and `nbs/index.ipynb`'s links
run [NAME…]   execute notebooks in place, clean them and export the library
readme        write README.md from nbs/index.ipynb
docs          build the site into _docs/ with smalldocs
check         fail if any of the above would change something, if a notebook is too big or was not executed,
              if a link is broken, or if the sidebar and the notebooks disagree
report        print how many words and sentences every page has, and which sentences are long
printed NAME  execute notebooks beside the committed ones, and list each cell whose numbers are not those
              committed
"""

import argparse

import check
import execute
import frame
import printed
import prose
import readme
import website

COMMANDS = {
    "frame": frame.frame,
    "run": execute.run,
    "readme": readme.readme,
    "docs": website.docs,
    "check": check.check,
    "report": prose.report,
    "printed": printed.compare_runs,
}
WITH_NAMES = {"run", "printed"}


def main():
    "The command line."
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("names", nargs="*", help="with `run` and `printed`: parts of notebook names")
    arguments = parser.parse_args()
    command = COMMANDS[arguments.command]
    if arguments.command in WITH_NAMES:
        command(arguments.names)
    else:
        command()


if __name__ == "__main__":
    main()
