"""Downloads that go on where they stopped, and are checked before anybody sees them."""

import hashlib
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path

_CHUNK = 1 << 20
_TIMEOUT_SECONDS = 30.0


class DownloadError(Exception):
    """A file could not be downloaded, or is not the published one; the message says why."""


@dataclass(frozen=True)
class Checksum:
    """The start of a file's hash, as far as its publisher tells it.

    Attributes:
        algorithm: a name that `hashlib` knows, e.g. "sha256".
        prefix: hexadecimal digits.
    """

    algorithm: str
    prefix: str

    def fits(self, path: Path) -> bool:
        """Whether the file's hash starts like this."""
        with path.open("rb") as file:
            return hashlib.file_digest(file, self.algorithm).hexdigest().startswith(self.prefix)


def download(
    url: str,
    target: Path,
    checksum: Checksum | None,
    *,
    on_progress: Callable[[int, int | None], None] = lambda _done, _total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Path | None:
    """Download a file, unless the right one is there already.

    What has arrived lies in `target` with ".part" behind its name until it is complete and
    checked; another call goes on from there.

    Args:
        url: http or https.
        target: where the file shall be; its folder is made when missing.
        checksum: what the file must have; None where nothing is published.
        on_progress: told the bytes so far and all of them, None where the server does not say.
        should_stop: asked between pieces.

    Returns:
        `target`, or None when stopped.

    Raises:
        DownloadError: the server cannot be reached, says no, breaks off, or sends another file.
    """
    if not url.startswith(("https://", "http://")):
        raise DownloadError(f"expected an address that starts with https:// or http://, got {url}")
    if target.exists() and (checksum is None or checksum.fits(target)):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    try:
        complete = _receive(url, part, on_progress, should_stop)
    except (OSError, HTTPException) as error:
        raise DownloadError(f"{url} could not be downloaded: {error}") from error
    if not complete:
        return None
    if checksum is not None and not checksum.fits(part):
        part.unlink()
        raise DownloadError(
            f"{target.name} is not the published file: its {checksum.algorithm} does not start "
            f"with {checksum.prefix}; what arrived was deleted, try again"
        )
    part.replace(target)
    return target


def _receive(
    url: str,
    part: Path,
    on_progress: Callable[[int, int | None], None],
    should_stop: Callable[[], bool],
) -> bool:
    """Append to `part` what is missing; return whether it is complete."""
    done = part.stat().st_size if part.exists() else 0
    try:
        response = _open(url, done)
    except urllib.error.HTTPError as error:
        # The server has nothing behind what we have: complete, or another file (its hash tells).
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and done:
            return True
        raise
    with response:
        if done and response.status != HTTPStatus.PARTIAL_CONTENT:
            done = 0  # the server sends all of it
        length = response.headers.get("Content-Length")
        total = done + int(length) if length else None
        with part.open("ab" if done else "wb") as file:
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                done += len(chunk)
                on_progress(done, total)
                if should_stop():
                    return False
            file.flush()
            os.fsync(file.fileno())
    if total is not None and done < total:
        raise OSError(f"the connection broke off after {done} of {total} bytes")
    return True


def _open(url: str, start: int) -> HTTPResponse:
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    response: HTTPResponse = urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS)
    return response
