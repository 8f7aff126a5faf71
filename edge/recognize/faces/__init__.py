"""Faces: found anywhere in the picture, and named where somebody is enrolled who looks like it.

Read in this order:

- ``detector``     where faces are, with five landmarks each
- ``align``        a face cut out so that its landmarks lie where a network expects them
- ``quality``      whether the look is good enough: size, sharpness, pose
- ``embedder``     the cut to a vector; ``similarity`` of vectors, and what it means: ``calibration``
- ``sightings``    the looks at a track added up
- ``gallery``      who is enrolled: its file (``gallery_file``), its matrix (``index``), ``names``,
  ``pruning``, ``remarks``, and people as a text (``transfer``)
- ``decision``     a name, unknown, or that it cannot be told
- ``recognizer``   all of it
- ``enrol``        how somebody is enrolled; on command: ``obey``; what others may know of it: ``shown``
"""

from edge.recognize.descriptor import Descriptor
from edge.recognize.faces.shown import COMMANDS, ENTITIES, PRESENT

DESCRIPTOR = Descriptor(
    name="faces",
    summary="faces, and whose they are",
    settings="edge.recognize.faces.settings:FacesSettings",
    factory="edge.recognize.faces.recognizer:build",
    label="name",
    label_type="string",
    items="present",
    cooldown="label",
    named_by="describe",
    extras=(
        ("margin", "lead in similarity over the second most similar person; null where there is none"),
        ("quality", "how good the looks were, 0 to 1"),
    ),
    entities=ENTITIES,
    entity_of_label=PRESENT,
    commands=COMMANDS,
)
