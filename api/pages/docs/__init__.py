"""The API reference at `/docs`: HTML that is made from the OpenAPI document once, and is whole without scripts."""
