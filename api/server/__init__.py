"""Between the socket and the Flask app: connections, their deadlines and limits, and what gunicorn refuses by itself.

gunicorn imports this package before gevent patches the standard library. So nothing here may import Flask, the services
or a client of a store; import-linter enforces it.
"""
