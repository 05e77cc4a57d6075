"""From a declared endpoint to an HTTP reply: parsing, guards, problems, the request log."""
