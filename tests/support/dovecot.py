"""A real Dovecot, started once per run in a temporary folder on free loopback ports, gone with its fixture.

It knows alice, bob and carol@demo.test (password "demo"); `new_user()` gives a fresh account to a test that changes
mail. quota@demo.test may store 64 KB.
"""

import getpass
import grp
import hmac
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest
import trustme

PASSWORD = "demo"
FRESH_USERS = 2000
_TOKEN_KEY = b"a key that only tests know, long enough for HS256"
_CONFIGURATION = """
base_dir = {root}/run
state_dir = {root}/state
log_path = {root}/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
default_internal_user = {internal_user}
default_login_user = {login_user}
default_internal_group = {group}
first_valid_uid = 1
mail_uid = {mail_user}
mail_gid = {mail_group}
first_valid_gid = 1
mail_home = {root}/mail/%n
mail_location = maildir:~/Maildir
mail_fsync = never
mail_plugins = quota
mail_max_userip_connections = {max_connections}
imap_idle_notify_interval = 2 mins
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2 oauthbearer
auth_failure_delay = 0
auth_cache_size = 0
auth_verbose = yes
ssl = yes
ssl_cert = <{root}/server.pem
ssl_key = <{root}/server.key
passdb {{
  driver = passwd-file
  mechanisms = plain login
  args = scheme=PLAIN username_format=%u {root}/users
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {root}/oauth2.conf
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {root}/users
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Drafts {{
    special_use = \\Drafts
    auto = subscribe
  }}
  mailbox Sent {{
    special_use = \\Sent
    auto = subscribe
  }}
  mailbox Trash {{
    special_use = \\Trash
    auto = subscribe
  }}
  mailbox Junk {{
    special_use = \\Junk
    auto = create
  }}
  mailbox Archive {{
    special_use = \\Archive
    auto = create
  }}
}}
plugin {{
  quota = maildir:User quota
  quota_rule = *:storage=1G
}}
protocol imap {{
  mail_plugins = quota imap_quota
}}
service anvil {{
  chroot =
  # Without this, every failed login slows down all that follow.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  chroot =
  process_min_avail = 1
  service_count = 0
  inet_listener imap {{
    port = {imap_port}
  }}
  inet_listener imaps {{
    port = {imaps_port}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp_port}
  }}
}}
service stats {{
  chroot =
}}
"""


