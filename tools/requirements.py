"""Prints what pip shall install beside the package: `python tools/requirements.py KIND`.

pinned   the versions that the book was written with (the extra `dev` has them all)
lowest   every lower bound that settings.ini promises, as an exact version
newest   nothing: whatever pip finds
"""

import sys
from configparser import ConfigParser
from pathlib import Path

OPTIONAL = ("cluster", "synth", "widgets")  # extras that the tests need


def requirements(kind):
    "Lines for a constraints file."
    parser = ConfigParser(delimiters=["="])
    parser.read(Path(__file__).resolve().parent.parent / "settings.ini", encoding="utf-8")
    settings = parser["DEFAULT"]
    if kind == "pinned":
        return settings["dev_requirements"].split()
    if kind == "lowest":
        names = ["requirements", *(f"{extra}_requirements" for extra in OPTIONAL)]
        return [one.replace(">=", "==") for name in names for one in settings[name].split()]
    return []


if __name__ == "__main__":
    if sys.argv[1:] not in (["pinned"], ["lowest"], ["newest"]):
        sys.exit(__doc__)
    print("\n".join(requirements(sys.argv[1])))
