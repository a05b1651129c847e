"""Downloads: whole and checked under their final name, or one sentence and nothing there."""

import hashlib
import http.server
import logging
import threading
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest
from huggingface_hub.errors import HFValidationError, HTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

from dual_process.language import fetching
from dual_process.language.fetching import fetch_checkpoint, fetch_file
from dual_process.language_runs import HubPlan

CONTENT = bytes(range(256)) * 20_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PLAN = HubPlan(repository="google/multiberts-seed_0-step_20k", revision="main")


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with the content, breaks off in its midst, or finds nothing."""

    def do_GET(self):
        if self.path == "/missing":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:1000] if self.path == "/broken" else CONTENT)

    def log_message(self, *arguments):
        """Keep quiet."""


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    """The server is on this machine, whatever proxy the machine has."""
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture(scope="module")
def server():
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def refused(call, *arguments):
    """The one sentence of an error."""
    with pytest.raises(ValueError) as raised:
        call(*arguments)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_file_arrives_with_its_content(server, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(fetching, "PROGRESS", 0.0)
    caplog.set_level(logging.INFO)
    fetch_file(f"{server}/some.conllu", SHA256.upper(), tmp_path / "data" / "some.conllu")
    assert (tmp_path / "data" / "some.conllu").read_bytes() == CONTENT
    assert files(tmp_path / "data") == ["some.conllu"]
    assert f"{len(CONTENT)} of {len(CONTENT)} bytes" in caplog.text


def test_any_url_of_the_standard_library_will_do(tmp_path):
    (tmp_path / "source").write_bytes(CONTENT)
    fetch_file((tmp_path / "source").as_uri(), SHA256, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("path", "sha256", "words"),
    [
        ("/some", "0" * 64, ["sha256", SHA256, "0" * 64, "language.corpora"]),
        ("/broken", SHA256, [hashlib.sha256(CONTENT[:1000]).hexdigest(), SHA256]),
        ("/missing", SHA256, ["404 Not Found", "check the url", "by path"]),
    ],
)
def test_a_wrong_answer_is_one_sentence_and_leaves_the_old_file(server, tmp_path, path, sha256, words):
    output = tmp_path / "some"
    output.write_text("old")
    message = refused(fetch_file, f"{server}{path}", sha256, output)
    assert all(word in message for word in [f"{server}{path}", *words])
    assert files(tmp_path) == ["some"]
    assert output.read_text() == "old"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/some", "file:///no/such/file"])
def test_no_network_is_one_sentence(tmp_path, url):
    message = refused(fetch_file, url, SHA256, tmp_path / "some")
    assert message.startswith(f"{url} cannot be read (")
    assert "check the network, or download the file by hand and name it by path" in message
    assert files(tmp_path) == []


def test_a_full_disk_is_not_taken_for_the_network(server, tmp_path, monkeypatch):
    def full(self, *arguments, **settings):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(OSError, match="No space left"):
        fetch_file(f"{server}/some", SHA256, tmp_path / "some")


CHECKPOINT = {"config.json": "{}", "model.safetensors": "weights", "vocab.txt": "a"}


@pytest.fixture
def hub(monkeypatch):
    """A hub whose repository, and whose cache on this machine, hold some files; or that fails."""

    class Hub:
        online, cached, failure = CHECKPOINT, None, None

        def snapshot_download(self, repository, **settings):
            self.settings = settings
            folder = settings["local_dir"]
            if settings["local_files_only"]:
                if self.cached is None:
                    raise LocalEntryNotFoundError("not in the cache")
                return str(self.cached)
            folder.mkdir()
            (folder / "part").write_text("")
            if self.failure:
                raise self.failure
            (folder / "part").unlink()
            for name, content in {**self.online, ".cache/huggingface/notes": ""}.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_text(content)
            assert repository == PLAN.repository
            assert settings["revision"] == PLAN.revision
            return str(folder)

    hub = Hub()
    monkeypatch.setattr(huggingface_hub, "snapshot_download", hub.snapshot_download)
    return hub


def missing_repository():
    response = SimpleNamespace(headers={}, request=None)
    return RepositoryNotFoundError("Repository Not Found for url: x.\nPlease log in.", response=response)


FAILURES = {
    "no network": HTTPError("no route to host"),
    "offline": LocalEntryNotFoundError("outgoing traffic has been disabled.\nTo enable it, do this."),
    "repository": missing_repository(),
    "name": HFValidationError("not a name"),
}


def test_a_checkpoint_arrives_whole_and_without_notes_of_the_hub(hub, tmp_path):
    fetch_checkpoint(PLAN, tmp_path / "step")
    assert files(tmp_path) == ["step", *(f"step/{name}" for name in CHECKPOINT)]
    assert (tmp_path / "step" / "model.safetensors").read_text() == "weights"


def test_neither_pickles_nor_code_nor_other_formats_are_taken(hub, tmp_path):
    """The patterns of the request, put to the hub's own filter."""
    fetch_checkpoint(PLAN, tmp_path / "step")
    patterns = {key: hub.settings[key] for key in ("allow_patterns", "ignore_patterns")}
    names = [*CHECKPOINT, "merges.txt", "model-00001-of-00002.safetensors", "model.safetensors.index.json"]
    others = [
        "pytorch_model.bin",
        "modeling.py",
        "tf_model.h5",
        "onnx/config.json",
        "a/b/model.safetensors",
        "README.md",
    ]
    assert list(huggingface_hub.utils.filter_repo_objects([*names, *others], **patterns)) == names


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_without_the_hub_one_sentence_says_what_to_put_where(hub, tmp_path, failure, monkeypatch):
    hub.failure = failure
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    message = refused(fetch_checkpoint, PLAN, tmp_path / "step")
    reason = str(failure).partition("\n")[0].rstrip(".")
    assert f"{PLAN.repository} at the revision main cannot be fetched" in message
    assert f"({reason})" in message
    assert "put a folder with config.json, model.safetensors" in message
    assert "kind: local" in message
    assert files(tmp_path) == []


