"""The load client: HTTP as bytes, many sockets in few processes, one moment of release."""
