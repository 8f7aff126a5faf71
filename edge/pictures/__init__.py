"""Pictures as bytes, from anybody: judged by their first bytes, then decoded, within bounds.

``header`` reads the size of a picture that nobody has decoded yet, ``decode`` makes an array of it, upright
and in BGR; ``quiet`` keeps the codecs' own lines away. Any stage may be given a picture, so they lie below
all of them.
"""
