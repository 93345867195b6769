"""The gateway: helpdesks' webhooks come in by HTTP, are proved authentic, and leave as canonical events in Kafka.

It keeps nothing on disk and nothing between two deliveries, so several run side by side: a delivery is answered with
success only once Kafka has acknowledged all its events, and with 503 when that is not so in time.
"""
