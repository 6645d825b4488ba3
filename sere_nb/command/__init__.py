"""The command `sere`."""

from sere_nb import _folder

__getattr__, __dir__ = _folder(__name__)
