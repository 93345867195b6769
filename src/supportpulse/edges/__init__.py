"""Where supportpulse meets the outside: brokers, producers, importers; the only place for kafka-python."""
