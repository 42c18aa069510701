"""The console: server-made pages on which a person watches the shop and asks why."""
