"""A GitHub of our own on the loopback: the API's answers, played in any order, and repositories to clone.

    server = FakeGithub(); server.add_repository("owner/name", stars=5, folder=bare_repository)
    server.play("/repos/owner/name", answer(403, {"retry-after": "1"}), ...)   # before the true answer, in this order

Every request is remembered in `server.requests` as (path with query, headers).
"""
import datetime
import http.server
import json
import os
import re
import subprocess
import threading
import time
import urllib.parse

BACKEND = "/usr/lib/git-core/git-http-backend"
PAGE = 100
SHOWN = 1000


def answer(status, headers=None, body=b""):
    return status, headers or {}, body if isinstance(body, bytes) else json.dumps(body).encode()


def seconds_of(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class FakeGithub:
    def __init__(self):
        self.repositories, self.played, self.requests, self.git_requests = {}, {}, [], []
        self.tokens = None  # a set: others are refused
        self.limit, self.used, self.reset_s, self.window_s = None, 0, 0, 2
        self.git_answers = {}
        self.lock = threading.Lock()
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                fake.serve(self)

            def do_POST(self):
                fake.serve(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def add_repository(self, name, *, folder=None, **facts):
        at = len(self.repositories) + 1
        self.repositories[name] = {"id": facts.pop("id", at), "full_name": name, "fork": False, "archived": False, "size": 10, "stargazers_count": 0,
                                   "license": {"spdx_id": "MIT"}, "created_at": "2020-01-01T00:00:00Z", "folder": folder, **facts}

    def play(self, path, *answers):
        """Answers to the next requests for `path` (without its query)."""
        self.played.setdefault(path, []).extend(answers)

    def paths(self):
        return [path for path, _ in self.requests]

    # What follows runs on the server's threads.

    def serve(self, handler):
        url = urllib.parse.urlsplit(handler.path)
        if re.search(r"/(info/refs|git-upload-pack)$", url.path):
            return self.serve_git(handler, url)
        with self.lock:
            self.requests.append((handler.path, dict(handler.headers)))
            status, headers, body = self.decide(handler, url)
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    def decide(self, handler, url):
        queue = self.played.get(url.path)
        if queue:
            return queue.pop(0)
        if self.tokens is not None and handler.headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            return answer(401, {}, {"message": "Bad credentials"})
        limits = {}
        if self.limit is not None:
            if time.time() >= self.reset_s:
                self.used, self.reset_s = 0, int(time.time()) + self.window_s
            if self.used >= self.limit:
                return answer(403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(self.reset_s)}, {"message": "API rate limit exceeded"})
            self.used += 1
            limits = {"x-ratelimit-remaining": str(self.limit - self.used), "x-ratelimit-reset": str(self.reset_s)}
        status, headers, body = self.search(url) if url.path == "/search/repositories" else self.repository(url)
        tag = '"%x"' % (hash(body) & 0xFFFFFFFF)
        if status == 200 and handler.headers.get("If-None-Match") == tag:
            self.used -= 1  # as the true one: free
            return answer(304, limits)
        return status, {**limits, **headers, "ETag": tag}, body

    def repository(self, url):
        found = self.repositories.get(url.path.removeprefix("/repos/"))
        if not found:
            return answer(404, {}, {"message": "Not Found"})
        return answer(200, {}, {k: v for k, v in found.items() if k != "folder"})

    def search(self, url):
        query = dict(urllib.parse.parse_qsl(url.query))
        created = re.search(r"created:(\S+?)\.\.(\S+)", query["q"])
        stars = re.search(r"stars:>=(\d+)", query["q"])
        lowest = int(stars[1]) if stars else 0
        items = [{k: v for k, v in r.items() if k not in ("folder", "source", "parent")} for r in self.repositories.values()
                 if r["stargazers_count"] >= lowest and (not created or seconds_of(created[1]) <= seconds_of(r["created_at"]) <= seconds_of(created[2]))]
        page, size = int(query.get("page", 1)), int(query["per_page"])
        if (page - 1) * size >= SHOWN:
            return answer(422, {}, {"message": "Only the first 1000 search results are available"})
        headers = {}
        if page * size < min(len(items), SHOWN):
            following = urllib.parse.urlencode({**query, "page": page + 1})
            headers["Link"] = f'<{self.address}/search/repositories?{following}>; rel="next", <{self.address}/search/repositories?x=1>; rel="last"'
        return answer(200, headers, {"total_count": len(items), "incomplete_results": False, "items": items[(page - 1) * size:page * size]})

    def serve_git(self, handler, url):
        """`git http-backend` as a CGI program."""
        name = re.sub(r"^/|(\.git)?/(info/refs|git-upload-pack)$", "", url.path)
        with self.lock:
            self.git_requests.append((handler.path, dict(handler.headers)))
            found, played = self.repositories.get(name), self.git_answers.get(name)
        if played or not found or not found["folder"]:
            status, headers, body = played or answer(404)
        else:
            length = int(handler.headers.get("Content-Length") or 0)
            environment = {"PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(found["folder"]), "GIT_HTTP_EXPORT_ALL": "1", "GIT_CONFIG_NOSYSTEM": "1",
                           "PATH_INFO": "/" + url.path.rsplit("/", 2)[1] + "/refs" if url.path.endswith("info/refs") else "/git-upload-pack",
                           "QUERY_STRING": url.query, "REQUEST_METHOD": handler.command, "CONTENT_TYPE": handler.headers.get("Content-Type", ""),
                           "CONTENT_LENGTH": str(length), "HTTP_CONTENT_ENCODING": handler.headers.get("Content-Encoding", ""),
                           "GIT_PROTOCOL": handler.headers.get("Git-Protocol", ""), "HOME": str(found["folder"])}
            if handler.headers.get("Transfer-Encoding") == "chunked":
                raw = b""
                while size := int(handler.rfile.readline(), 16):
                    raw += handler.rfile.read(size)
                    handler.rfile.readline()
                handler.rfile.readline()
                environment["CONTENT_LENGTH"] = str(len(raw))
            else:
                raw = handler.rfile.read(length)
            done = subprocess.run([BACKEND], input=raw, env=environment, capture_output=True)
            head, _, body = done.stdout.partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
            status = int(headers.pop("Status", "200").split()[0])
        handler.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(key, value)
        handler.end_headers()
        handler.wfile.write(body)
