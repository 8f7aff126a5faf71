"""Judges models and the whole recognition on labelled data: tables for people, ``--json`` for programs.

::

    python -m tools.evaluate digits-scenes --labels ../shared/data/digits/scenes/dev --sheet errors.png
    python -m tools.evaluate digits-scenes --empty DIR --recipe edge --recipe perceptron --recipe books
    python -m tools.evaluate digits --set semeion --json
"""
