"""Published stores go to the Hub and come back the same; the Hub here is a small server of the few routes needed."""

import base64
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench.errors import CorruptRecordError, StoreError
from bench.store import Store, publish
from bench.store.published import MANIFEST, RUNS
from bench.store.transfer import pull, push

REPOSITORY = "someone/runs"
TOKEN = "hf_secret"  # noqa: S105 - of the server below


@dataclass
class Hub:
    """What the server holds: commit -> path -> content; the last one is ``main``."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    exists: bool = False

    def commit(self, files: dict[str, bytes]) -> str:
        name = hashlib.sha1(str(len(self.commits)).encode(), usedforsecurity=False).hexdigest()
        self.commits[name] = {**(list(self.commits.values())[-1] if self.commits else {}), **files}
        return name

    def resolved(self, revision: str) -> str | None:
        return list(self.commits)[-1] if revision == "main" and self.commits else revision

    def handler(hub) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - a few routes
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self, status: int, content: bytes | dict | list, **headers: str) -> None:
                body = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    self.answer(401, {"error": "Invalid credentials"})
                elif self.path.endswith("/repos/create"):
                    hub.exists = True
                    self.answer(200, {"url": f"http://{self.headers['Host']}/datasets/{REPOSITORY}"})
                elif "/preupload/" in self.path:
                    names = [one["path"] for one in json.loads(body)["files"]]
                    modes = [{"path": name, "uploadMode": "regular", "shouldIgnore": False} for name in names]
                    self.answer(200, {"files": modes})
                elif "/commit/" in self.path:
                    lines = [json.loads(line) for line in body.splitlines()]
                    files = {
                        line["value"]["path"]: base64.b64decode(line["value"]["content"])
                        for line in lines
                        if line["key"] == "file"
                    }
                    name = hub.commit(files)
                    url = f"http://{self.headers['Host']}/datasets/{REPOSITORY}/commit/{name}"
                    self.answer(200, {"commitUrl": url, "commitOid": name, "success": True})
                else:
                    self.answer(200, {"errors": [], "warnings": []})

            def do_GET(self):
                api = re.fullmatch(r"/api/datasets/(\w+/\w+)/revision/([^/?]+).*", self.path)
                tree = re.fullmatch(r"/api/datasets/(\w+/\w+)/tree/([^/?]+).*", self.path)
                file = re.fullmatch(r"/datasets/(\w+/\w+)/resolve/([^/]+)/(.+)", self.path)
                name, revision = (api or tree or file).group(1, 2) if api or tree or file else ("", "")
                commit = hub.resolved(revision)
                if name != REPOSITORY:
                    self.answer(404, {"error": "no such repository"}, X_Error_Code="RepoNotFound")
                elif commit not in hub.commits:
                    self.answer(404, {"error": "no such revision"}, X_Error_Code="RevisionNotFound")
                elif api:
                    siblings = [{"rfilename": path} for path in hub.commits[commit]]
                    self.answer(200, {"id": name, "sha": commit, "siblings": siblings})
                elif tree:
                    held = hub.commits[commit].items()
                    self.answer(200, [{"type": "file", "path": p, "size": len(c), "oid": digest(c)} for p, c in held])
                else:
                    content = hub.commits[commit][file[3]]
                    self.answer(200, content, ETag=f'"{digest(content)}"', X_Repo_Commit=commit)

            do_HEAD = do_GET

        return Handler


def digest(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


@pytest.fixture
def hub(monkeypatch, tmp_path) -> Hub:
    from huggingface_hub import constants

    it = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), it.handler())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, endpoint)
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)  # both are read from HF_ENDPOINT when it is imported
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    yield it
    server.shutdown()
    server.server_close()


@pytest.fixture
def published(store, a_record, tmp_path) -> Store:
    for seed in range(3):
        store.write(a_record(seed, seconds=1 / 3))
    there = publish.target(tmp_path / "published", store)
    publish.write(there, publish.content_of(store, []), {"README.md": b"a card"})
    return Store(there.path)


def files_in(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_was_pushed_is_pulled_again(hub, published, tmp_path):
    (published.path / "index").mkdir()
    (published.path / "index" / "facts").write_bytes(b"of no interest to others")
    commit = push(published.path, REPOSITORY)
    assert hub.exists
    assert "index/facts" not in hub.commits[commit]
    got, manifest = pull(REPOSITORY, tmp_path / "pulled")
    assert (got, manifest.runs) == (commit, 3)
    assert files_in(tmp_path / "pulled") == hub.commits[commit]
    assert list(Store(tmp_path / "pulled").records()) == list(published.records())


def test_a_revision_is_a_commit_and_a_pulled_store_is_brought_up_to_date(hub, published, tmp_path):
    first = push(published.path, REPOSITORY)
    hub.commit({"somebody's.txt": b"beside it"})
    assert pull(REPOSITORY, tmp_path / "old", first)[0] == first
    latest, _ = pull(REPOSITORY, tmp_path / "old")
    assert latest == list(hub.commits)[-1]
    assert "somebody's.txt" not in files_in(tmp_path / "old")


def test_what_is_not_as_it_was_published_is_not_written(hub, published, tmp_path):
    commit = push(published.path, REPOSITORY)
    content = hub.commits[commit][RUNS]
    hub.commit({RUNS: content[:-1] + b"?"})
    with pytest.raises(CorruptRecordError, match=r"runs\.parquet is not what manifest\.json says"):
        pull(REPOSITORY, tmp_path / "pulled")
    assert not (tmp_path / "pulled").exists()


def test_what_changed_since_it_was_published_is_not_pushed(hub, published):
    (published.path / "README.md").write_text("another")
    with pytest.raises(StoreError, match=r"README\.md is not what .*; publish into a new folder"):
        push(published.path, REPOSITORY)
    assert not hub.commits


def test_a_folder_with_something_else_stays_what_it_is(hub, published, store, tmp_path):
    push(published.path, REPOSITORY)
    with pytest.raises(StoreError, match="runs of its own"):
        pull(REPOSITORY, store.path)
    with pytest.raises(StoreError, match="is no published store: it has no manifest"):
        push(store.path, REPOSITORY)
    assert not (store.path / MANIFEST).exists()


@pytest.mark.usefixtures("hub")
def test_what_the_hub_refuses_is_told_in_one_line(published, tmp_path, monkeypatch):
    for repository, revision in (("someone/else", "main"), (REPOSITORY, "0" * 40), ("not a name", "main")):
        with pytest.raises(StoreError, match="cannot pull") as told:
            pull(repository, tmp_path / "pulled", revision)
        assert "\n" not in str(told.value)
    monkeypatch.setenv("HF_TOKEN", "hf_another")
    with pytest.raises(StoreError, match=r"cannot push .* give a token by hf auth login"):
        push(published.path, REPOSITORY)
