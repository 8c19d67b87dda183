"""A ghost painted by OpenAI: every form of answer, every refusal, every failure."""

import asyncio
import io
import json

import pytest
from PIL import Image

from showtime_adapters import openai_images
from showtime_adapters.openai_images import OpenAIPainter
from showtime_core.errors import ContentRefused, Refused, Unavailable
from support.following import until
from support.neighbour import Reply
from support.openai_service import API_KEY, JSON, OpenAIService, picture

MODEL = "gpt-image-2.6-flare"
PROMPT = "a ghostly image of a baby seal, with glitchy VHS artifacts, dark background"


@pytest.fixture(scope="module")
def well_service():
    with OpenAIService() as service:
        yield service


@pytest.fixture
def service(well_service):
    """Run OpenAI; however a test has left it, the next one finds it well."""
    well_service.received.clear()
    well_service.prompts.clear()
    well_service.most_connections = 0
    yield well_service
    well_service.trouble()
    well_service.answers_urls, well_service.image = False, picture()


@pytest.fixture
async def painter(service):
    async with opened(service) as painter:
        yield painter


def opened(service, key=API_KEY, model=MODEL, seconds=20.0):
    return OpenAIPainter(key, model, f"{service.url}/v1", seconds=seconds)


async def test_a_model_is_looked_up_without_painting(painter, service):
    """The model answers to its name, and nothing is painted; a key or a model that is wrong is refused."""
    assert await painter.look_up() == MODEL
    for how, said in (
        ({"key": "sk-proj-wrong"}, "OPENAI_API_KEY"),
        ({"model": "gpt-1"}, "OPENAI_IMAGE_MODEL"),
    ):
        async with opened(service, **how) as other:
            with pytest.raises(Refused, match=said) as refused:
                await other.look_up()
        assert "sk-proj" not in str(refused.value)
    service.trouble("cut")
    with pytest.raises(Unavailable):
        await painter.look_up()
    assert not service.prompts


# --- answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("answers_urls", [False, True])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_an_image_comes_as_a_jpeg(painter, service, kind, answers_urls):
    """An image comes as a JPEG, whether it is answered itself or by its URL, and whatever its format."""
    service.answers_urls, service.image = answers_urls, picture(kind)
    image = Image.open(io.BytesIO(await painter.paint(PROMPT)))
    assert (image.format, image.size, image.mode) == ("JPEG", (1024, 1024), "RGB")
    assert all(
        abs(got - had) < 6 for got, had in zip(image.getpixel((512, 512)), (20, 200, 120), strict=True)
    )
    assert service.prompts == [PROMPT]


async def test_what_is_transparent_is_dark(painter, service):
    """Ghosts haunt a dark background, also where the painter has left it out."""
    service.image = picture(colour=(255, 255, 255, 0))
    image = Image.open(io.BytesIO(await painter.paint(PROMPT)))
    assert image.getpixel((512, 512)) == (0, 0, 0)


async def test_one_image_is_asked_for(painter, service):
    """One image is asked for, of the model that is set, with nothing that GPT image models do not know."""
    await painter.paint(PROMPT)
    assert json.loads(service.received[0].body) == {
        "model": MODEL,
        "prompt": PROMPT,
        "size": "1024x1024",
        "n": 1,
    }


# --- refusals and failures ------------------------------------------------------------------------


async def test_a_refusal_is_told_in_the_painter_s_words(painter):
    """The viewer may want to know; it is final."""
    with pytest.raises(ContentRefused, match=r"^Your request was rejected by the safety system\. .*violence"):
        await painter.paint("something forbidden")


USER_ERROR = "image_generation_user_error"


