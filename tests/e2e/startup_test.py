"""Server processes while they start: signals, roles that come late, roles that come back.

startup_test.py SIGHTLINE SCENE_FILES
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM, SCENES = sys.argv[1:3]
MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../models/scenes")
# Well below the 60 s that a gateway waits for its roles, and the 5 s after which gRPC looks at sockets unasked.
PROMPT_S = 2.5


class Process:
    def __init__(self, folder, role, *more):
        self.log_path = os.path.join(folder, role + ".log")
        address = "unix:" + os.path.join(folder, role)
        with open(self.log_path, "w") as log:
            self.process = subprocess.Popen([PROGRAM, "serve", "--role", role, "--listen", address, *more], stderr=log)

    def log(self):
        with open(self.log_path) as f:
            return [json.loads(line) for line in f if line.endswith("\n")]

    def wait_for(self, msg, seconds=60):
        """Seconds until the log has the message."""
        began = time.monotonic()
        while not any(line["msg"].startswith(msg) for line in self.log()):
            assert self.process.poll() is None, f"ended: {self.log()}"
            assert time.monotonic() - began < seconds, f"no \"{msg}\" in {self.log()}"
            time.sleep(0.02)
        return time.monotonic() - began

    def stop(self, sig=signal.SIGTERM, seconds=40):
        """Exit status after the signal."""
        self.process.send_signal(sig)
        try:
            return self.process.wait(seconds)
        finally:
            self.process.kill()


class StartupTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.roles = ["--vision", f"unix:{self.folder}/vision", "--language", f"unix:{self.folder}/language"]

    def start(self, role, *more):
        p = Process(self.folder, role, *(more or ("--model", MODEL)))
        self.addCleanup(lambda: (p.process.kill(), p.process.wait()))
        return p

    def expect_stopped_while_starting(self, p, sig):
        began = time.monotonic()
        self.assertEqual(p.stop(sig, 10), 0)
        self.assertLess(time.monotonic() - began, PROMPT_S)
        self.assertIn("stopped before it served", p.log()[-1]["msg"])

    def test_a_signal_ends_the_wait_for_roles(self):
        for sig in (signal.SIGTERM, signal.SIGINT):
            p = self.start("gateway", *self.roles)
            p.wait_for("waiting for a role")
            self.expect_stopped_while_starting(p, sig)

    def test_a_signal_ends_a_load(self):
        # A model of which the config never arrives loads for as long as one likes.
        os.mkfifo(os.path.join(self.folder, "config.json"))
        for sig in (signal.SIGTERM, signal.SIGINT):
            p = self.start("all", "--model", self.folder)
            time.sleep(0.5)
            self.assertIsNone(p.process.poll())
            self.expect_stopped_while_starting(p, sig)

    def test_a_signal_after_the_start_drains(self):
        p = self.start("all")
        p.wait_for("serving")
        self.assertEqual(p.stop(), 0)
        self.assertEqual(p.log()[-1]["msg"], "stopped")

    def test_late_roles_are_noticed(self):
        gateway = self.start("gateway", *self.roles)
        gateway.wait_for("waiting for a role")
        time.sleep(0.3)
        for role in (self.start("vision"), self.start("language")):
            role.wait_for("serving")
        self.assertLess(gateway.wait_for("serving"), PROMPT_S)

    def ask(self):
        return subprocess.run([PROGRAM, "ask", "--server", f"unix:{self.folder}/gateway", f"{SCENES}/scene-0.png",
                               "How many objects are there?"], capture_output=True, text=True)

    def test_a_role_that_is_back_is_noticed(self):
        vision = self.start("vision")
        self.start("language")
        gateway = self.start("gateway", *self.roles)
        gateway.wait_for("serving")
        answer = self.ask()
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertEqual(vision.stop(), 0)
        self.assertIn("ROLE_UNAVAILABLE", self.ask().stderr)
        self.start("vision").wait_for("serving")
        began = time.monotonic()
        while self.ask().returncode != 0:
            self.assertLess(time.monotonic() - began, PROMPT_S)
            time.sleep(0.1)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
