"""The OpenAPI document, made from the declared endpoints."""
