"""Trains the face embedder: a student of dlib's public-domain face network.

    python -m tools.train_faces crops --repositories DIR    aligned faces with the teacher's embeddings
    python -m tools.train_faces embedder --minutes 60       one stage of learning; --resume: a further one

What ``crops`` makes is a cache outside the repository (``--cache``); the same command makes it again.
"""
