"""Builds and finds the container image, which is named by a hash of the files it is built from.

So an image from other files or another base is never used by mistake. The wheels are downloaded on
the host, because network and certificates work there and often do not during a build.
"""

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.boxes.engine import connect, engine_trouble
from sandbox.execution import SandboxError

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.images import Image

DEFAULT_BASE = "python:3.11-slim"
REPOSITORY = "solver-sandbox"
CONTENT_LABEL = "solver.sandbox.content"
BASE_LABEL = "solver.sandbox.base"
BASE_ID_LABEL = "solver.sandbox.base_id"
_HERE = Path(__file__).parents[1]
_GLIBC_TAGS = ("2_28", "2_27", "2_17")
_BUILD = "build it with `solver sandbox build`"


@dataclass(frozen=True)
class ImageStatus:
    """The state of the image that belongs to these files."""

    present: bool
    tag: str
    image_id: str
    base: str
    note: str
    """One line for a person: what was found, or how to fix it."""


def build_image(base: str | None = None, on_progress: Callable[[str], None] = print) -> str:
    """Build the image, unless it exists already, and return its tag. Raises SandboxError.

    `base` is an image with Python 3.11 or later and pip; None means the environment variable
    SOLVER_BASE_IMAGE, or python:3.11-slim. It is pulled when the engine does not have it.
    """
    wanted = base or chosen_base()
    with connect() as client, engine_trouble():
        base_id = _ensure_base(client, wanted, on_progress)
        tag = _tag(base_id)
        if any(_is_called(image, tag) for image in _built(client)):
            on_progress(f"{tag} is there already")
            return tag
        with tempfile.TemporaryDirectory(prefix="solver-build-") as folder:
            wheels = Path(folder)
            _download_wheels(client, wanted, wheels, on_progress)
            on_progress(f"building {tag} on {wanted}")
            _build(client, base_id, wanted, _context(wheels), on_progress)
    on_progress(f"built {tag}")
    return tag


def image_status() -> ImageStatus:
    """Return whether the image exists. Raises SandboxError when the engine cannot be asked."""
    with connect() as client, engine_trouble():
        image = find_image(client)
    if image is None:
        return ImageStatus(False, "", "", chosen_base(), f"the image is missing: {_BUILD}")
    tag = image.tags[0] if image.tags else ""
    return ImageStatus(
        True, tag, str(image.id), image.labels.get(BASE_LABEL, ""), f"{tag} is there"
    )


def require_image(client: "DockerClient") -> "Image":
    """Return the image to run. Raises SandboxError when it is missing."""
    image = find_image(client)
    if image is None:
        raise SandboxError(f"the sandbox image for this version is missing: {_BUILD}")
    return image


def find_image(client: "DockerClient") -> "Image | None":
    """Return the newest image built from exactly these files on the chosen base, or None."""
    named = os.environ.get("SOLVER_BASE_IMAGE")
    images = [
        image
        for image in _built(client)
        # an image that is derived from ours inherits its labels, but not its tag
        if _is_called(image, _tag(image.labels.get(BASE_ID_LABEL, "")))
        and (not named or image.labels.get(BASE_LABEL) == named)
    ]
    return max(images, key=lambda image: str(image.attrs["Created"]), default=None)


def _built(client: "DockerClient") -> "list[Image]":
    """List the images built from exactly these files, and those derived from them.

    Only one label is asked for: Podman finds nothing where there are two.
    """
    return client.images.list(filters={"label": f"{CONTENT_LABEL}={content_hash()}"})


def _is_called(image: "Image", tag: str) -> bool:
    """Tell whether an image has a tag. Podman puts a registry in front: `localhost/NAME:TAG`."""
    return any(tag in (name, name.rpartition("/")[2]) for name in image.tags)


def chosen_base() -> str:
    """Return the base image: the environment variable SOLVER_BASE_IMAGE, or python:3.11-slim."""
    return os.environ.get("SOLVER_BASE_IMAGE") or DEFAULT_BASE


