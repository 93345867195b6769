"""`fast://`: Faust's aiokafka transport with batches."""

from __future__ import annotations

from faust.transport.drivers import aiokafka as driver

from streams.batching.consumer import Consumer


class Transport(driver.Transport):
    """Only the consumer differs: producing, topics and credentials are Faust's own."""

    Consumer = Consumer
