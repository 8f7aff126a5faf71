"""Arrays to numbers: int8 TFLite models, each described by a card, run by whichever runtime is there.

A model of whole numbers computes in 8 bits, which is a quarter of the memory and, where the
processor has instructions for it, several times as fast. Every 8-bit tensor stands for real
values by two numbers of its own, ``real = (q - zero_point) * scale``. A picture is already 8
bits, so its way into the model is a table of 256 entries, and only the few numbers that come
out become floats. Read in this order:

- ``quantize``  that arithmetic, pure: tables in, floats out
- ``decode``    what the numbers that come out mean, by name: probabilities of logits, for one
- ``card``      card.yaml: all that must be known of a model, checked
- ``store``     where the models are
- ``runtime``   the one module that imports LiteRT or tflite-runtime
- ``tensor``    the two ends of a model, as views of the runtime's own memory
- ``model``     a loaded, verified model: a picture in, decoded numbers out
- ``golden``    whether this machine computes what the machine that made the model did
"""
