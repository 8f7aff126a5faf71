"""A scene that the project draws itself: handwriting under a camera that moves, with its truth.

``glyphs`` and ``hand`` write digits, ``page`` says which and when, ``motion`` moves camera and page:
together they are the ``story``. ``sheet`` inks it on ``surface``'s paper, ``light`` lights it,
``scene`` draws the picture, and ``source`` plays it. Beside it a ``portrait`` may be shown: ``visit``
says how it moves, ``panel`` draws it.
"""

from edge.capture.scene.scene import Scene
from edge.capture.scene.source import SceneSource
from edge.capture.scene.story import Story, Truth, Written
from edge.capture.scene.visit import Person, Visit

__all__ = ["Person", "Scene", "SceneSource", "Story", "Truth", "Visit", "Written"]
