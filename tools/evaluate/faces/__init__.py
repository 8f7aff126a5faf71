"""Judges the face models: what is found, whether two crops show one person, who is known in clips.

Each command is a module: ``detect`` (``faces-detect``), ``verify`` (``faces-verify``), ``identify``
(``faces-identify``), ``calibrate`` (``faces-calibrate``), ``groups`` (``faces-groups``). What they read comes
from anybody and is read as hostile: ``archive`` (pictures of a tar or folder), ``labels`` (a line for each
picture), ``pairs`` (crops and pairs of an ``.npz``, whose pickles can run nothing), ``clips`` (folders of
persons).
"""