@pytest.mark.parametrize(
    ("status", "names", "outcome"),
    [
        (400, ("content_policy_violation", USER_ERROR), ContentRefused),
        (400, ("moderation_blocked", USER_ERROR), ContentRefused),
        (400, ("contentFilter", "invalid_request_error"), ContentRefused),
        (400, ("content_filter", None), ContentRefused),
        (400, ("ContentFilter", None), ContentRefused),
        (400, ("ResponsibleAIPolicyViolation", None), ContentRefused),
        (400, (None, "content_filter"), ContentRefused),
        (400, (400, "content_policy_violation"), ContentRefused),
        (400, (None, USER_ERROR), ContentRefused),
        (400, ("invalid_value", USER_ERROR), Refused),
        (400, (None, None), Refused),
        (403, ("moderation_blocked", USER_ERROR), Refused),
    ],
)
async def test_a_refusal_of_the_content_is_known_by_its_code(painter, service, status, names, outcome):
    """Servers that speak as OpenAI does write its codes in their own way; others are for the operator."""
    error = {"message": "It was\n filtered.\x1b[2J", "type": names[1], "code": names[0]}
    service.scripted = Reply(status, json.dumps({"error": error}), JSON)
    with pytest.raises(Refused) as refusal:
        await painter.paint(PROMPT)
    assert type(refusal.value) is outcome
    quoted = r"It was filtered.\x1b[2J"
    said = str(refusal.value)
    assert said == quoted if outcome is ContentRefused else said.endswith(f"; it says: {quoted}")


MUST_BE_VERIFIED = "Your organization must be verified to use the model `gpt-image-2.6-flare`."


@pytest.mark.parametrize(
    ("status", "error", "told"),
    [
        (403, {"message": MUST_BE_VERIFIED}, f"403; it says: {MUST_BE_VERIFIED}"),
        (403, {"message": f"no {API_KEY} here"}, "403; it says: no … here"),
        (403, "not in your\ncountry", '403; it says: {"error": "not in your\\ncountry"}'),
        (400, {"code": "billing_hard_limit_reached"}, '(billing_hard_limit_reached); it says: {"error": '),
        (422, {"message": "no such size"}, "422; it says: no such size"),
        (429, {"code": "insufficient_quota", "message": "pay"}, "429 (insufficient_quota); it says: pay"),
    ],
)
async def test_what_will_not_mend_itself_is_refused_in_its_own_words(painter, service, status, error, told):
    """The operator reads what the provider says, and no guess; it is final, for another try would end so."""
    service.scripted = Reply(status, json.dumps({"error": error}), JSON)
    with pytest.raises(Refused) as refusal:
        await painter.paint(PROMPT)
    assert told in str(refusal.value)
    assert "OPENAI_API_KEY" not in str(refusal.value)
    assert API_KEY not in str(refusal.value)


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 503])
async def test_what_may_be_over_in_a_moment_is_not_refused(painter, service, status):
    """Too many requests, conflicts and failures are worth another try; a page for browsers is not quoted."""
    service.scripted = Reply(status, "<html>busy</html>", "text/html")
    with pytest.raises(Unavailable, match=f"^the painter answers {status}$"):
        await painter.paint(PROMPT)


async def test_a_model_that_is_gone_is_the_provider_s_failure(service):
    """No viewer is told of it; the operator is told what to check."""
    async with opened(service, model="dall-e-3") as painter:
        with pytest.raises(Refused, match=r"400 \(model_not_found\): check OPENAI_IMAGE_MODEL.*dall-e-3"):
            await painter.paint(PROMPT)


async def test_a_wrong_key_is_named_and_not_told(service):
    """A wrong key is named, but not told, not even the part of it that OpenAI shows in its answer."""
    async with opened(service, key="sk-proj-somebody-elses-key") as painter:
        with pytest.raises(Refused, match=r"401 \(invalid_api_key\): check OPENAI_API_KEY$") as reason:
            await painter.paint(PROMPT)
    assert "sk-proj" not in f"{reason.value!r} {reason.value.__cause__!r} {painter!r} {vars(painter)!r}"


@pytest.mark.parametrize(
    "failure", ["refuse", "hang", "cut", "die", "drip", "429", "500", "503", "302", "late"]
)
async def test_a_painter_that_is_not_well_is_unavailable(service, failure):
    """Whatever happens to the request, nothing is repeated here: to try again is for who has asked."""
    async with opened(service, seconds=2.0) as painter:
        service.trouble(failure)
        with pytest.raises(Unavailable):
            await painter.paint(PROMPT)
        assert len(service.received) == (0 if failure == "refuse" else 1)
        service.trouble()
    async with opened(service) as painter:
        assert await painter.paint(PROMPT)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "rubbish",
        7,
        {},
        {"data": None},
        {"data": []},
        {"data": "image"},
        {"data": [None]},
        {"data": ["image"]},
        {"data": [{}]},
        {"data": [{"b64_json": 7}]},
        {"data": [{"b64_json": "not base64"}]},
        {"data": [{"b64_json": ""}]},
        {"data": [{"b64_json": "bm90IGFuIGltYWdl"}]},
        {"data": [{"b64_json": "iVBORw0KGgoAAAANSUhEUgAA"}]},
        {"data": [{"url": "rubbish"}]},
        {"data": [{"url": "https://[::1"}]},
        {"data": [{"url": 7}]},
    ],
    ids=repr,
)
@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
async def test_an_answer_without_an_image_is_a_failure(painter, service, document, content_type):
    """An answer without an image is the provider's failure: the client checks nothing of what it reads."""
    service.scripted = Reply(200, json.dumps(document), content_type)
    with pytest.raises(Unavailable):
        await painter.paint(PROMPT)


