"""Trains the digit model: crops drawn by `tools.ink`, a small plain CNN, int8, calibrated scores.

python -m tools.train_digits --data ../shared/data --minutes 30 --out models/digits-cnn
"""
