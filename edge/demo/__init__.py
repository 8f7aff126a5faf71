"""The demo: the whole service on a drawn scene, with a broker of its own, seen by a subscriber.

``play`` starts an embedded ``broker``, the real daemon as a child (``service``) and a real
subscriber; ``acquaintance`` has the service know the face of the scene; ``received`` keeps what arrives,
``truth`` and ``faces`` judge it by the scene's story, ``table`` shows it live, ``picture`` in a
frame, and ``summary`` counts it.
"""
