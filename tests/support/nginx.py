"""nginx in front of instances, configured by the file that is meant for production."""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from support.certificates import Certificate
from support.server import free_port

FILE = Path(__file__).parents[2] / "deploy/nginx.conf"
PREFIX = "/api/showtime"

# What Debian's own nginx.conf has around the file; everything that is written lies in our folder.
_AROUND = """
{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 768; }}
http {{
    access_log off;
    types_hash_max_size 2048;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/showtime.conf;
}}
"""


def _configuration(certificate: Certificate, ports: tuple[int, int], own: Mapping[str, int]) -> str:
    """Put what differs from machine to machine into the file, and nothing else."""
    text = FILE.read_text("utf-8")
    for written, ours in {
        "127.0.0.1:5001": f"127.0.0.1:{ports[0]}",
        "127.0.0.1:5011": f"127.0.0.1:{ports[1]}",
        "listen 80;": f"listen 127.0.0.1:{own['http']};",
        "listen 443 ": f"listen 127.0.0.1:{own['https']} ",
        "/etc/letsencrypt/live/showtime.example.com/fullchain.pem": str(certificate.file),
        "/etc/letsencrypt/live/showtime.example.com/privkey.pem": str(certificate.key_file),
    }.items():
        assert text.count(written) == 1, written
        text = text.replace(written, ours)
    return text


@contextmanager
def nginx(program: Path, folder: Path, certificate: Certificate, ports: tuple[int, int]) -> Iterator[int]:
    """Run nginx for a while; gives its port."""
    own = {"http": free_port(), "https": free_port()}
    (folder / "showtime.conf").write_text(_configuration(certificate, ports, own))
    user = "user root;" if os.getuid() == 0 else ""  # else its workers are another's, and may not write there
    (folder / "nginx.conf").write_text(_AROUND.format(folder=folder, user=user))
    command = [program, "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"]
    with subprocess.Popen(command, env={"PATH": os.environ["PATH"]}) as process:
        try:
            _await_answer(process, own["https"], folder / "error.log")
            yield own["https"]
        finally:
            process.terminate()


def _await_answer(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"https://127.0.0.1:{port}/", timeout=5)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"nginx does not answer:\n{log.read_text()}")