def test_the_switch_of_the_hub_is_named(hub, tmp_path, monkeypatch):
    hub.failure = FAILURES["offline"]
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert "(HF_HUB_OFFLINE is set)" in refused(fetch_checkpoint, PLAN, tmp_path / "step")


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_without_the_hub_its_cache_will_do(hub, tmp_path, failure):
    hub.failure, hub.cached = failure, tmp_path / "cache"
    hub.cached.mkdir()
    (tmp_path / "blob").write_text("weights")
    for name in (*CHECKPOINT, "pytorch_model.bin"):
        (hub.cached / name).symlink_to(tmp_path / "blob")  # as the cache keeps them
    fetch_checkpoint(PLAN, tmp_path / "out" / "step")
    assert files(tmp_path / "out") == ["step", *(f"step/{name}" for name in CHECKPOINT)]
    assert not any(path.is_symlink() for path in (tmp_path / "out").rglob("*"))


def test_the_library_itself_finds_a_checkpoint_in_its_cache(tmp_path, monkeypatch):
    """Nothing stands in for the hub's library here; the cache is laid out as its documentation says."""
    commit = "0123456789abcdef" * 2 + "01234567"
    repository = tmp_path / "cache" / f"models--{PLAN.repository.replace('/', '--')}"
    snapshot = repository / "snapshots" / commit
    for folder in (snapshot, repository / "refs", repository / "blobs"):
        folder.mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    for name in (*CHECKPOINT, "pytorch_model.bin"):
        (repository / "blobs" / name).write_text(name)
        (snapshot / name).symlink_to(repository / "blobs" / name)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    fetch_checkpoint(PLAN, tmp_path / "out" / "step")
    assert files(tmp_path / "out") == ["step", *(f"step/{name}" for name in CHECKPOINT)]
    assert "HF_HUB_OFFLINE is set" in refused(
        fetch_checkpoint, PLAN.model_copy(update={"revision": "other"}), tmp_path / "out" / "none"
    )
    assert files(tmp_path / "out") == ["step", *(f"step/{name}" for name in CHECKPOINT)]


def test_a_repository_without_safetensors_is_refused(hub, tmp_path):
    hub.online = {"config.json": "{}", "vocab.txt": "a"}
    message = refused(fetch_checkpoint, PLAN, tmp_path / "step")
    assert "has no safetensors at the revision main" in message
    assert "refs/pr/N" in message
    assert "kind: local" in message
    assert files(tmp_path) == []


def test_other_errors_are_not_hidden(hub, tmp_path):
    hub.failure = RuntimeError("a fault of ours")
    with pytest.raises(RuntimeError, match="a fault of ours"):
        fetch_checkpoint(PLAN, tmp_path / "step")
    assert files(tmp_path) == []
