import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from core.download import Checksum, DownloadError, download
from core.model.catalogue import CATALOGUE, PublishedWeights, cache_folder, fetch

CONTENT = bytes(range(256)) * 20_000  # more than one piece
SHA256 = Checksum("sha256", hashlib.sha256(CONTENT).hexdigest()[:8])


@dataclass
class Site:
    """A server on this machine: what it sends, how it behaves, and what it was asked."""

    url: str = ""
    content: bytes = CONTENT
    knows_ranges: bool = True
    breaks_after: int | None = None
    asked: list[str | None] = field(default_factory=list)


@pytest.fixture
def site() -> Iterator[Site]:
    served = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers["Range"]
            served.asked.append(asked)
            match = re.fullmatch(r"bytes=(\d+)-", asked or "")
            start = int(match[1]) if match and served.knows_ranges else 0
            if self.path != "/weights.pth":
                self.send_error(404)
            elif start >= len(served.content):
                self.send_error(416)
            else:
                self._send(served.content[start:], 206 if start else 200)

        def _send(self, body: bytes, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: served.breaks_after])

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}/weights.pth"
    yield served
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_file_arrives_with_progress_and_is_not_asked_for_twice(
    site: Site, tmp_path: Path
) -> None:
    target, steps = tmp_path / "cache" / "weights.pth", []
    path = download(site.url, target, SHA256, on_progress=lambda *step: steps.append(step))
    assert path == target
    assert target.read_bytes() == CONTENT
    assert steps[-1] == (len(CONTENT), len(CONTENT))
    assert len(steps) > 2
    assert download(site.url, target, SHA256) == target
    assert site.asked == [None]
    assert list(target.parent.iterdir()) == [target]


def test_a_stopped_download_goes_on_where_it_was(site: Site, tmp_path: Path) -> None:
    target = tmp_path / "weights.pth"
    assert download(site.url, target, SHA256, should_stop=lambda: True) is None
    assert not target.exists()
    part = tmp_path / "weights.pth.part"
    size = part.stat().st_size
    assert 0 < size < len(CONTENT)
    assert download(site.url, target, SHA256) == target
    assert site.asked == [None, f"bytes={size}-"]
    assert target.read_bytes() == CONTENT
    assert not part.exists()


def test_a_broken_connection_is_an_error_and_what_arrived_is_kept(
    site: Site, tmp_path: Path
) -> None:
    site.breaks_after = 3_000_000
    target = tmp_path / "weights.pth"
    with pytest.raises(DownloadError, match=r"broke off after 3000000 of|IncompleteRead"):
        download(site.url, target, SHA256)
    site.breaks_after = None
    assert download(site.url, target, SHA256) == target
    assert site.asked[-1] != "bytes=0-"
    assert target.read_bytes() == CONTENT


def test_a_server_without_ranges_sends_all_of_it_again(site: Site, tmp_path: Path) -> None:
    (tmp_path / "weights.pth.part").write_bytes(CONTENT[:100])
    site.knows_ranges = False
    target = tmp_path / "weights.pth"
    assert download(site.url, target, SHA256) == target
    assert target.read_bytes() == CONTENT


def test_a_complete_part_needs_no_more_bytes(site: Site, tmp_path: Path) -> None:
    (tmp_path / "weights.pth.part").write_bytes(CONTENT)
    assert download(site.url, tmp_path / "weights.pth", SHA256) == tmp_path / "weights.pth"


def test_another_file_is_deleted_and_refused(site: Site, tmp_path: Path) -> None:
    (tmp_path / "weights.pth.part").write_bytes(b"what belongs to another file")
    with pytest.raises(DownloadError, match="not the published file: its sha256"):
        download(site.url, tmp_path / "weights.pth", SHA256)
    assert list(tmp_path.iterdir()) == []
    assert download(site.url, tmp_path / "weights.pth", SHA256) is not None


def test_a_damaged_file_in_the_cache_is_replaced(site: Site, tmp_path: Path) -> None:
    target = tmp_path / "weights.pth"
    target.write_bytes(b"damaged")
    assert download(site.url, target, SHA256) == target
    assert target.read_bytes() == CONTENT


def test_errors_name_the_address(site: Site, tmp_path: Path) -> None:
    for url in (site.url + "x", "http://127.0.0.1:1/none"):
        with pytest.raises(DownloadError, match=re.escape(url)):
            download(url, tmp_path / "file", None)
    with pytest.raises(DownloadError, match="expected an address that starts with https"):
        download("file:///etc/hostname", tmp_path / "file", None)


def test_weights_of_the_catalogue_are_fetched_into_a_folder(site: Site, tmp_path: Path) -> None:
    weights = PublishedWeights("some", site.url, SHA256, "none")
    assert fetch(weights, tmp_path) == tmp_path / "weights.pth"


def test_the_catalogue_states_only_what_was_published() -> None:
    assert len({weights.file_name for weights in CATALOGUE}) == len(CATALOGUE)
    for weights in CATALOGUE:
        assert weights.url.startswith("https://")
        assert weights.checksum.prefix in weights.file_name
        assert weights.licence
        # A SHA-256 prefix has 8 digits in torchvision's names, an MD5 prefix 6 in detectron2's.
        digits = {"sha256": 8, "md5": 6}[weights.checksum.algorithm]
        assert re.fullmatch(rf"[0-9a-f]{{{digits}}}", weights.checksum.prefix)


def test_torchvisions_facts_are_those_of_its_own_metadata() -> None:
    from torchvision.models import (
        ResNet18_Weights,
        ResNet34_Weights,
        ResNet50_Weights,
        ResNet101_Weights,
    )
    from torchvision.models.detection import (
        MaskRCNN_ResNet50_FPN_V2_Weights,
        MaskRCNN_ResNet50_FPN_Weights,
    )

    enums = (
        ResNet18_Weights,
        ResNet34_Weights,
        ResNet50_Weights,
        ResNet101_Weights,
        MaskRCNN_ResNet50_FPN_V2_Weights,
        MaskRCNN_ResNet50_FPN_Weights,
    )
    published = {w.url: w.meta for enum in enums for w in enum}
    ours = [weights for weights in CATALOGUE if "pytorch.org" in weights.url]
    assert len(ours) == 6
    for weights in ours:
        meta = published[weights.url]
        assert weights.size_mib == meta["_file_size"]
        coco = meta["_metrics"].get("COCO-val2017", {"box_map": None, "mask_map": None})
        assert (weights.box_ap, weights.mask_ap) == (coco["box_map"], coco["mask_map"])


def test_the_cache_is_the_users() -> None:
    assert cache_folder().parts[-2:] == ("mrcnn-gui", "weights")
