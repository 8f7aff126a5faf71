"""What a source of frames says that has nothing special to say."""

from __future__ import annotations


class Plain:
    """The answers of most sources to some questions of ``source.Source``: nothing."""

    def interrupt(self) -> None:
        """Waits for ``read()`` as it is."""

    def returned(self) -> bool:
        """Only ``open()`` tells."""
        return False

    def remarks(self) -> tuple[str, ...]:
        """None."""
        return ()
