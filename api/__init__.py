"""What operators and other programs use: HTTP and WebSocket in front of the use cases, never beside them."""
