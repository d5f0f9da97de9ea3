"""A server without a protocol: each connection is given to a function. For what no HTTP server does."""

import socket
import threading


class RawServer:
    """On loopback, a thread a connection; a peer that hangs up is no news. The connection is closed after `serve`."""

    def __init__(self, serve):
        self._serve, self.connections = serve, 0
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *details):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection):
        with connection:
            try:
                self._serve(connection)
            except OSError:
                return


def head(connection):
    """What a client sends up to its first empty line."""
    found = b""
    while b"\r\n\r\n" not in found and (more := connection.recv(4096)):
        found += more
    return found
