"""The report: one HTML file about a study that opens anywhere."""
