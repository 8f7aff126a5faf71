"""Whether another processor computes what this one does: 64-bit ARM, emulated."""
