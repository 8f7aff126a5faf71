"""What changes a running service: commands, settings read anew, the governor, and the run socket."""
