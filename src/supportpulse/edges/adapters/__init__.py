"""What each helpdesk's webhooks mean: one file a vendor, pure functions from a payload to canonical events.

The module of a vendor has the vendor's name and exports `adapt(delivery: Delivery) -> list[TicketEvent]` (see
`adapter.Adapter`). A module that needs a file of its own exports `from_file(path: Path) -> Adapter` instead, and the
source in `sources.toml` names that file as `mapping`. The gateway finds a module when a source of its vendor is
configured.
"""
