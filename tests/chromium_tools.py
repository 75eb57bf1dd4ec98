"""A headless Chromium driven over a pipe by its DevTools protocol, so that no driver has to be installed."""

import base64
import fcntl
import itertools
import json
import os
import select
import shutil
import subprocess

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
)


class Browser:
    """One page in one browser; a context manager. ``events`` keeps what the page logged, threw and requested."""

    def __init__(self, profile):
        self.profile, self.events, self._numbers, self._left = profile, [], itertools.count(1), b""

    def __enter__(self):
        pipes = [os.pipe(), os.pipe()]
        theirs = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (pipes[0][0], pipes[1][1])]

        plumbed = ("bash", "-c", f'exec "$@" 3<&{theirs[0]} 4>&{theirs[1]}', "bash")
        command = [CHROMIUM, *QUIET, f"--user-data-dir={self.profile}", "--remote-debugging-pipe", "about:blank"]
        self._process = subprocess.Popen(
            [*plumbed, *command], pass_fds=theirs, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for fd in (pipes[0][0], pipes[1][1], *theirs):
            os.close(fd)
        self._out, self._in = pipes[0][1], pipes[1][0]
        self._session = None
        target = self("Target.createTarget", url="about:blank")["targetId"]
        self._session = self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self(f"{domain}.enable")
        return self

    def __exit__(self, *error):
        self._process.kill()
        self._process.wait()
        os.close(self._out)
        os.close(self._in)

    def __call__(self, method, **params):
        """Call a method of the protocol and return its result."""
        number = next(self._numbers)
        session = {"sessionId": self._session} if self._session else {}
        os.write(self._out, json.dumps({"id": number, "method": method, "params": params, **session}).encode() + b"\0")
        while True:
            message = self._message()
            if message.get("id") == number:
                assert "error" not in message, message["error"]
                return message["result"]
            self.events.append(message)

    def _message(self):
        while b"\0" not in self._left:
            assert select.select([self._in], [], [], 240)[0], "the browser is silent"
            piece = os.read(self._in, 1 << 20)
            assert piece, "the browser has ended"
            self._left += piece
        line, self._left = self._left.split(b"\0", 1)
        return json.loads(line)

    def open(self, path):
        """Open a file and wait until it is loaded."""
        self.events.clear()
        self("Page.navigate", url=path.as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self._message())

    def js(self, expression):
        """Return the value of an expression in the page."""
        done = self("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def until(self, expression):
        """Wait until an expression holds in the page; a page that never gets there is told by the browser's silence."""
        waiting = (
            f"new Promise(done => {{ const look = () => ({expression}) ? done(true) : setTimeout(look, 20); look(); }})"
        )
        done = self("Runtime.evaluate", expression=waiting, awaitPromise=True, returnByValue=True)
        assert done["result"].get("value") is True, done

    def press(self, key):
        """Press and release a key."""
        text = {"text": "\r"} if key == "Enter" else {}
        self("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode=_CODES[key], **text)
        self("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=_CODES[key])

    def screenshot(self, path, width, height, *, dark=False):
        """Write what is seen at a size of the window, in CSS pixels."""
        self("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self("Emulation.setEmulatedMedia", features=[scheme])
        path.write_bytes(base64.b64decode(self("Page.captureScreenshot")["data"]))


_CODES = {"Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Tab": 9}
