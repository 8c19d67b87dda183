"""OpenAI paints: one image for a prompt, whatever form the answer has.

Painting again costs money but does no harm, so whoever asked may try again where the provider has failed; not
where it has refused, be it the content or us. The client itself repeats nothing.
"""

import asyncio
import base64
import io
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import urlsplit

import openai
from PIL import Image

from showtime_adapters.http_client import (
    SILENT,
    NeighbourClient,
    RequestObserver,
    Telemetry,
    measured,
    reason_in,
)
from showtime_core.errors import ContentRefused, Refused, Unavailable
from showtime_core.texts import name_error, quote

PAINT_SECONDS = 120.0
"""How long an image may take as a whole; the client itself would wait for ten minutes, three times."""
MAX_IMAGE_BYTES = 32 * 1024 * 1024
MAX_ANSWER_BYTES = MAX_IMAGE_BYTES * 4 // 3 + 64 * 1024
"""An image in base64, and what is said of it."""
_MAX_PIXELS = 4096 * 4096
_AT_ONCE = 4
"""How many images are painted at the same time, which bounds the connections."""
_JPEG_QUALITY = 80
_SIZE = "1024x1024"
_REFUSALS = frozenset(
    {"contentpolicyviolation", "moderationblocked", "contentfilter", "responsibleaipolicyviolation"}
)
"""Codes that refuse the content, of OpenAI and of Azure: letters and digits alone, in lower case."""
_USER_ERROR = "image_generation_user_error"
"""The type of OpenAI's refusals of content: without a code that says otherwise it is one."""
_PASSING = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)
"""Refusals that may be over a moment later."""
_NO_MONEY = "insufficient_quota"
"""The code of a 429 that nothing but a payment ends."""
_REMEDIES: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: ": check OPENAI_API_KEY",
    HTTPStatus.NOT_FOUND: ": check OPENAI_IMAGE_MODEL and OPENAI_BASE_URL",
}
_IMAGE_HOSTS = frozenset({"oaidalleapiprodscus.blob.core.windows.net", "files.oaiusercontent.com"})
"""Where OpenAI keeps the images that it answers the URL of."""


class _InstrumentedClient(openai.DefaultAsyncHttpxClient):
    """Sends what OpenAI's library wants to have sent, and tells how each request ended."""

    def __init__(self, observe: RequestObserver, timeout: openai.Timeout) -> None:
        super().__init__(timeout=timeout, follow_redirects=False)
        self._observe = observe

    async def send(self, request: Any, **options: Any) -> Any:  # noqa: ANN401 - as the library has it
        answer = super().send(request, **{**options, "stream": True})
        return await measured(answer, self._observe, MAX_ANSWER_BYTES)


