"""The data sets that the tools read: found, verified, never downloaded.

    python -m tools.data --data ../shared/data

prints what is there, what is missing or damaged, and where it is usually had.
"""

from __future__ import annotations

from tools.data.files import data_folder
from tools.data.sets import Labelled, letters, mnist, optdigits, semeion

__all__ = ["Labelled", "data_folder", "letters", "mnist", "optdigits", "semeion"]
