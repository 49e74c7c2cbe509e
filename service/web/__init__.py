"""The page: what the service has, rendered here, and kept up to date by a small script. It changes nothing but by way of the API."""
