"""Keys and certificates for one run, made by openssl and gone with their folder."""

from __future__ import annotations

import subprocess
from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


class Authority:
    """Signs what it is asked to; its own certificate is ``folder/ca.pem``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._openssl("req", "-x509", *_KEY, "-days", "2", "-subj", f"/CN={folder.name}", "-keyout", "ca.key",
                      "-out", "ca.pem")  # fmt: skip

    @property
    def certificate(self) -> Path:
        """What those trust who trust it."""
        return self.folder / "ca.pem"

    def sign(self, name: str, address: str, days: int = 2) -> tuple[Path, Path]:
        """Certificate and key for ``address`` (as ``IP:127.0.0.1``); ``days`` below 0: it has expired."""
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={address}\n")
        self._openssl("req", *_KEY, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                      "-CAcreateserial", "-days", str(days), "-extfile", extensions.name,
                      "-out", f"{name}.pem")  # fmt: skip
        key = self.folder / f"{name}.key"
        key.chmod(0o600)
        return self.folder / f"{name}.pem", key

    def _openssl(self, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)
