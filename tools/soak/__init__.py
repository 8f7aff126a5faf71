"""Proof of delivery by trial: real processes, a real broker, and everything that can happen to them."""
