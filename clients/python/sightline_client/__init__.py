"""A thin client of Sightline's gRPC API. Needs python3-grpcio and the generated stubs on the path (see README.md).

    from sightline_client import Client, image, video
    with Client("127.0.0.1:50051") as client:
        print(client.answer(image("scene.png"), "How many stars are there?").text)
"""
import grpc

from . import _paths  # noqa: F401  (must come before google.rpc)
from google.rpc import error_details_pb2, status_pb2

from sightline.v1 import content_pb2, generation_pb2, vision_language_service_pb2, vision_language_service_pb2_grpc

__all__ = ["Client", "SightlineError", "image", "video"]

_MIB = 1 << 20


class SightlineError(Exception):
    """A refused or failed call. `code` is the gRPC code; `reason`, `field` and `retry_s` say more where the server did."""

    def __init__(self, error):
        self.code = error.code()
        self.reason = self.field = self.retry_s = None
        for key, value in error.trailing_metadata() or ():
            if key == "grpc-status-details-bin":
                self._read_details(value)
        said = error.details()
        # gRPC itself refuses such a request, in words that tell of no setting.
        if self.code == grpc.StatusCode.RESOURCE_EXHAUSTED and self.reason is None and "larger than max" in (said or ""):
            said = f"the request is larger than the server's max_message_mib; gRPC says: {said}"
        super().__init__(f"{self.code.name}: {said}")

    def _read_details(self, raw):
        status = status_pb2.Status.FromString(raw)
        for detail in status.details:
            info, bad, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
            if detail.Unpack(info):
                self.reason = info.reason
            elif detail.Unpack(bad) and bad.field_violations:
                self.field = bad.field_violations[0].field
            elif detail.Unpack(retry):
                self.retry_s = retry.retry_delay.seconds + retry.retry_delay.nanos * 1e-9


def image(source):
    """An image of a prompt: a path, or the bytes of a JPEG, PNG, WebP or GIF file."""
    return content_pb2.Content(image=content_pb2.Image(data=_read(source)))


def video(source, frames_per_second=None, max_frames=None, start_s=None, end_s=None):
    """A clip of a prompt: a path, or the bytes of an MP4, MOV, Matroska, WebM or MPEG-TS file."""
    sampling = content_pb2.VideoSampling(frames_per_second=frames_per_second, max_frames=max_frames)
    if start_s is not None:
        sampling.start_offset.FromNanoseconds(int(start_s * 1e9))
    if end_s is not None:
        sampling.end_offset.FromNanoseconds(int(end_s * 1e9))
    return content_pb2.Content(video=content_pb2.Video(data=_read(source), sampling=sampling))


def _read(source):
    if isinstance(source, (bytes, bytearray)):
        return bytes(source)
    with open(source, "rb") as file:
        return file.read()


def _content(parts):
    return [content_pb2.Content(text=p) if isinstance(p, str) else p for p in parts]


class Client:
    """One connection. Thread-safe. Options are the fields of GenerationOptions, such as max_output_tokens=20."""

    def __init__(self, address="127.0.0.1:50051", timeout_s=300.0):
        self._channel = grpc.insecure_channel(address, options=[("grpc.max_receive_message_length", -1)])
        self._stub = vision_language_service_pb2_grpc.VisionLanguageServiceStub(self._channel)
        self._timeout_s = timeout_s

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._channel.close()

    def answer(self, *parts, request_id="", timeout_s=None, **options):
        """Text and media in any order -> AnswerResponse."""
        request = vision_language_service_pb2.AnswerRequest(
            content=_content(parts), request_id=request_id, generation_options=generation_pb2.GenerationOptions(**options))
        return self._call(self._stub.Answer, request, timeout_s)

    def stream(self, *parts, request_id="", timeout_s=None, **options):
        """Yields pieces of text, then the AnswerSummary. Closing the generator cancels the request."""
        request = vision_language_service_pb2.StreamAnswerRequest(
            content=_content(parts), request_id=request_id, generation_options=generation_pb2.GenerationOptions(**options))
        call = self._stub.StreamAnswer(request, timeout=timeout_s or self._timeout_s)
        try:
            for event in call:
                kind = event.WhichOneof("event")
                if kind == "delta":
                    yield event.delta.text
                elif kind == "summary":
                    yield event.summary
        except grpc.RpcError as error:
            raise SightlineError(error) from error
        finally:
            call.cancel()

    def caption(self, *media, timeout_s=None, **options):
        """One Caption for each image or clip."""
        request = vision_language_service_pb2.CaptionRequest(
            content=_content(media), generation_options=generation_pb2.GenerationOptions(**options))
        return list(self._call(self._stub.Caption, request, timeout_s).captions)

    def models(self):
        return list(self._call(self._stub.ListModels, vision_language_service_pb2.ListModelsRequest(), None).models)

    def _call(self, method, request, timeout_s):
        try:
            return method(request, timeout=timeout_s or self._timeout_s)
        except grpc.RpcError as error:
            raise SightlineError(error) from error