class OpenAIPainter:
    """Has OpenAI paint, for as long as its context is open."""

    def __init__(
        self,
        api_key: str,
        model: str,
        base_url: str | None = None,
        telemetry: Telemetry = SILENT,
        seconds: float = PAINT_SECONDS,
    ) -> None:
        """Use this model; another base URL is for a server that speaks as OpenAI does."""
        self._model = model
        self._seconds = seconds
        sender = _InstrumentedClient(telemetry.observe, openai.Timeout(seconds, connect=5.0))
        self._client = openai.AsyncOpenAI(
            api_key=api_key, base_url=base_url, max_retries=0, http_client=sender
        )
        told = Telemetry(observe=telemetry.observe)  # what our requests are named is nothing to the storage
        self._files = NeighbourClient("its storage", "", told, None, seconds, MAX_ANSWER_BYTES)
        self._origin = _origin(base_url) if base_url else None
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def __aenter__(self) -> Self:
        """Open the connections, each when it is needed."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self._client.close()
        await self._files.__aexit__(*_)

    async def paint(self, prompt: str) -> bytes:
        """Paint one image of 1024 x 1024; returns a JPEG.

        Raises ContentRefused with the painter's words, Refused where trying again is of no use, or
        Unavailable.
        """
        async with self._turns:
            try:
                async with asyncio.timeout(self._seconds):
                    return await asyncio.to_thread(_to_jpeg, await self._image(prompt))
            except TimeoutError:
                raise Unavailable(f"no image came within {self._seconds:.0f} seconds") from None

    async def look_up(self) -> str:
        """Tell the name of the model if our key may use it, painting nothing; raises Refused, Unavailable."""
        try:
            await self._client.models.retrieve(self._model)
        except openai.APIStatusError as failure:  # its text may have the key in it
            raise _status_failure(failure, self._client.api_key) from None
        except openai.OpenAIError as failure:
            raise Unavailable(f"the painter gives no answer ({name_error(failure)})") from None
        except ValueError:
            raise Unavailable("the painter's answer cannot be read") from None
        return self._model

    async def _image(self, prompt: str) -> bytes:
        """Get an image, of whatever format."""
        # No `response_format`: GPT image models refuse it, and always answer base64.
        try:
            answer = await self._client.images.generate(model=self._model, prompt=prompt, size=_SIZE, n=1)
        except openai.APIStatusError as failure:  # its text may have the key in it
            raise _status_failure(failure, self._client.api_key) from None
        except openai.OpenAIError as failure:
            raise Unavailable(f"the painter gives no answer ({name_error(failure)})") from None
        except ValueError:  # an answer in JSON that is none
            raise _illegible() from None
        match getattr(answer, "data", None):  # the library reads anything, and checks nothing
            case [object(b64_json=str(text)), *_] if text:
                return await asyncio.to_thread(_decode, text)
            case [object(url=str(url)), *_] if url:
                return await self._fetch(url)
        raise _illegible()

    async def _fetch(self, url: str) -> bytes:
        """Fetch an image from OpenAI's own storage, or from the server that OpenAI was replaced by."""
        is_ours = self._origin is not None and _origin(url) == self._origin
        if not is_ours and _origin(url) not in {("https", host, 443) for host in _IMAGE_HOSTS}:
            raise Unavailable("the painter names an image at a place that is not its own")
        try:
            answer = await self._files.ask("GET", url)
        except (Refused, Unavailable) as reason:
            raise Unavailable(f"the painter's image cannot be fetched: {reason}") from None
        if not answer.is_success:
            raise Unavailable(f"the painter's storage answers {answer.status_code}")
        return answer.content


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as reason:
        raise _illegible() from reason


def _to_jpeg(data: bytes) -> bytes:
    """Turn an image into a JPEG; what is transparent becomes dark."""
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as image:
            if len(data) > MAX_IMAGE_BYTES or image.width * image.height > _MAX_PIXELS:
                raise Unavailable("the painter's image is too large")
            layer = image.convert("RGBA")
            picture = Image.new("RGB", layer.size)
            picture.paste(layer, mask=layer)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as reason:
        raise _illegible() from reason
    jpeg = io.BytesIO()
    picture.save(jpeg, "JPEG", quality=_JPEG_QUALITY)
    return jpeg.getvalue()


def _status_failure(failure: openai.APIStatusError, key: str) -> Refused | Unavailable:
    """Tell what an answer that is no image means; what it says is passed on, without the key."""
    status, code = failure.status_code, failure.code
    if status == HTTPStatus.BAD_REQUEST and _refuses_content(failure):
        return ContentRefused(_words(failure, key))
    remedy = _REMEDIES.get(HTTPStatus.NOT_FOUND if code == "model_not_found" else status, "")
    told = f"the painter answers {status}{f' ({quote(code)})' if code else ''}{remedy}"
    # OpenAI's words on a wrong key have parts of it.
    is_about_key = status == HTTPStatus.UNAUTHORIZED
    said = "" if is_about_key else reason_in(failure.response.text.replace(key, "…"))
    told += f"; it says: {said}" if said else ""
    is_final = (failure.response.is_client_error and status not in _PASSING) or code == _NO_MONEY
    return Refused(told) if is_final else Unavailable(told)


def _refuses_content(failure: openai.APIStatusError) -> bool:
    if not failure.code and failure.type == _USER_ERROR:
        return True
    named = (failure.code, failure.type)
    return any("".join(filter(str.isalnum, str(name))).lower() in _REFUSALS for name in named)


def _words(refusal: openai.APIStatusError, key: str) -> str:
    """Give the painter's own words, which are for the viewer."""
    said = refusal.body.get("message") if isinstance(refusal.body, dict) else None
    return quote(str(said or "the painter does not paint this").replace(key, "…"))


def _illegible() -> Unavailable:
    return Unavailable("the painter's answer has no image that can be read")


def _origin(url: str) -> tuple[str, str | None, int | None] | None:
    """Tell scheme, host and port of a URL; None for what is none."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return None
    return parts.scheme, parts.hostname, port
