"""What a visitor sees: faces that watch the agent. A window or a terminal, the agent does not know which."""
