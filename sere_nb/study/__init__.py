"""Methods on every draw of every pair, stored, reported and drawn."""

from sere_nb import _folder

__getattr__, __dir__ = _folder(__name__)
