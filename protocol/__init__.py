"""What travels on MQTT between postes and controller: topics, messages, codec, version.

Pure: it knows neither a broker, nor a database, nor a clock. `docs/protocol.md` is written from it.
"""
