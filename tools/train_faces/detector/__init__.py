"""Trains the face detector: labelled pictures of many sources, composed anew for every step.

    python -m tools.train_faces labels --repositories DIR     pictures with boxes and points, cached
    python -m tools.train_faces detector --minutes 60         one stage of learning; --resume: a further one

Read in this order: ``material`` (which pictures, and the cache), ``notes`` and ``labels`` (who says where the
faces are), ``compose`` (what the network is shown), ``net``, ``losses``, ``learn``, ``export``, ``judge``.
"""
