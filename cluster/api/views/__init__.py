"""Views: read the request, call one service or selector, answer."""
