"""What tests share: waiting, a link that can be cut, a bare MQTT client."""