async def test_json_that_is_none_is_a_failure(painter, service):
    """An answer that is no JSON is a failure, although its content type says it is some."""
    service.scripted = Reply(200, "{", JSON)
    with pytest.raises(Unavailable):
        await painter.paint(PROMPT)


# --- images at a URL --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "https://169.254.169.254/latest/meta-data",
        "http://localhost:{port}/files/x.png",
        "http://127.0.0.1:1/x.png",
        "file:///etc/passwd",
        "http://oaidalleapiprodscus.blob.core.windows.net/x.png",
        "https://oaidalleapiprodscus.blob.core.windows.net:8443/x.png",
        "https://oaidalleapiprodscus.blob.core.windows.net.example.com/x.png",
        "https://user@example.com/x.png",
        "//127.0.0.1/x.png",
    ],
)
async def test_an_image_is_fetched_from_the_provider_alone(painter, service, url):
    """An answer that names another place is not followed: neither into our network nor anywhere."""
    document = json.dumps({"data": [{"url": url.format(port=service.port)}]})
    service.scripted = Reply(200, document, JSON)
    with pytest.raises(Unavailable, match="at a place that is not its own"):
        await painter.paint(PROMPT)
    assert [request.method for request in service.received] == ["POST"]


@pytest.mark.parametrize("failure", ["404", "500", "302", "cut", "hang", "drip", "rubbish"])
async def test_an_image_that_cannot_be_fetched_is_a_failure(service, failure):
    """An image that cannot be fetched within the time of the whole is a failure; no redirect is followed."""
    service.answers_urls = True
    service.trouble(failure, only="GET")
    async with opened(service, seconds=2.0) as painter:
        with pytest.raises(Unavailable):
            await painter.paint(PROMPT)
    assert [request.method for request in service.received] == ["POST", "GET"]


@pytest.mark.parametrize("answers_urls", [False, True])
async def test_an_image_that_is_too_large_is_not_taken(painter, service, answers_urls, monkeypatch):
    """An image of too many bytes or pixels is not taken, so that memory is bounded."""
    service.answers_urls = answers_urls
    service.image = picture(size=4097)
    with pytest.raises(Unavailable, match="too large"):
        await painter.paint(PROMPT)
    monkeypatch.setattr(openai_images, "MAX_IMAGE_BYTES", 1000)
    service.image = picture()
    with pytest.raises(Unavailable, match="too large"):
        await painter.paint(PROMPT)


# --- connections ----------------------------------------------------------------------------------


async def test_connections_are_few_and_end(service):
    """Connections are few and end, however many ghosts are asked for, and whatever becomes of them."""
    async with opened(service, seconds=3.0) as painter:
        for failure in (None, "cut", "500", "rubbish", "drip", None):
            service.answers_urls = not service.answers_urls
            service.trouble(failure, share=0.5)
            await asyncio.gather(*(painter.paint(PROMPT) for _ in range(8)), return_exceptions=True)
        assert len(service.received) >= 48
        await until(lambda: len(service.connections) <= 8)
    await until(lambda: not service.connections)


async def test_no_key_is_written_down(service, caplog):
    """Not even the most talkative log has the key in it."""
    caplog.set_level("DEBUG")
    async with opened(service) as painter:
        for failure in (None, "cut", "500", "rubbish"):
            service.trouble(failure)
            await asyncio.gather(painter.paint(PROMPT), return_exceptions=True)
    assert "DEBUG" in caplog.text
    assert API_KEY not in caplog.text
