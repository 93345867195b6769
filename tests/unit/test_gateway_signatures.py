"""What each vendor's signature proves."""

from __future__ import annotations

import pytest

from supportpulse.edges.gateway.signatures import SCHEMES, token_verdict

NOW = 1_767_225_600.0


def test_githubs_documented_example_is_signed_as_they_say() -> None:
    """The vector of GitHub's documentation."""
    said = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert SCHEMES["github"].sign(b"It's a Secret to Everybody", b"Hello, World!") == said


def test_slacks_documented_example_is_signed_as_they_say() -> None:
    """The vector of Slack's documentation, version v0."""
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554"
        b"%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    said = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    assert SCHEMES["slack"].sign(b"8f742231b10e8888abcd99yyyzzz85a5", body, "1531420618") == said


@pytest.mark.parametrize(
    ("vendor", "stamp", "said"),
    [
        ("zendesk", "2026-01-01T00:00:00Z", "kbuVaPrv67LYCiYdm0/TAgj2T7YPLCoYca5pUfOkiok="),
        ("zammad", "", "sha1=7162c21633ab33203c0f3ae3965f1d8726e760c0"),
    ],
)
def test_what_is_signed_is_stamp_and_body_in_the_vendors_order(vendor: str, stamp: str, said: str) -> None:
    """Values made by openssl dgst -hmac."""
    assert SCHEMES[vendor].sign(b"secret-key", b'{"a":1}', stamp) == said


@pytest.mark.parametrize("vendor", sorted(SCHEMES))
def test_a_delivery_is_authentic_by_any_secret_and_by_no_other(vendor: str) -> None:
    """Rotation: old and new are taken; another secret, another body and no signature are not."""
    scheme, body = SCHEMES[vendor], b'{"ticket":"1"}'
    headers = scheme.headers(b"new-secret", body, NOW)
    secrets = (b"old-secret", b"new-secret")
    assert scheme.verdict(secrets, body, headers, NOW, 300) == "authentic"
    assert scheme.verdict((b"old-secret",), body, headers, NOW, 300) == "signature"
    assert scheme.verdict(secrets, body + b" ", headers, NOW, 300) == "signature"
    assert scheme.verdict(secrets, body, {}, NOW, 300) == "signature"
    cut = {**headers, scheme.header: headers[scheme.header][:-1]}
    assert scheme.verdict(secrets, body, cut, NOW, 300) == "signature"
    odd = {**headers, scheme.header: "sha256=ü\udc80"}
    assert scheme.verdict(secrets, body, odd, NOW, 300) == "signature"


@pytest.mark.parametrize("vendor", [name for name, scheme in SCHEMES.items() if scheme.stamp_header])
def test_a_stamp_outside_the_window_is_stale_and_a_changed_one_a_wrong_signature(vendor: str) -> None:
    """A recorded delivery cannot be played again later, nor given another time."""
    scheme, body, secrets = SCHEMES[vendor], b"{}", (b"new-secret",)
    headers = scheme.headers(secrets[0], body, NOW)
    assert scheme.verdict(secrets, body, headers, NOW + 299, 300) == "authentic"
    assert scheme.verdict(secrets, body, headers, NOW + 302, 300) == "stale"
    assert scheme.verdict(secrets, body, headers, NOW - 302, 300) == "stale"
    later = {**headers, scheme.stamp_header: scheme.headers(secrets[0], body, NOW + 400)[scheme.stamp_header]}
    assert scheme.verdict(secrets, body, later, NOW + 400, 300) == "signature"
    for stamp in ("", "soon", "9" * 400, "2026-01-01T00:00:00", "²"):
        given = {**headers, scheme.stamp_header: stamp}
        if stamp.isascii():
            given[scheme.header] = scheme.sign(secrets[0], body, stamp)
        assert scheme.verdict(secrets, body, given, NOW, 300) != "authentic"


def test_a_token_is_one_of_the_secrets_or_nothing() -> None:
    """No token is no token, and no prefix of one will do."""
    secrets = (b"0123456789abcdef", b"fedcba9876543210")
    assert token_verdict(secrets, "fedcba9876543210") == "authentic"
    for found in ("", "fedcba987654321", "fedcba98765432100", "ü"):
        assert token_verdict(secrets, found) == "signature"