def content_hash() -> str:
    """Hash every file that goes into the image."""
    return _digest(*(part for name, data in _files() for part in (name, data)))


def _tag(base_id: str) -> str:
    return f"{REPOSITORY}:{_digest(content_hash(), base_id)[:16]}"


def _files() -> list[tuple[str, bytes]]:
    paths = [_HERE / "Dockerfile", _HERE / "requirements.txt"]
    paths += sorted((_HERE / "zygote").glob("*.py"))
    return [(path.relative_to(_HERE).as_posix(), path.read_bytes()) for path in paths]


def _digest(*parts: str | bytes) -> str:
    total = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        total.update(len(data).to_bytes(8) + data)
    return total.hexdigest()


def _ensure_base(client: "DockerClient", base: str, on_progress: Callable[[str], None]) -> str:
    """Pull the base image if the engine does not have it, and return its id."""
    from docker.errors import APIError, ImageNotFound

    try:
        return str(client.images.get(base).id)
    except ImageNotFound:
        on_progress(f"pulling {base}")
    try:
        return str(client.images.pull(*_name_and_tag(base)).id)
    except APIError as error:
        local = sorted({tag for image in client.images.list() for tag in image.tags})
        others = [tag for tag in local if not tag.startswith(f"{REPOSITORY}:")]
        raise SandboxError(
            f"base image {base!r} is not here and cannot be pulled ({error.explanation or error}): "
            f"name another with --base or SOLVER_BASE_IMAGE; here: {', '.join(others) or 'none'}"
        ) from error


def _name_and_tag(base: str) -> tuple[str, str]:
    name, colon, tag = base.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (base, "latest")


def _download_wheels(
    client: "DockerClient", base: str, folder: Path, on_progress: Callable[[str], None]
) -> None:
    """Download wheels for the base image's Python; if that fails, leave it to the build."""
    question = "import sys, platform; print(*sys.version_info[:2], platform.machine())"
    answer = client.containers.run(
        base, ["-c", question], entrypoint="python3", remove=True, network_mode="none"
    )
    major, minor, machine = answer.decode().split()
    if (int(major), int(minor)) < (3, 11):
        raise SandboxError(
            f"base image {base!r} has Python {major}.{minor}: it must be 3.11 or later"
        )
    platforms = [f"--platform=manylinux_{tag}_{machine}" for tag in _GLIBC_TAGS]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", f"--python-version={major}.{minor}", *platforms]
    command += [f"--platform=manylinux2014_{machine}", "--dest", str(folder)]
    command += ["--requirement", str(_HERE / "requirements.txt")]
    on_progress(f"fetching wheels for Python {major}.{minor} on {machine}")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        for wheel in folder.iterdir():
            wheel.unlink()
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        on_progress(f"pip on this host could not ({reason}); the build will try itself")


def _context(wheels: Path) -> io.BytesIO:
    """Pack the build context as tar, without dates and owners, so that layers stay cached."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        folder = tarfile.TarInfo("wheels")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(folder)
        files = _files() + [(f"wheels/{p.name}", p.read_bytes()) for p in sorted(wheels.iterdir())]
        for name, data in files:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))
    packed.seek(0)
    return packed


def _build(
    client: "DockerClient",
    base_id: str,
    base: str,
    context: io.BytesIO,
    on_progress: Callable[[str], None],
) -> None:
    tag = _tag(base_id)
    lines = client.api.build(
        fileobj=context,
        custom_context=True,
        tag=tag,
        rm=True,
        forcerm=True,
        decode=True,
        buildargs={"BASE_IMAGE": base},
        labels={CONTENT_LABEL: content_hash(), BASE_LABEL: base, BASE_ID_LABEL: base_id},
        timeout=1800,
    )
    for line in lines:
        if "error" in line:
            raise SandboxError(f"building {tag} failed: {str(line['error']).strip()}")
        if text := str(line.get("stream", "")).strip():
            on_progress(text)
