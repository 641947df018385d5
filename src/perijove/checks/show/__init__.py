"""How a report is shown: to people, and to machines in their formats. Knows reports. Must not know how one came about."""
