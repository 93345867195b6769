"""What each helpdesk's webhooks mean: one file a vendor, pure functions from a payload to canonical events."""
