"The run's folder: the one place that knows its files."
