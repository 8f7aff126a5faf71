"""An authority of the tests, and certificates of any time, made by openssl."""

from __future__ import annotations

import shutil
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

_CONFIG = """
[ca]
default_ca = tests
[tests]
database = index.txt
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
policy = any
unique_subject = no
rand_serial = yes
[any]
commonName = supplied
"""


class Authority:
    """``ca.pem`` and ``ca.key`` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("openssl") is None:
            raise RuntimeError("openssl is not installed, and these tests need it: apt-get install openssl")
        folder.mkdir(parents=True)
        self.folder = folder
        (folder / "ca.conf").write_text(_CONFIG)
        (folder / "index.txt").touch()
        self._openssl("req", "-x509", *_KEY, "-days", "30", "-subj", "/CN=authority of the tests",
                      "-keyout", "ca.key", "-out", "ca.pem")  # fmt: skip

    @property
    def file(self) -> str:
        """The authority's own certificate."""
        return str(self.folder / "ca.pem")

    def issue(
        self, name: str, place: str = "IP:127.0.0.1", days: tuple[int, int] = (-1, 30)
    ) -> dict[str, str]:
        """``certificate`` and ``key`` of ``name``, for a place (subjectAltName), valid from and until so many
        days from now."""
        now = datetime.now(timezone.utc)
        begin, end = (f"{now + timedelta(days=count):%Y%m%d%H%M%SZ}" for count in days)
        (self.folder / "places").write_text(f"subjectAltName = {place}\n")
        self._openssl("req", *_KEY, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        times = ("-startdate", begin, "-enddate", end)
        files = ("-extfile", "places", "-in", f"{name}.csr", "-out", f"{name}.pem")
        self._openssl("ca", "-batch", "-notext", "-config", "ca.conf", *times, *files)
        return {"certificate": str(self.folder / f"{name}.pem"), "key": str(self.folder / f"{name}.key")}

    def _openssl(self, *arguments: str) -> None:
        done = subprocess.run(
            ["openssl", *arguments], cwd=self.folder, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr


_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
