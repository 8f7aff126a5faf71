"""Trains a fully convolutional detector of digits on composed scenes, to be compared with what ships.

    python -m tools.compose --split train --count 3000 --out .cache/detector-scenes
    python -m tools.compose --split validation --seed 9 --count 160 --out .cache/detector-validation
    python -m tools.train_digits.detector --minutes 40

Read in this order: ``material`` (the scenes, and how many are in memory), ``views`` (what the network is
shown), ``net``, ``losses``, ``learn``, ``export``, ``judge`` (honest scores, thresholds), ``release``. How it
looks at whole pictures is in ``tools.evaluate.digit_detector``.
"""
