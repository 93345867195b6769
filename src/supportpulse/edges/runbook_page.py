"""The runbook as a page, so that the link in an alert can be clicked."""

from __future__ import annotations

from itertools import pairwise

from markdown_it import MarkdownIt

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>supportpulse: runbook</title>
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/board.css">
</head>
<body class="text">
<main>
{body}</main>
</body>
</html>
"""


def page(markdown: str) -> bytes:
    """HTML of a runbook; the heading of an alert has its name in small letters as anchor. Raw HTML is not passed on."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(markdown)
    for token, text in pairwise(tokens):
        if token.type == "heading_open":
            token.attrSet("id", text.content.strip().lower().replace(" ", "-"))
    return _PAGE.format(body=parser.renderer.render(tokens, parser.options, {})).encode()
