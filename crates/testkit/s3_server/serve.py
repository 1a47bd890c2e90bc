"""Serves S3 on a free port of 127.0.0.1, prints the port, and ends at the end of its input."""

import logging
import sys
import threading

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

# A line for each request tells the tests nothing.
logging.getLogger("werkzeug").setLevel(logging.ERROR)
service = DomainDispatcherApplication(create_backend_app)
turn = threading.Lock()


def one_at_a_time(environ, start_response):
    """moto closes an object's bytes while another request still reads them."""
    with turn:
        return list(service(environ, start_response))


server = make_server("127.0.0.1", 0, one_at_a_time, threaded=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.port, flush=True)
sys.stdin.read()
