"""Detections, Descriptions -> Events, States: identities over frames, what is told of them, and numbers."""
