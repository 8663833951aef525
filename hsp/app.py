"""The composition root: settings in, one ASGI application out.

    settings -> key ring, Redis, SQL               foundation
             -> sessions, login guard              who is there
             -> connection pool, mail, outbox      what they can do
             -> the WEBMAIL service                what they see

Everything that runs beside requests (the outbox loop, the listener for ended sessions, the pool's sweeper) is started
and stopped here. A part that fails to start stops the start and says why.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, Self

from redis.asyncio import Redis

from hsp.accounts import LoginGuard
from hsp.config import Settings, Upstream
from hsp.foundation.assets import assets
from hsp.foundation.clock import Clock, SystemClock
from hsp.foundation.logs import get_logger
from hsp.foundation.redis import connect
from hsp.foundation.sealing import KeyRing
from hsp.foundation.sql import Database
from hsp.mail import Domains, MailRoute, MailService, Outbox, Pool
from hsp.mail.routes import DomainTable
from hsp.protocols.imap import Endpoint
from hsp.protocols.smtp import SmtpEndpoint
from hsp.sessions import Ended, Limits, Policy, RedisSessionStore, Sessions
from hsp.webmail import Webmail, on_error, pages
from hsp.webmail.authenticator import WebmailAuthenticator
from hsp.zones import Service, ServiceConfig, StaticFiles, Templates, origin_of

_log = get_logger("hsp.app")
KB = 1024


class Gateway:
    """A running gateway: `async with build(settings) as gateway: serve(gateway.asgi)`."""

    def __init__(self, settings: Settings, ring: KeyRing, clock: Clock) -> None:
        self.settings = settings
        self.ring = ring
        self.clock = clock
        self.redis: Redis
        self.database: Database
        self.sessions: Sessions
        self.mail: MailService
        self.outbox: Outbox
        self.asgi: Service[Webmail]
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            await self._start(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    async def _start(self, stack: contextlib.AsyncExitStack) -> None:
        server = self.settings.server
        self.redis = connect(
            server.redis.url, max_connections=server.redis.max_connections, timeout=server.redis.timeout
        )
        stack.push_async_callback(self.redis.aclose)
        self.database = await Database.open(server.database.url)
        stack.push_async_callback(self.database.close)
        store = RedisSessionStore(self.redis, namespace=f"{server.redis.namespace}:", timeout=server.redis.timeout)
        self.sessions = Sessions(store, self.ring, self.clock, session_policy(self.settings))
        pool = Pool(self.ring.mac("pool", b"connections"), self.clock)
        stack.push_async_callback(pool.close)
        domains = domain_table(self.settings)
        self.mail = MailService(self.database, pool, self.clock, domains)
        self.outbox = Outbox(self.database, self.ring, self.mail, self.clock)
        stack.push_async_callback(self.outbox.close)
        self.sessions.on_ended(self._session_ended)
        self.sessions.on_gap(self._catch_up)
        guard = LoginGuard(
            self.redis,
            self.ring,
            self.clock,
            namespace=f"{server.redis.namespace}:",
            max_auth_errors=self.settings.webmail.max_auth_errors,
            timeout=server.redis.timeout,
        )
        self.asgi = webmail_service(self.settings, self.sessions, guard, self.mail, self.outbox, self.clock)
        for name, work in (("sessions", self.sessions.run()), ("outbox", self.outbox.run()), ("pool", pool.run())):
            stack.push_async_callback(_stop, asyncio.create_task(_supervised(name, work), name=f"hsp {name}"))

    async def _session_ended(self, ended: Ended) -> None:
        """An ended session takes its upstream connections with it (promise 4)."""
        await self.mail.forget(ended.account, ended.uuid)

    async def _catch_up(self) -> None:
        """News of endings may have been missed: whose session is no longer listed lets go of the mail server."""
        for account, held in self.mail.pool.holders().items():
            alive = {info.uuid for info in await self.sessions.list(account)}
            for uuid in held - alive:
                await self.mail.forget(account, uuid)


async def _supervised(name: str, work: Coroutine[Any, Any, None]) -> None:
    """A background loop never ends by itself; if it does, the log says so loudly and the gateway goes on without it."""
    try:
        await work
    except Exception:  # a defect of the loop: the requests must not die of it
        _log.exception("background loop ended", loop=name)


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def build(settings: Settings, *, clock: Clock | None = None, ring: KeyRing | None = None) -> Gateway:
    """A gateway for these settings, not yet started. Raises OSError or SealError for a key ring that cannot be used."""
    return Gateway(settings, ring or KeyRing.load(settings.server.key_ring_file, create=True), clock or SystemClock())


def session_policy(settings: Settings) -> Policy:
    """The session limits of every surface."""
    webmail = settings.webmail
    limits = Limits(idle=webmail.session_idle_timeout, absolute=webmail.session_activity_timeout)
    return Policy(idle=limits.idle, absolute=limits.absolute, surfaces={"webmail": limits})


def domain_table(settings: Settings) -> Domains:
    """Which upstreams serve which domain. One TLS context per upstream: making one costs 20 ms."""
    contexts = {name: tls_context(upstream) for name, upstream in settings.upstreams.items()}
    routes: dict[str, MailRoute] = {}
    for domain in settings.domains:
        imap, smtp = settings.upstreams[domain.imap], settings.upstreams[domain.smtp]
        endpoint = smtp_endpoint(settings, smtp, contexts[domain.smtp])
        routes[domain.name] = MailRoute(
            imap=Endpoint(
                host=imap.host,
                port=imap.port,
                security=imap.security,
                allow_plaintext=imap.allow_plaintext_password,
                ssl_context=contexts[domain.imap],
                connect_timeout=imap.connect_timeout,
                command_timeout=imap.command_timeout,
            ),
            smtp=endpoint,
            username=imap.username,
            background="relay" if domain.background == "relay" else "none",
            relay=endpoint if domain.background == "relay" else None,
            connections_per_account=max(1, imap.connections_per_account // settings.server.nodes),
        )
    return DomainTable(routes)


def smtp_endpoint(settings: Settings, smtp: Upstream, context: ssl.SSLContext | None) -> SmtpEndpoint:
    """How mail is handed in at one upstream."""
    name = settings.server.server_name
    return SmtpEndpoint(
        host=smtp.host,
        port=smtp.port,
        security=smtp.security,
        allow_plaintext=smtp.allow_plaintext_password,
        ssl_context=context,
        connect_timeout=smtp.connect_timeout,
        command_timeout=smtp.command_timeout,
        helo=name if "." in name else "[127.0.0.1]",
    )


def tls_context(upstream: Upstream) -> ssl.SSLContext | None:
    """The TLS context of an upstream; None where it speaks none."""
    if upstream.security == "none":
        return None
    context = ssl.create_default_context(cafile=str(upstream.ca_file) if upstream.ca_file else None)
    if not upstream.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def webmail_service(
    settings: Settings, sessions: Sessions, guard: LoginGuard, mail: MailService, outbox: Outbox, clock: Clock
) -> Service[Webmail]:
    """The WEBMAIL service of these settings."""
    webmail, urls = settings.webmail, settings.server.public_urls
    static = StaticFiles(assets("static"))
    config = ServiceConfig(
        name="WEBMAIL",
        surface="webmail",
        cookie="_hmail",
        mount=mount_path(urls),
        own_origins=frozenset(origin_of(url) for url in urls),
        body_limit=webmail.http_body_max_size * KB,
        upload_limit=webmail.upload_max_size * KB,
        max_errors=webmail.max_errors,
        drain=webmail.allow_large_incoming_data,
        allow_disable_cookie=webmail.allow_disable_cookie,
        allow_get_login=webmail.allow_get_login,
        hsts=webmail.http_hsts_header_value,
        login_domains=login_domains(settings),
        virtual_hosts=tuple((entry.host.lower(), entry.domain) for entry in webmail.host_name_resolvers),
    )
    return Service(
        config,
        pages,
        Webmail(mail=mail, outbox=outbox, sessions=sessions, settings=settings, clock=clock),
        sessions=sessions,
        authenticator=WebmailAuthenticator(guard, mail, settings.server.primary_domain),
        static=static,
        templates=service_templates(webmail.path or assets("templates"), config),
        on_error=on_error,
    )


def service_templates(root: Path, config: ServiceConfig) -> Mapping[str, Templates]:
    """The default templates, and for each virtual host its own folder before the default one."""
    default = (root / "webmail", root)
    templates = {"": Templates(default, {})}
    for host, folder in config.virtual_hosts:
        templates[host] = Templates((root / folder, *default), {})
    return templates


def mount_path(public_urls: tuple[str, ...]) -> str:
    """The path below which the service lives, from the first public URL; empty at the root."""
    if not public_urls:
        return ""
    path = public_urls[0].split("://", 1)[1].partition("/")[2].rstrip("/")
    return f"/{path}" if path else ""


def login_domains(settings: Settings) -> tuple[str, ...]:
    """The domains of the login page's list; empty when the list is switched off."""
    if not settings.webmail.show_domain_list:
        return ()
    return tuple(domain.name for domain in settings.domains if domain.show_webmail_login and domain.name != "*")
