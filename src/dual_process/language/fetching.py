"""What comes over the network: files of treebanks by their URL, and checkpoints from the Hugging Face hub.

Each appears under its final name whole, checked, or not at all. No other module of the package touches the network.
"""

import hashlib
import logging
import shutil
import time
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import huggingface_hub
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from huggingface_hub.errors import HTTPError as HubError

from dual_process.language_runs import HubPlan
from dual_process.store import finished

PIECE = 2**20
"""Bytes that are read at once."""
WAIT = 60.0
"""Seconds without a byte after which a server counts as gone."""
PROGRESS = 10.0
"""Seconds between two lines of progress."""
CHECKPOINT_FILES = ["*.safetensors", "*.json", "*.txt"]
"""What is taken from the hub: weights as safetensors, configuration and tokenizer; no pickle and no code."""

_log = logging.getLogger(__name__)


def fetch_file(url: str, sha256: str, output: str | Path) -> None:
    """Download one file and check it.

    Parameters
    ----------
    url
        Where it is to be had.
    sha256
        Wanted checksum of its bytes, in hexadecimal digits.
    output
        Final name; appears only with the right content.

    Raises
    ------
    ValueError
        One sentence that says what to do, if there is no network, no such file, or another checksum.
    """
    digest = hashlib.sha256()
    with finished(output) as partial:
        with partial.open("wb") as file:
            for piece in _pieces(url):
                digest.update(piece)
                file.write(piece)
        if digest.hexdigest() != sha256.lower():
            raise ValueError(
                f"{url} has the checksum sha256 {digest.hexdigest()}, not {sha256.lower()} as the configuration wants: "
                "if the file was changed on purpose, put the new checksum into language.corpora"
            )
    _log.info("%s: checksum right, written to %s", url, output)


def _pieces(url: str) -> Iterator[bytes]:
    """Content of a URL; every failure of the network is one sentence."""
    way_out = "or download the file by hand and name it by path in language.corpora"
    num_bytes, told = 0, time.monotonic()
    try:
        with urlopen(url, timeout=WAIT) as answer:
            size = answer.headers.get("Content-Length") or "unknown number of"
            _log.info("%s: %s bytes to fetch", url, size)
            while piece := answer.read(PIECE):
                num_bytes += len(piece)
                if time.monotonic() - told > PROGRESS:
                    told = time.monotonic()
                    _log.info("%s: %d of %s bytes", url, num_bytes, size)
                yield piece
    except HTTPError as error:
        with error:
            raise ValueError(f"{url} answers {error.code} {error.reason}: check the url, {way_out}") from None
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise ValueError(f"{url} cannot be read ({reason}): check the network, {way_out}") from None


def fetch_checkpoint(plan: HubPlan, output: str | Path) -> None:
    """Download one checkpoint from the Hugging Face hub, or take it from the hub's cache on this machine.

    Parameters
    ----------
    plan
        Repository and revision.
    output
        Folder, as `save_pretrained` of transformers writes it; appears only when whole.

    Raises
    ------
    ValueError
        One sentence that says what to put where, if there is no network, no such repository or no safetensors.
    """
    _log.info("%s at %s: fetching from the hub", plan.repository, plan.revision)
    with finished(output) as partial:
        try:
            _snapshot(plan, local_dir=partial)
            shutil.rmtree(partial / ".cache", ignore_errors=True)  # the hub's own notes
        except (HubError, HfHubHTTPError, HFValidationError, OSError) as error:
            _copy_cached(plan, partial, error)
        if not any(partial.glob("*.safetensors")):
            raise ValueError(
                f"{plan.repository} has no safetensors at the revision {plan.revision}, and nothing else is read: "
                f"name a revision that has, such as the hub's own conversion refs/pr/N, or {_put_local()}"
            )
    _log.info("%s at %s: written to %s", plan.repository, plan.revision, output)


def _snapshot(plan: HubPlan, *, local_dir: Path | None = None, local_files_only: bool = False) -> Path:
    folder = huggingface_hub.snapshot_download(
        plan.repository,
        revision=plan.revision,
        allow_patterns=CHECKPOINT_FILES,
        ignore_patterns=["*/*"],  # other forms of the same model
        local_dir=local_dir,
        local_files_only=local_files_only,
    )
    return Path(folder)


def _copy_cached(plan: HubPlan, folder: Path, failure: Exception) -> None:
    """Without the hub: what an earlier download left in its cache, such as on a cluster's node without network."""
    try:
        cached = _snapshot(plan, local_files_only=True)
    except (LocalEntryNotFoundError, HFValidationError):
        reason = str(failure).strip().partition("\n")[0].rstrip(".")
        if huggingface_hub.constants.HF_HUB_OFFLINE:
            reason = "HF_HUB_OFFLINE is set"
        raise ValueError(
            f"{plan.repository} at the revision {plan.revision} cannot be fetched from the hub ({reason}): "
            f"check the network and the names under language.checkpoints, or {_put_local()}"
        ) from None
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for pattern in CHECKPOINT_FILES:
        for path in cached.glob(pattern):
            shutil.copyfile(path, folder / path.name)


def _put_local() -> str:
    return (
        "put a folder with config.json, model.safetensors and the tokenizer's files, as save_pretrained writes it, "
        "on this machine and name it in language.checkpoints with kind: local"
    )
