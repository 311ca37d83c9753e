"""The departures of New York in 2013, sent through a group of five pipelines."""
