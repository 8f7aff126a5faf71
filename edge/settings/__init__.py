"""YAML -> Settings: the sections of all stages composed, read with line numbers, and documented."""
