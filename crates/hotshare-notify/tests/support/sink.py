"""An SMTP server that writes each mail it takes as a line of JSON.

Arguments: port, file, certificate, key, mode (none, starttls, tls), user, password (empty: no login).
Debian: python3-aiosmtpd.
"""

import asyncio
import json
import ssl
import sys
from email import message_from_bytes
from email.policy import default

from aiosmtpd.smtp import SMTP, AuthResult

port, path, certificate, key, mode, user, password = sys.argv[1:8]


class Sink:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 there is nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = message_from_bytes(envelope.content, policy=default)
        line = {
            "id": mail["Message-ID"],
            "subject": mail["Subject"],
            "from": mail["From"],
            "to": envelope.rcpt_tos,
            "text": mail.get_content(),
            "tls": server.transport.get_extra_info("sslcontext") is not None,
            "login": session.authenticated,
        }
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        return "250 OK"


def login(server, session, envelope, mechanism, data):
    good = (data.login, data.password) == (user.encode(), password.encode())
    return AuthResult(success=good, handled=False)


context = None
if mode != "none":
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)


def server():
    return SMTP(
        Sink(),
        hostname="sink.example",
        tls_context=context if mode == "starttls" else None,
        require_starttls=mode == "starttls",
        authenticator=login if user else None,
        auth_required=bool(user),
        auth_require_tls=mode == "starttls",
    )


async def main():
    wrapped = context if mode == "tls" else None
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", int(port), ssl=wrapped)
    await listener.serve_forever()


asyncio.run(main())
