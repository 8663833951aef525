"""Looks at one upstream, step by step; the first step that fails ends the walk, as the later ones cannot succeed."""

from __future__ import annotations

from hsp.commands.checking.findings import Finding, timed
from hsp.commands.checking.network import reach, resolve, secure, tls_context
from hsp.config import Upstream
from hsp.protocols.credentials import Credential
from hsp.protocols.imap import AuthenticationRejected, ConnectError, Endpoint, ImapClient, ImapError
from hsp.protocols.smtp import SmtpConnectError, SmtpEndpoint, SmtpError, SmtpLoginRejected
from hsp.protocols.smtp import check as smtp_check

_USEFUL = ("UIDPLUS", "MOVE", "SPECIAL-USE", "CONDSTORE", "ESEARCH", "SORT", "IDLE", "QUOTA")


async def check_upstream(name: str, upstream: Upstream, credential: Credential | None) -> list[Finding]:
    """Every step up to the first that fails."""
    subject = f"upstream {name}"
    findings: list[Finding] = []
    for step in (resolve, reach, secure):
        findings.append(await step(subject, upstream))
        if findings[-1].state == "problem":
            return findings
    protocol = _imap if upstream.kind == "imap" else _smtp
    return [*findings, *await protocol(subject, upstream, credential)]


def _user(credential: Credential, upstream: Upstream) -> Credential:
    local = credential.username.partition("@")[0]
    return Credential("password", local if upstream.username == "local" else credential.username, credential.secret)


async def _imap(subject: str, upstream: Upstream, credential: Credential | None) -> list[Finding]:
    greeting = Finding(subject, "imap")
    client: ImapClient | None = None
    try:
        with timed(greeting):
            client = await ImapClient.connect(_imap_endpoint(upstream))
        _describe_imap(greeting, client.capabilities)
        return [greeting, await _imap_login(subject, client, _user(credential, upstream))] if credential else [greeting]
    except (ImapError, OSError) as error:
        return [greeting.fail(_imap_words(error, upstream))]
    finally:
        if client is not None:
            await client.close()


async def _imap_login(subject: str, client: ImapClient, credential: Credential) -> Finding:
    finding = Finding(subject, "login")
    with timed(finding):
        try:
            await client.authenticate(credential)
        except (ImapError, OSError) as error:
            return finding.fail(_login_words(error, credential))
    # Many servers tell what they can do only after the login.
    missing = [name for name in _USEFUL if name not in client.capabilities]
    finding.details["capabilities"] = sorted(client.capabilities)
    finding.message = f"{credential.username} can log in" + (f"; without {', '.join(missing)}" if missing else "")
    return finding


def _login_words(error: Exception, credential: Credential) -> str:
    if isinstance(error, AuthenticationRejected) and not error.temporary:
        return f"the server does not accept this user name and password ({credential.username})"
    if isinstance(error, ConnectError) and error.reason == "plaintext":
        return "the password was not sent, because the connection is not encrypted"
    return f"the login could not be tried: {error}"


def _describe_imap(finding: Finding, capabilities: frozenset[str]) -> None:
    finding.message = "speaks IMAP"
    if not capabilities & {"IMAP4REV1", "IMAP4REV2"}:
        finding.fail("answers, but offers neither IMAP4rev1 nor IMAP4rev2")


def _imap_words(error: Exception, upstream: Upstream) -> str:
    if upstream.security == "none" and isinstance(error, ConnectError) and error.reason == "timeout":
        return "the server does not greet; perhaps security should be tls"
    return f"this is no IMAP server as we know it: {error}"


def _imap_endpoint(upstream: Upstream) -> Endpoint:
    return Endpoint(
        host=upstream.host,
        port=upstream.port,
        security=upstream.security,
        allow_plaintext=upstream.allow_plaintext_password,
        ssl_context=tls_context(upstream) if upstream.security != "none" else None,
        connect_timeout=upstream.connect_timeout,
        command_timeout=upstream.command_timeout,
    )


async def _smtp(subject: str, upstream: Upstream, credential: Credential | None) -> list[Finding]:
    greeting = Finding(subject, "smtp")
    endpoint = _smtp_endpoint(upstream)
    try:
        with timed(greeting):
            extensions = await smtp_check(endpoint)
    except SmtpError as error:
        return [greeting.fail(f"this is no submission server as we know it: {error}")]
    greeting.details["extensions"] = sorted(extensions)
    greeting.message = "speaks SMTP"
    if "AUTH" not in extensions:
        greeting.warn("speaks SMTP, but offers no login; it must relay for this machine")
    return [greeting, await _smtp_login(subject, endpoint, _user(credential, upstream))] if credential else [greeting]


async def _smtp_login(subject: str, endpoint: SmtpEndpoint, credential: Credential) -> Finding:
    finding = Finding(subject, "login")
    with timed(finding):
        try:
            await smtp_check(endpoint, credential)
        except SmtpLoginRejected:
            return finding.fail(f"the server does not accept this user name and password ({credential.username})")
        except SmtpError as error:
            refused = isinstance(error, SmtpConnectError) and error.reason == "plaintext"
            words = "the password was not sent, because the connection is not encrypted"
            return finding.fail(words if refused else f"the login could not be tried: {error}")
    finding.message = f"{credential.username} can log in"
    return finding


def _smtp_endpoint(upstream: Upstream) -> SmtpEndpoint:
    return SmtpEndpoint(
        host=upstream.host,
        port=upstream.port,
        security=upstream.security,
        allow_plaintext=upstream.allow_plaintext_password,
        ssl_context=tls_context(upstream) if upstream.security != "none" else None,
        connect_timeout=upstream.connect_timeout,
        command_timeout=upstream.command_timeout,
    )
