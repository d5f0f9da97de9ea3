"""Builds the repository's image by buildah, where there is no Docker engine: `make image`.

The base is a stand-in (Debian with Python, made by mmdebstrap and kept in a cache), so this is a test of the Dockerfile
and of the runner's contract; not of the real base, and not of Docker's isolation.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.fakes.node import CACHE

ROOT = Path(__file__).parents[2]
BASE = "localhost/driftgate-base"
TAR = CACHE / "image/rootfs.tar"
ABSENT = "the image of these files is not built; `make image` builds it (buildah, mmdebstrap, root)"
_PACKAGES = "python3,python3-pip,python3-venv,ca-certificates"
_LIKE_PYTHONS_IMAGE = (
    "rm -f /usr/lib/python3.*/EXTERNALLY-MANAGED; "
    "ln -sf /usr/bin/python3 /usr/local/bin/python; ln -sf /usr/bin/pip3 /usr/local/bin/pip"
)
_HOSTS_OWN = ("/etc/ssl/certs", "/etc/pip.conf")  # how this machine reaches a package index, where it says so


def environ():
    """What buildah needs where the kernel lets it nest nothing."""
    return os.environ | {"STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}


def buildah(*arguments, **options):
    """What a buildah command prints; raises where it fails."""
    done = subprocess.run(
        ["buildah", *arguments], env=environ(), check=True, stdout=subprocess.PIPE, text=True, **options
    )
    return done.stdout.strip()


def tag():
    """The image's name: another one for other files in it."""
    found = hashlib.sha256()
    files = [path for path in (ROOT / "gate").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    for path in sorted([*files, *(ROOT / name for name in ("Dockerfile", "requirements.lock", "entrypoint.py"))]):
        found.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return f"localhost/driftgate:{found.hexdigest()[:16]}"


def is_built():
    return shutil.which("buildah") is not None and os.geteuid() == 0 and _exists(tag())


def inspect(image):
    """An image's configuration: Entrypoint, Env, User…"""
    return json.loads(buildah("inspect", "--type", "image", image))["OCIv1"]["config"]


def size(image):
    """Bytes on disk of all files of an image."""
    container = buildah("from", "--pull-never", image)
    try:
        root = buildah("mount", container)
        return int(subprocess.check_output(["du", "-sx", "--block-size=1", root], text=True).split()[0])
    finally:
        buildah("rm", container)


def _exists(image):
    return bool(buildah("images", "--quiet", "--filter", f"reference={image}"))


def _make_base():
    if not TAR.exists():
        TAR.parent.mkdir(parents=True, exist_ok=True)
        made = TAR.with_suffix(".part.tar")
        subprocess.run(["mmdebstrap", "--variant=minbase", f"--include={_PACKAGES}", "bookworm", made], check=True)
        made.rename(TAR)
    container = buildah("from", "scratch")
    buildah("add", "--quiet", container, str(TAR), "/")
    buildah("run", container, "--", "sh", "-c", _LIKE_PYTHONS_IMAGE)
    buildah("commit", "--quiet", "--rm", container, BASE)


def _forget_older():
    older = buildah("images", "--format", "{{.Name}}:{{.Tag}}", "--filter", "reference=localhost/driftgate").split()
    for image in older:
        buildah("rmi", image)


def main():
    if not _exists(BASE):
        _make_base()
    if not _exists(tag()):
        _forget_older()
        mounts = [f"--volume={path}:{path}:ro" for path in _HOSTS_OWN if Path(path).exists()]
        buildah("build", "--pull=never", *mounts, f"--build-arg=BASE_IMAGE={BASE}", "--tag", tag(), str(ROOT))
    base, whole = size(BASE), size(tag())
    sys.stdout.write(f"{tag()}: {(whole - base) / 1e6:.0f} MB above its base of {base / 1e6:.0f} MB\n")


if __name__ == "__main__":
    main()
