"""A channel of Discord as its webhook speaks over HTTP, without our code."""

import json
from email import policy
from email.parser import BytesParser
from typing import Any

from attrs import define, field

from support.neighbour import Neighbour, Reply, Request

PATH = "/api/webhooks/1042/t0kenOfTheGhostsChannel"


@define
class DiscordService(Neighbour):
    """A running Discord, with one webhook."""

    posts: list[dict[str, Any]] = field(factory=list)
    """What was posted: the payload, and of its file the type and the bytes."""

    @property
    def webhook_url(self) -> str:
        return self.url + PATH

    def held(self) -> Any:
        return [{name: value for name, value in post.items() if name != "image"} for post in self.posts]

    def handle(self, request: Request) -> Reply:
        if (request.method, request.path) == ("GET", PATH):
            said = {"id": "1042", "type": 1, "name": "Ghosts", "channel_id": "1986"}
            return Reply(200, json.dumps(said), "application/json")
        if (request.method, request.path) != ("POST", PATH):
            return Reply(404, '{"message":"Unknown Webhook","code":10015}', "application/json")
        head = f"content-type: {request.headers['content-type']}\r\n\r\n".encode()
        form = BytesParser(policy=policy.HTTP).parsebytes(head + request.body)
        parts = {part.get_param("name", header="content-disposition"): part for part in form.iter_parts()}
        payload = json.loads(parts["payload_json"].get_payload(decode=True))
        file = parts["files[0]"]
        said = {"content_type": file.get_content_type(), "filename": file.get_filename()}
        self.posts.append(payload | said | {"image": file.get_payload(decode=True)})
        if request.query.get("wait") != "true":
            return Reply(204)
        return Reply(200, json.dumps({"id": str(len(self.posts)), **payload}), "application/json")
