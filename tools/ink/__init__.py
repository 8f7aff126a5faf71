"""Drawing of training pictures: strokes, type, displays, papers, surfaces and what a camera makes of them.

    python -m tools.ink --out /tmp/ink.png        # a contact sheet of all parts

Everything is drawn from a ``numpy.random.Generator``: the same seed, the same picture. Shapes are
distance maps, so one digit can be drawn sharp at any size with any pen.
"""
