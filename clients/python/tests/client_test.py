"""client_test.py SIGHTLINE SCENE_FILES MEDIA_FILES: the Python client against a real server process."""
import json
import os
import subprocess
import sys
import tempfile
import time
import unittest

import grpc

from sightline_client import Client, SightlineError, image, video
from sightline.v1 import generation_pb2

PROGRAM, SCENES, MEDIA = sys.argv[1:4]


def scene(name):
    return os.path.join(SCENES, name)


class ClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.address = f"unix:{cls.folder.name}/sock"
        cls.server = subprocess.Popen([PROGRAM, "serve", "--listen", cls.address, "--log-level", "error", "--max-message-mib", "4"])
        cls.client = Client(cls.address)
        for _ in range(100):
            try:
                cls.client.models()
                break
            except SightlineError:
                time.sleep(0.1)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.server.terminate()
        assert cls.server.wait(60) == 0
        cls.folder.cleanup()

    def test_answers(self):
        right = asked = 0
        with open(scene("questions.json")) as file:
            questions = json.load(file)
        for q in questions:
            if q["family"] not in ("exist", "count", "attribute", "verify", "relation", "compare"):
                continue
            right += self.client.answer(image(scene(q["file"])), q["question"]).text == q["answer"]
            asked += 1
        self.assertGreaterEqual(asked, 5)
        self.assertGreaterEqual(right, asked * 0.8)

    def test_stream_equals_answer(self):
        *pieces, summary = self.client.stream(image(scene("scene-0.png")), "Describe the image.")
        self.assertGreater(len(pieces), 3)
        self.assertEqual("".join(pieces), self.client.answer(image(scene("scene-0.png")), "Describe the image.").text)
        self.assertEqual(summary.finish_reason, generation_pb2.FINISH_REASON_STOP)

    def test_closing_a_stream_cancels(self):
        stream = self.client.stream(image(scene("scene-0.png")), "Describe the image.", temperature=2.0, max_output_tokens=3000, seed=1)
        next(stream)
        stream.close()
        self.assertTrue(self.client.answer(image(scene("scene-0.png")), "How many objects are there?").text)

    def test_clip_and_options(self):
        reply = self.client.answer(video(scene("clip-0.mp4"), max_frames=4, start_s=0.5), "What happens?", max_output_tokens=5)
        self.assertLessEqual(reply.summary.usage.output_tokens, 5)
        self.assertEqual(len(reply.summary.media[0].frame_offsets), 4)

    def test_captions(self):
        captions = self.client.caption(image(scene("scene-0.png")), video(scene("clip-0.mp4")))
        self.assertEqual(len(captions), 2)
        self.assertTrue(all(c.text for c in captions))

    def test_errors_tell(self):
        with self.assertRaises(SightlineError) as caught:
            self.client.answer(image(b"not a picture"), "what?")
        self.assertEqual(caught.exception.code, grpc.StatusCode.INVALID_ARGUMENT)
        self.assertEqual(caught.exception.field, "content[0].image.data")
        self.assertEqual(caught.exception.reason, "IMAGE_UNSUPPORTED_FORMAT")

    def test_a_request_that_is_too_large_names_the_setting(self):
        with self.assertRaises(SightlineError) as caught:
            self.client.answer(image(bytes(5 << 20)), "what?")
        self.assertEqual(caught.exception.code, grpc.StatusCode.RESOURCE_EXHAUSTED)
        self.assertIn("larger than the server's max_message_mib", str(caught.exception))

    def test_a_damaged_clip_warns(self):
        with open(os.path.join(MEDIA, "cut_mp4.mp4"), "rb") as file:
            reply = self.client.answer(video(file.read()), "What happens?", max_output_tokens=2)
        self.assertIn(generation_pb2.WARNING_CODE_MEDIA_DAMAGED, [w.code for w in reply.summary.warnings])

    def test_reflection_lists_the_service(self):
        # The generated grpc.reflection lies beside the stubs, outside the installed package of that name.
        grpc.__path__.extend(os.path.join(p, "grpc") for p in sys.path if os.path.isdir(os.path.join(p, "grpc", "reflection")))
        from grpc.reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
        with grpc.insecure_channel(self.address) as channel:
            stub = reflection_pb2_grpc.ServerReflectionStub(channel)
            reply = next(stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")])))
            names = [s.name for s in reply.list_services_response.service]
            self.assertIn("sightline.v1.VisionLanguageService", names)
            self.assertIn("grpc.health.v1.Health", names)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
