"""Who a bearer token stands for, and the API keys."""
