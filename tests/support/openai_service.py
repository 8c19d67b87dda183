"""OpenAI's images as they come over HTTP, without our code."""

import base64
import io
import json
from typing import Any
from uuid import uuid4

from attrs import define, field
from PIL import Image

from support.neighbour import Neighbour, Reply, Request

API_KEY = "sk-proj-be-kind-rewind-1986"
MODELS = frozenset({"gpt-image-2.6-flare", "gpt-image-2.6-sunburst"})
PARAMETERS = frozenset(
    {"model", "prompt", "size", "n", "quality", "output_format", "moderation", "background"}
)
JSON = "application/json"


def picture(kind: str = "PNG", colour: tuple[int, ...] = (20, 200, 120, 255), size: int = 1024) -> bytes:
    """Make an image of one colour."""
    data = io.BytesIO()
    image = Image.new("RGBA", (size, size), colour)
    (image if kind != "JPEG" else image.convert("RGB")).save(data, kind)
    return data.getvalue()


@define
class OpenAIService(Neighbour):
    """A running OpenAI: it refuses what is forbidden, and knows its models."""

    image: bytes = field(factory=picture, repr=False)
    """What it paints."""
    answers_urls: bool = False
    """Whether it answers with the URL of an image, as the models of old did."""
    prompts: list[str] = field(factory=list)
    """What it has painted."""
    files: dict[str, bytes] = field(factory=dict, repr=False)

    def held(self) -> Any:
        return {"prompts": self.prompts}

    def handle(self, request: Request) -> Reply:
        if request.method == "GET" and request.path in self.files:
            return Reply(200, self.files[request.path], "image/png")
        model = request.path.removeprefix("/v1/models/") if request.method == "GET" else ""
        if (request.method, request.path) != ("POST", "/v1/images/generations") and not model:
            return _error(404, f"Invalid URL ({request.method} {request.path})", None)
        if request.token != API_KEY:
            shown = f"{request.token[:8]}***{request.token[-4:]}"
            return _error(401, f"Incorrect API key provided: {shown}.", "invalid_api_key")
        if model:
            return self._model(model)
        return self._generate(json.loads(request.body))

    def _model(self, name: str) -> Reply:
        if name not in MODELS:
            return _error(404, f"The model '{name}' does not exist", "model_not_found")
        said = {"id": name, "object": "model", "created": 1790000000, "owned_by": "system"}
        return Reply(200, json.dumps(said), JSON)

    def _generate(self, wanted: dict[str, Any]) -> Reply:
        for name in wanted.keys() - PARAMETERS:
            return _error(400, f"Unknown parameter: '{name}'.", "unknown_parameter")
        if wanted.get("model") not in MODELS:
            return _error(400, f"The model '{wanted.get('model')}' does not exist.", "model_not_found")
        if "forbidden" in wanted["prompt"]:
            text = "Your request was rejected by the safety system. safety_violations=[violence]."
            return _error(400, text, "moderation_blocked", "image_generation_user_error")
        self.prompts.append(wanted["prompt"])
        answer = {"created": 1795580928, "data": [self._paint()], "usage": {"total_tokens": 4160}}
        return Reply(200, json.dumps(answer), JSON)

    def _paint(self) -> dict[str, str]:
        if not self.answers_urls:
            return {"b64_json": base64.b64encode(self.image).decode()}
        path = f"/files/{uuid4()}.png"
        self.files[path] = self.image
        return {"url": self.url + path}


def _error(status: int, text: str, code: str | None, kind: str = "invalid_request_error") -> Reply:
    error = {"message": text, "type": kind, "param": None, "code": code}
    return Reply(status, json.dumps({"error": error}), JSON)
