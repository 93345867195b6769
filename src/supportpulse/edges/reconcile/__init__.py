"""Reconciliation: what a helpdesk's API tells, as the webhooks that may have been lost would have told it."""