class DovecotServer:
    """A running Dovecot; `stop`, `kill` and `start` for tests of a server that goes and comes."""

    host = "127.0.0.1"
    password = PASSWORD

    def __init__(self, root: Path, *, max_connections: int = 1000) -> None:
        self.root = root
        self.imap_port, self.imaps_port, self.lmtp_port = _free_ports(3)
        self.users = ["alice@demo.test", "bob@demo.test", "carol@demo.test"]
        self.quota_user = "quota@demo.test"
        self.ca_file = root / "ca.pem"
        self._numbers = count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._write(max_connections)

    def _write(self, max_connections: int) -> None:
        authority = trustme.CA()
        certificate = authority.issue_cert("127.0.0.1", "localhost", "imap.demo.test")
        authority.cert_pem.write_to_path(self.ca_file)
        certificate.private_key_pem.write_to_path(self.root / "server.key")
        for blob in certificate.cert_chain_pems:
            blob.write_to_path(self.root / "server.pem", append=True)
        self.root.chmod(0o755)
        configuration = _CONFIGURATION.format(
            root=self.root,
            **_identities(),
            imap_port=self.imap_port,
            imaps_port=self.imaps_port,
            lmtp_port=self.lmtp_port,
            max_connections=max_connections,
        )
        (self.root / "dovecot.conf").write_text(configuration)
        (self.root / "oauth2.conf").write_text(
            "introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix="
            f"{self.root}/keys/\nusername_attribute = email\n"
        )
        # Where Dovecot looks for the key of a token without issuer and key id.
        keys = self.root / "keys" / "default" / "HS256"
        keys.mkdir(parents=True)
        (keys / "default").write_bytes(b64encode(_TOKEN_KEY))
        (self.root / "mail").mkdir()
        (self.root / "mail").chmod(0o777)
        # Dovecot looks for new users once a second at most, so the fresh accounts are there from the beginning.
        ready = [(f"user{number}@demo.test", "") for number in range(1, FRESH_USERS + 1)]
        small = [(f"small{number}@demo.test", "64K") for number in range(1, FRESH_USERS + 1)]
        everyone = [*((name, "") for name in self.users), (self.quota_user, "64K"), *ready, *small]
        (self.root / "users").write_text("".join(_user_line(name, PASSWORD, storage) for name, storage in everyone))

    def add_user(self, name: str, *, password: str = PASSWORD, storage: str = "") -> str:
        """Add an account with a name or password of its own; Dovecot may need two seconds to see it (`wait_for`)."""
        with (self.root / "users").open("a") as users:
            users.write(_user_line(name, password, storage))
        return name

    def wait_for(self, name: str, *, password: str = PASSWORD) -> None:
        """Wait until an added account can log in."""
        deadline = time.monotonic() + 20
        while not self._lets_in(name, password):
            if time.monotonic() > deadline:
                raise RuntimeError(f"Dovecot does not let {name} in: {self.log}")
            time.sleep(0.1)

    def _lets_in(self, name: str, password: str) -> bool:
        with socket.create_connection((self.host, self.imap_port), 5) as connection:
            stream = connection.makefile("rwb")
            stream.write(f'a LOGIN "{name}" "{password}"\r\n'.encode())
            stream.flush()
            answer = next((line for line in iter(stream.readline, b"") if line.startswith(b"a ")), b"")
            stream.close()
            return answer.startswith(b"a OK")

    def new_user(self, *, small: bool = False) -> str:
        """A fresh account with an empty mailbox, for one test; a small one may store 64 KB."""
        return f"{'small' if small else 'user'}{next(self._numbers)}@demo.test"

    def token(self, name: str, *, lifetime: int = 3600) -> str:
        """An access token (JWT) that this server accepts for `name`; with a negative lifetime, an expired one."""
        now = int(time.time())
        claims = {"email": name, "sub": name, "iat": now - 7200, "exp": now + lifetime}
        signed = b".".join(_b64url(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
        return (signed + b"." + _b64url(hmac.digest(_TOKEN_KEY, signed, "sha256"))).decode()

    @property
    def ssl_context(self) -> ssl.SSLContext:
        """A verifying context that trusts this server's authority."""
        return ssl.create_default_context(cafile=str(self.ca_file))

    @property
    def log(self) -> str:
        return (self.root / "dovecot.log").read_text(errors="replace")

    def start(self) -> None:
        """Start and wait until it greets."""
        with (self.root / "stderr.log").open("wb") as errors:
            self._process = subprocess.Popen(
                ["dovecot", "-F", "-c", str(self.root / "dovecot.conf")],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
                env={"PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"},
            )
        deadline = time.monotonic() + 20
        while not _greets(self.host, self.imap_port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = (self.root / "stderr.log").read_text(errors="replace")
                raise RuntimeError(f"Dovecot did not start: {said}\n{self.log if self._log_exists() else ''}")
            time.sleep(0.02)

    def _log_exists(self) -> bool:
        return (self.root / "dovecot.log").exists()

    def stop(self) -> None:
        """Stop in good order, all its processes included."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Stop at once, as when the machine loses power."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        # Dovecot's children have their own sessions ended by the master's death or, after a kill, by us: its group.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _user_line(name: str, password: str, storage: str) -> str:
    extra = f"userdb_quota_rule=*:storage={storage}" if storage else ""
    return f"{name}:{{PLAIN}}{password}::::::{extra}\n"


def _b64url(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


def _identities() -> dict[str, str]:
    """Who its processes run as: root starts it as the package does, anybody else as himself."""
    if os.getuid() == 0:
        return {
            "internal_user": "dovecot",
            "login_user": "dovenull",
            "group": "dovecot",
            "mail_user": "nobody",
            "mail_group": "nogroup",
        }
    user, group = getpass.getuser(), grp.getgrgid(os.getgid()).gr_name
    return {"internal_user": user, "login_user": user, "group": group, "mail_user": user, "mail_group": group}


def _free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    try:
        for item in sockets:
            item.bind(("127.0.0.1", 0))
        return [item.getsockname()[1] for item in sockets]
    finally:
        for item in sockets:
            item.close()


def _greets(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), 1) as connection:
            return connection.recv(4).startswith(b"* OK")
    except OSError:
        return False


def make_dovecot(*, max_connections: int = 1000) -> Iterator[DovecotServer]:
    """Start a server of one's own: `yield from make_dovecot()` in a fixture."""
    if shutil.which("dovecot", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is None:
        if os.environ.get("CI"):
            pytest.fail("Dovecot is not installed")
        pytest.skip("Dovecot is not installed")
    # Not pytest's own folder: Dovecot's sockets need a short path.
    root = Path(tempfile.mkdtemp(prefix="dovecot-"))
    server = DovecotServer(root, max_connections=max_connections)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="session")
def dovecot() -> Iterator[DovecotServer]:
    """The Dovecot that all tests share; use `new_user()` where mail is changed."""
    yield from make_dovecot()
