"""Programs around the service: the development server, the checks, the proofs. The service imports none of them."""
