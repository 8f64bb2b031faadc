"""The reading station's pages and API: FastAPI, server-rendered, no inline script."""
