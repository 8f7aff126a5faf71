"""Figures of the service on this machine, each printed by a command that anybody can run again."""
