"""Whole pictures with digits in them, composed of drawn parts, with the truth of what stands where.

    python -m tools.compose --out /tmp/scenes --count 40 --seed 1 --sheet /tmp/scenes.png

The pictures and their ``labels.json`` are what `tools.evaluate digits-scenes` reads; `tools.compose.mining`
cuts training crops from them where the recognizer would.
"""
