"""What was answered, in short."""

import httpx


def said(answer: httpx.Response) -> tuple[int, str]:
    """Give the status and the words of an answer."""
    return answer.status_code, answer.text
